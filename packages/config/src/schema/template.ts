// Text with variables, such as `${scheme}://${host}${path}`: what rules put into headers, paths and redirects.
// Only reading; the engine fills the variables in.
import type { TemplateConfig, TemplateVariable } from '../model.ts';
import type { Reading } from '../units.ts';
import { didYouMean } from '../suggest.ts';
import { FIELD_NAME } from './fields.ts';

/** The variables of a template, in the order in which messages list them; `header` takes a name behind a colon. */
export const VARIABLES: readonly string[] = [
  'clientAddress',
  'host',
  'path',
  'query',
  'method',
  'requestId',
  'frontend',
  'scheme',
  'port',
  'header:NAME',
  'headerMember:NAME',
];

/** Variables with a name, and maybe with the number of the one of several that is meant. */
const NAMED = /^(header|headerMember):([^,]*)(?:,(-?[1-9]|-?10))?$/;

/** Longest template; a field of a request must fit into a head of 16 KiB with others. */
const MAX_LENGTH = 4096;

/** What a template is for: `value` of a header; `path` and `location` go into a request line or Location. */
export type TemplateUse = 'value' | 'path' | 'location';

/**
 * Reads a template: `${name}` is a variable, `$$` a dollar sign, everything else stands for itself.
 *
 * @returns Neighbouring text is one part; there is no empty text.
 */
export function readTemplate(text: string, use: TemplateUse): Reading<TemplateConfig> {
  if (text.length === 0 || text.length > MAX_LENGTH) {
    return { ok: false, reason: 'range', must: `text of 1 to ${MAX_LENGTH} characters` };
  }
  const parts: (string | TemplateVariable)[] = [];
  let plain = '';
  for (const [piece] of text.matchAll(/\$\$|\$\{[^}]*\}|[^$]+|\$/g)) {
    if (piece === '$') {
      return fault('text in which every "$" begins a variable such as ${host}, or is written "$$"');
    } else if (piece === '$$') {
      plain += '$';
    } else if (!piece.startsWith('${')) {
      plain += piece;
    } else {
      const variable = readVariable(piece.slice(2, -1));
      if (typeof variable === 'string') return fault(variable);
      if (plain !== '') parts.push(plain);
      plain = '';
      parts.push(variable);
    }
  }
  if (plain !== '') parts.push(plain);
  const wrong = wrongText(parts, use);
  return wrong === undefined ? { ok: true, value: parts } : fault(wrong);
}

function fault(must: string): Reading<TemplateConfig> {
  return { ok: false, reason: 'value', must };
}

/** A variable, or what the text must be instead. */
function readVariable(inside: string): TemplateVariable | string {
  const [, kind, name = '', which] = NAMED.exec(inside) ?? [];
  if (kind !== undefined) {
    if (!FIELD_NAME.form.test(name)) {
      return `text whose \${${kind}:NAME} has ${FIELD_NAME.must}, which "${name}" is not`;
    }
    const variable = kind === 'header' ? 'header' : 'header-member';
    return which === undefined ? { variable, name } : { variable, name, occurrence: Number(which) };
  }
  if (VARIABLES.includes(inside)) return { variable: inside };
  const meant = didYouMean(inside, VARIABLES);
  const instead = meant === undefined ? `: ${VARIABLES.join(', ')}` : `, such as \${${meant}}`;
  return `text with known variables${instead}; "\${${inside}}" is none`;
}

function wrongText(parts: TemplateConfig, use: TemplateUse): string | undefined {
  const texts = parts.filter((part) => typeof part === 'string');
  if (texts.some((text) => /[\p{Cc}]/u.test(text))) return 'text without control characters';
  if (use === 'value') return undefined;
  if (texts.some((text) => /[^!-~]/.test(text))) {
    return 'text of visible ASCII characters; write others in percent form (%20)';
  }
  const first = parts[0];
  if (use === 'path') {
    if (typeof first === 'string' && !first.startsWith('/')) return 'a path that begins with "/" or a variable';
    if (texts.some((text) => /[?#]/.test(text))) return 'a path without "?" and "#": the query stays as it is';
  }
  return undefined;
}
