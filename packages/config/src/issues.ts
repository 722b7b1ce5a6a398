// Turns what zod says into findings with codes, values and hints of this product. The message of an issue made by
// schema/fields.ts completes "must be ...".
import type { z } from 'zod';
import { configSchema } from './schema.ts';
import { placesOfKey, schemaPlace } from './schema/walk.ts';
import { isRawMap } from './document.ts';
import { didYouMean } from './suggest.ts';
import { formatPath, showValue, type Finding, type Path } from './problem.ts';
import type { Raw } from './document.ts';

/** Beginning of every value that `import` leaves for a person to fill in. */
export const PLACEHOLDER = 'FILL-IN';

/** Unknown keys and wrong values that are told, each: to look for what was meant costs a walk over the schema. */
const MAX_TOLD = 500;

/** Makes findings from the issues of the schema; `root` is what was parsed. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], root: Raw): Finding[] {
  const misspelt = new Set<string>();
  let unknownLeft = MAX_TOLD;
  const findings = issues.slice(0, MAX_TOLD).flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'invalid_key') return [badName(path, issue)];
    if (issue.code !== 'unrecognized_keys') return [badValue(issue, path, root)];
    const keys = issue.keys.slice(0, unknownLeft);
    unknownLeft -= keys.length;
    return keys.map((key) => {
      const known = schemaPlace(configSchema, path)?.keys ?? [];
      const meant = didYouMean(key, known);
      if (meant !== undefined) misspelt.add(formatPath([...path, meant]));
      return unknownKey([...path, key], { known, meant });
    });
  });
  // A key under a wrong spelling is one mistake, not two: neither is it missing, nor is its mapping without it.
  const inside = new Set(
    findings.filter(({ code }) => code === 'LB_CONFIG_UNKNOWN_KEY').map(({ path }) => formatPath(path.slice(0, -1))),
  );
  return findings.filter(({ code, path }) => {
    if (code === 'LB_CONFIG_BAD_VALUE') return !inside.has(formatPath(path));
    return code !== 'LB_CONFIG_MISSING_KEY' || !misspelt.has(formatPath(path));
  });
}

function unknownKey(
  path: Path,
  about: { readonly known: readonly string[]; readonly meant: string | undefined },
): Finding {
  const key = String(path.at(-1) ?? '');
  const elsewhere = placesOfKey(configSchema, key);
  let suggestion = `Remove it, or use one of: ${about.known.join(', ')}.`;
  if (key === 'weight' && path[0] === 'failover') {
    suggestion = 'Remove it: nothing is added up here, a script that fails makes its node give way.';
  } else if (about.meant !== undefined) suggestion = `Did you mean "${about.meant}"?`;
  else if (elsewhere.length > 0) suggestion = `Move it to ${elsewhere.slice(0, 3).join(' or ')}.`;
  return { severity: 'error', code: 'LB_CONFIG_UNKNOWN_KEY', path, at: 'key', params: { key, suggestion } };
}

function badName(path: Path, issue: z.core.$ZodIssueInvalidKey): Finding {
  const constraint = issue.issues[0]?.message ?? 'a name';
  if (constraint !== 'a name') {
    const params = { value: showValue(path.at(-1)), constraint, example: exampleOf(path.slice(0, -1)) };
    return { severity: 'error', code: 'LB_CONFIG_BAD_FIELD_NAME', path, at: 'key', params };
  }
  const params = { value: showValue(path.at(-1)) };
  return { severity: 'error', code: 'LB_CONFIG_BAD_NAME', path, at: 'key', params };
}

function badValue(issue: z.core.$ZodIssue, path: Path, root: Raw): Finding {
  const value = valueAt(root, path);
  const example = exampleOf(path);
  if (value === undefined) {
    const key = String(path.at(-1) ?? '');
    return { severity: 'error', code: 'LB_CONFIG_MISSING_KEY', path, at: 'key', params: { key, example } };
  }
  const field = fieldName(path);
  if (typeof value === 'string' && value.startsWith(PLACEHOLDER)) {
    const params = { value: showValue(value), field, advice: fillInAdvice(path) };
    return { severity: 'error', code: 'LB_CONFIG_PLACEHOLDER', path, at: 'value', params };
  }
  const reason = issue.code === 'custom' ? issue.params?.['reason'] : undefined;
  if (reason === 'unsupported') {
    const params = { what: issue.message, advice: 'Use an IPv4 address.' };
    return { severity: 'error', code: 'LB_CONFIG_NOT_SUPPORTED', path, at: 'value', params };
  }
  const params = { field, constraint: issue.message, value: showValue(value), example };
  return { severity: 'error', code: codeOf(issue, reason), path, at: 'value', params };
}

// Mappings whose required keys are names that nobody can guess.
const MAPPING_EXAMPLES: Readonly<Record<string, string>> = {
  '(root)': 'version: 1',
  cluster: 'cluster: { nodes: { lb1: { address: 10.10.0.11, interface: eth0 } } }',
  'cluster.nodes': 'nodes: { lb1: { address: 10.10.0.11, interface: eth0 } }',
  vips: 'vips: { public: { address: 192.168.1.200/24, routerId: 51 } }',
  frontends: 'frontends: { main: { bind: ["*:80"], defaultBackend: app } }',
  backends: 'backends: { app: { servers: { web1: { address: 10.10.10.1:80 } } } }',
};

// Mappings, and lists of mappings, that have no example of their own.
const KEY_EXAMPLES: Readonly<Record<string, string>> = {
  servers: 'servers: { web1: { address: 10.10.10.1:80 } }',
  check: 'check: { type: http, path: / }',
  rules: 'rules: [{ if: url_static, use: static }]',
  redirect: 'redirect: { scheme: https }',
  return: 'return: { status: 200, body: ready }',
  dialogue: String.raw`dialogue: [{ send: "PING\\r\\n" }, { expect: +PONG }]`,
};

/** How a key is written, for hints. */
export function exampleOf(path: Path): string {
  const fixed = MAPPING_EXAMPLES[formatPath(path)];
  if (fixed !== undefined) return fixed;
  const last = path.at(-1);
  const known = KEY_EXAMPLES[String(typeof last === 'number' ? path.at(-2) : last)];
  if (known !== undefined) return known;
  const place = schemaPlace(configSchema, path);
  // Inside a value that is documented as a whole, the whole is the example.
  if (place === undefined && path.length > 0) return exampleOf(path.slice(0, -1));
  return place?.doc?.example ?? `${fieldName(path)}: { ${place?.required.join(', ') ?? '...'} }`;
}

