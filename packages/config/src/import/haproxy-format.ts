// HAProxy's log-format expressions (`%[req.hdr(host)]`, `%ci`) as templates of the new file (`${host}`), as far as
// there is a variable of the same meaning.
import type { Phase } from './haproxy-condition.ts';

/** A fetch and the variable of the same value; `late`: it is still known when the answer comes. */
interface Variable {
  readonly form: RegExp;
  readonly text: string;
  readonly late?: boolean;
  readonly remark?: string;
}

const VARIABLES: readonly Variable[] = [
  { form: /^src$/, text: '${clientAddress}', late: true },
  { form: /^(?:req\.)?f?hdr\(host\),(?:lower,)?(?:field\(1,:\)|word\(1,:\))$/i, text: '${host}' },
  {
    form: /^(?:req\.)?f?hdr\(host\),(?:(?:field\(1,:\)|word\(1,:\)),)?lower$/i,
    text: '${host}',
    remark: 'the host without its port, as the client wrote it',
  },
  { form: /^(?:req\.)?f?hdr\(host\)$/i, text: '${header:Host}' },
  { form: /^(?:req\.)?hdr\(([\w-]+)((?:,-?(?:[1-9]|10))?)\)$/i, text: '${headerMember:$1$2}' },
  { form: /^(?:req\.)?fhdr\(([\w-]+)((?:,-?(?:[1-9]|10))?)\)$/i, text: '${header:$1$2}' },
  { form: /^path$/, text: '${path}' },
  { form: /^query$/, text: '${query}' },
  { form: /^method$/, text: '${method}', late: true },
  { form: /^capture\.req\.method$/, text: '${method}', late: true },
  { form: /^dst_port$/, text: '${port}', late: true },
  { form: /^fe_name$/, text: '${frontend}', late: true },
  { form: /^unique-id$/, text: '${requestId}', late: true },
  { form: /^ssl_fc,iif\(\w*,(\w+)\)$/, text: '$1', late: true, remark: 'TLS is not served by this version' },
  { form: /^str\(([\w ./:;=-]*)\)$/, text: '$1', late: true },
];

const LETTERS: Readonly<Record<string, string>> = {
  '%ci': '${clientAddress}',
  '%fp': '${port}',
  '%f': '${frontend}',
  '%ft': '${frontend}',
  '%HM': '${method}',
  '%HPO': '${path}',
  '%HP': '${path}',
  '%ID': '${requestId}',
  '%%': '%',
};

/** A text as a template. */
export interface FormatReading {
  readonly text: string;
  readonly remark?: string;
}

/** The text as a template, or undefined when it has an expression without counterpart. */
export function readFormat(text: string, phase: Phase = 'request'): FormatReading | undefined {
  let unknown = false;
  const remarks = new Set<string>();
  const pieces = /%\[((?:[^\]"']|"[^"]*"|'[^']*')*)\]|%%|%(?:\{[^}]*\})?[A-Za-z]+|%|\$/g;
  const template = text.replace(pieces, (whole, inside?: string) => {
    if (whole === '$') return '$$';
    const found = inside === undefined ? readLetter(whole) : readFetch(inside, phase);
    if (found === undefined) unknown = true;
    if (found?.remark !== undefined) remarks.add(found.remark);
    return found?.text ?? '';
  });
  if (unknown) return undefined;
  return remarks.size === 0 ? { text: template } : { text: template, remark: [...remarks].join('; ') };
}

function readLetter(letters: string): FormatReading | undefined {
  const text = Object.hasOwn(LETTERS, letters) ? LETTERS[letters] : undefined;
  return text === undefined ? undefined : { text };
}

function readFetch(inside: string, phase: Phase): FormatReading | undefined {
  const text = inside.trim();
  const entry = VARIABLES.find(({ form }) => form.test(text));
  const match = entry?.form.exec(text);
  if (entry === undefined || match === undefined || match === null) return undefined;
  if (phase === 'response' && entry.late !== true) return undefined;
  const [, first = '', second = ''] = match;
  const made = entry.text.replace('$1', () => first).replace('$2', () => second);
  return entry.remark === undefined ? { text: made } : { text: made, remark: entry.remark };
}

/** What stands for path and query together: only good where both are appended anyway. */
const WHOLE_URI = /%\[(?:capture\.req\.uri|url|pathq)\]$|%HU$/;

/** Splits off path and query at the end: `https://a.example%[capture.req.uri]` is the prefix `https://a.example`. */
export function readPrefixFormat(text: string): FormatReading | undefined {
  return WHOLE_URI.test(text) ? readFormat(text.replace(WHOLE_URI, '')) : undefined;
}

export const NO_FORMAT =
  'it is made from something that has no variable in this version (known are the source, host, path, query, method, port, frontend, request id and headers)';