function codeOf(issue: z.core.$ZodIssue, reason: unknown): Finding['code'] {
  if (issue.code === 'invalid_type') return 'LB_CONFIG_BAD_TYPE';
  if (issue.code === 'too_small' || issue.code === 'too_big' || reason === 'range') return 'LB_CONFIG_OUT_OF_RANGE';
  return 'LB_CONFIG_BAD_VALUE';
}

/** The last part of a path as an operator would name it: `client`, `bind[0]`, `the file`. */
function fieldName(path: Path): string {
  if (path.length === 0) return 'the file';
  const from = path.findLastIndex((part) => typeof part === 'string');
  return formatPath(path.slice(from));
}

function fillInAdvice(path: Path): string {
  if (path.includes('rules')) {
    return 'Write when the rule applies, with ACLs, or remove it once you have decided that nobody needs it.';
  }
  if (path[0] === 'frontends' || path[0] === 'backends' || path[0] === 'admin') {
    return 'Write a value that can be used without what the comment above it says, or remove it.';
  }
  if (path[0] !== 'cluster') return 'Write the one value that both nodes shall have.';
  const node = String(path[2] ?? '');
  if (path.at(-1) === 'interface') {
    return `Write the network interface of ${node} there; "ip -brief link" shows the names.`;
  }
  return `Write the IPv4 address that ${node} itself has on its interface (not the VIP); "ip -4 -brief address" shows it.`;
}

function valueAt(root: Raw, path: Path): Raw | undefined {
  let value: Raw | undefined = root;
  for (const part of path) {
    if (Array.isArray(value)) value = (value as readonly Raw[])[Number(part)];
    else value = isRawMap(value) ? value[String(part)] : undefined;
  }
  return value;
}
