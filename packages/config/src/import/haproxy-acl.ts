// HAProxy's `acl` lines: what they ask (criterion), how (flags), and for which patterns, as lists of our ACLs.
import { checkRegex } from '@tospann/regex';
import { readHostName, readNetwork } from '../units.ts';
import type { AclDraft } from './pair-draft.ts';

type Named = 'header' | 'cookie' | 'query';

/** What one `acl` line adds to an ACL, or why it cannot be taken. */
export type AclReading =
  | {
      readonly ok: true;
      readonly lists: Readonly<Record<string, readonly (string | number)[]>>;
      readonly match?: { readonly kind: Named; readonly name: string; readonly how: string; readonly values: string[] };
      /** Absent: the case of letters makes no difference. */
      readonly ignoreCase?: boolean;
      /** A difference in meaning that a person should know. */
      readonly remark?: string;
    }
  | { readonly ok: false; readonly why: string };

interface Criterion {
  /** Without `req.`, without the match at its end: path, hdr, cook, url_param, method, src, dst_port, ... */
  readonly base: string;
  readonly argument: string;
  /** str, beg, end, sub, reg, dir, dom, found, ip, int; empty: the usual one of the base. */
  readonly how: string;
  readonly ignoreCase: boolean;
  readonly patterns: readonly string[];
}

// The names of HAProxy's fetches for the same thing, old and new.
const BASES: Readonly<Record<string, string>> = {
  path: 'path',
  pathq: 'pathq',
  url: 'url',
  hdr: 'hdr',
  'req.hdr': 'hdr',
  'req.fhdr': 'hdr',
  fhdr: 'hdr',
  hdr_cnt: 'hdr_cnt',
  'req.hdr_cnt': 'hdr_cnt',
  cook: 'cook',
  'req.cook': 'cook',
  cookie: 'cook',
  cook_cnt: 'cook_cnt',
  'req.cook_cnt': 'cook_cnt',
  url_param: 'param',
  urlp: 'param',
  method: 'method',
  src: 'src',
  dst_port: 'dst_port',
};

/** Reads the criterion, flags and patterns of an ACL: `path_beg -i /static /images`. */
export function readCriterion(words: readonly string[]): AclReading {
  const criterion = splitCriterion(words);
  if (typeof criterion === 'string') return { ok: false, why: criterion };
  switch (criterion.base) {
    case 'path':
    case 'url':
      return readPath(criterion);
    case 'hdr':
      return criterion.argument.toLowerCase() === 'host' ? readHost(criterion) : readNamed(criterion, 'header');
    case 'cook':
      return readNamed(criterion, 'cookie');
    case 'param':
      return readNamed(criterion, 'query');
    case 'hdr_cnt':
      return readCount(criterion, 'header');
    case 'cook_cnt':
      return readCount(criterion, 'cookie');
    case 'method':
      return { ok: true, lists: { method: criterion.patterns.map((method) => method.toUpperCase()) } };
    case 'src':
      return readSource(criterion);
    default:
      return readPort(criterion);
  }
}

function splitCriterion(words: readonly string[]): Criterion | string {
  const [first = '', ...rest] = words;
  const fetch = splitFetch(first);
  if (fetch === undefined) return whyUnknown(first);
  const flags = readFlags(rest);
  if (typeof flags === 'string') return flags;
  const { ignoreCase, patterns } = flags;
  const how = flags.how ?? fetch.how;
  if (patterns.length === 0 && how !== 'found') return 'it has no pattern';
  if (how === 'reg') {
    const problem = patterns.map((pattern) => checkRegex(pattern)).find((found) => found !== undefined);
    if (problem !== undefined) return `the regular expression cannot be used here: ${problem.reason}`;
  }
  return { base: fetch.base, argument: fetch.argument, how, ignoreCase, patterns };
}

/** `hdr_beg(host)` is base hdr, argument host, match beg. */
function splitFetch(
  text: string,
): { readonly base: string; readonly argument: string; readonly how: string } | undefined {
  const [, fetch = '', argument = ''] = /^([\w.]+)(?:\(([^)]*)\))?$/.exec(text) ?? [];
  const known = { argument: argument.split(',')[0] ?? '' };
  const whole = Object.hasOwn(BASES, fetch) ? BASES[fetch] : undefined;
  if (whole !== undefined) return { ...known, base: whole, how: '' };
  const suffix = /_(str|beg|end|sub|reg|dir|dom|len|ip|val)$/.exec(fetch);
  const stem = suffix === null ? '' : fetch.slice(0, suffix.index);
  const base = Object.hasOwn(BASES, stem) ? BASES[stem] : undefined;
  return base === undefined ? undefined : { ...known, base, how: suffix?.[1] ?? '' };
}

interface Flags {
  readonly how: string | undefined;
  readonly ignoreCase: boolean;
  readonly patterns: readonly string[];
}

function readFlags(words: readonly string[]): Flags | string {
  let how: string | undefined;
  let ignoreCase = false;
  for (let at = 0; at < words.length; at += 1) {
    const flag = words[at] ?? '';
    if (flag === '-i') ignoreCase = true;
    else if (flag === '-m') how = words[(at += 1)] ?? '';
    else if (flag === '--') return { how, ignoreCase, patterns: words.slice(at + 1) };
    else if (flag === '-f' || flag === '-M') {
      return 'lists in files are not read by this version: write the patterns here, or use a map for backends';
    } else if (flag.startsWith('-')) return `the flag "${flag}" is not served by this version`;
    else return { how, ignoreCase, patterns: words.slice(at) };
  }
  return { how, ignoreCase, patterns: [] };
}

function whyUnknown(first: string): string {
  const rates: readonly (readonly [RegExp, string])[] = [
    [/http_req_(?:rate|cnt)/, 'frontends.*.limits.requestRate'],
    [/conn_(?:rate|cnt)|sess_rate/, 'frontends.*.limits.connectionRate'],
    [/conn_cur|trackers/, 'frontends.*.limits.connectionsPerSource'],
  ];
  if (/^(?:sc\d?_|src_)/.test(first)) {
    const key = rates.find(([form]) => form.test(first))?.[1] ?? 'frontends.*.limits';
    return `counters of stick tables are not served by this version: ${key} limits each source instead`;
  }
  if (first.startsWith('ssl_')) return `"${first}": TLS is not served by this version`;
  if (/^(?:nbsrv|srv_is_up|connslots|be_)/.test(first)) {
    return `"${first}": the state of servers is no condition in this version; a server with "backup: true" steps in when the others are down`;
  }
  return `"${first}" is not served by this version: conditions are on path, host, method, header, cookie, query, source and port`;
}

const LISTS: Readonly<Record<string, string>> = {
  '': 'pathExact',
  str: 'pathExact',
  beg: 'pathPrefix',
  end: 'pathSuffix',
};

function readPath({ base, how, patterns, ignoreCase }: Criterion): AclReading {
  const why = whyNever(how, patterns);
  if (why !== undefined) return { ok: false, why };
  if (base === 'url' && (how !== 'beg' || patterns.some((pattern) => pattern.includes('?')))) {
    return { ok: false, why: 'of the whole URL only its beginning can be asked (url_beg): use the path and the query' };
  }
  const list = LISTS[how];
  if (list !== undefined) return { ok: true, lists: { [list]: patterns }, ignoreCase };
  if (how === 'reg') return { ok: true, lists: { pathRegex: patterns }, ignoreCase };
  if (how === 'sub') return { ok: true, lists: { pathRegex: patterns.map(escapeRegex) }, ignoreCase };
  if (how === 'dir') {
    const dirs = patterns.map((pattern) => `/${escapeRegex(pattern.replace(/^\/+|\/+$/g, ''))}(/|$)`);
    return { ok: true, lists: { pathRegex: dirs }, ignoreCase };
  }
  return { ok: false, why: `the match "${how}" is not served by this version` };
}

function whyNever(how: string, patterns: readonly string[]): string | undefined {
  if (how === 'reg') return undefined;
  if (patterns.some((pattern) => /\s/.test(pattern))) return 'a path has no blanks, so this pattern can never match';
  if (['', 'str', 'beg'].includes(how) && patterns.some((pattern) => !pattern.startsWith('/'))) {
    return 'a path begins with "/", so this pattern can never match';
  }
  return undefined;
}

/** Text as a regular expression that matches exactly it. */
function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

// Hosts are compared without port and without regard to case, as names are.
function readHost(criterion: Criterion): AclReading {
  const { how, patterns } = criterion;
  const names = patterns.every((pattern) => readHostName(pattern.replace(/^\./, '')).ok);
  if (names && (how === '' || how === 'str') && patterns.every((pattern) => !pattern.startsWith('.'))) {
    return { ok: true, lists: { host: patterns.map(lower) } };
  }
  if (names && how === 'end' && patterns.every((pattern) => pattern.startsWith('.'))) {
    return { ok: true, lists: { host: patterns.map((pattern) => `*${lower(pattern)}`) } };
  }
  if (names && how === 'dom' && patterns.every((pattern) => /^[^.].*\./.test(pattern))) {
    return {
      ok: true,
      lists: { host: patterns.flatMap((pattern) => [lower(pattern), `*.${lower(pattern)}`]) },
      remark: 'a domain and every name below it; hdr_dom also took names with it in their middle',
    };
  }
  return readNamed(criterion, 'header');
}

function lower(text: string): string {
  return text.toLowerCase();
}

const HOWS: Readonly<Record<string, string>> = {
  '': 'exact',
  str: 'exact',
  beg: 'prefix',
  end: 'suffix',
  sub: 'contains',
  reg: 'regex',
};

function readNamed({ argument: name, how, patterns, ignoreCase }: Criterion, kind: Named): AclReading {
  if (name === '') return { ok: false, why: `it asks for any ${kind}: name one` };
  if (how === 'found') return { ok: true, lists: {}, match: { kind, name, how: 'present', values: [] } };
  if (how === 'dom') {
    const values = patterns.map((pattern) => `(^|[./:?])${escapeRegex(pattern)}([./:?]|$)`);
    return { ok: true, lists: {}, match: { kind, name, how: 'regex', values }, ignoreCase };
  }
  const key = HOWS[how];
  if (key === undefined) {
    const instead = how === 'ip' ? ': set http.trustedProxies, and ask for the source' : '';
    return { ok: false, why: `the match "${how}" is not served by this version${instead}` };
  }
  return { ok: true, lists: {}, match: { kind, name, how: key, values: [...patterns] }, ignoreCase };
}

function readCount({ argument: name, patterns }: Criterion, kind: Named): AclReading {
  const text = patterns.join(' ');
  const isPresent = ['gt 0', 'ge 1', '1', 'eq 1'].includes(text) && name !== '';
  return isPresent
    ? { ok: true, lists: {}, match: { kind, name, how: 'present', values: [] } }
    : { ok: false, why: 'only whether it is there can be asked, not how often' };
}

function readSource({ patterns }: Criterion): AclReading {
  const wrong = patterns.find((pattern) => !readNetwork(pattern).ok);
  return wrong === undefined
    ? { ok: true, lists: { source: patterns } }
    : { ok: false, why: `"${wrong}" is no network in this version: write ADDRESS/PREFIX` };
}

function readPort({ patterns }: Criterion): AclReading {
  const ports = patterns[0] === 'eq' ? patterns.slice(1) : patterns;
  return ports.every((port) => /^\d{1,5}$/.test(port)) && ports.length > 0
    ? { ok: true, lists: { port: ports.map(Number) } }
    : { ok: false, why: 'ports are compared one by one in this version: write each of them' };
}

/** Adds what a line says to the ACL of a name; false when the ACL compares with the other case rule already. */
export function addToAcl(acls: AclDraft[], name: string, reading: AclReading & { readonly ok: true }): boolean {
  let acl = acls.find((known) => known.name === name);
  if (acl === undefined) {
    acl = { name, lists: {}, named: { header: {}, cookie: {}, query: {} } };
    acls.push(acl);
  }
  const { ignoreCase, match } = reading;
  if (ignoreCase !== undefined) {
    if (acl.ignoreCase !== undefined && acl.ignoreCase !== ignoreCase) return false;
    acl.ignoreCase = ignoreCase;
  }
  for (const [key, values] of Object.entries(reading.lists)) (acl.lists[key] ??= []).push(...values);
  if (match !== undefined) {
    const target = (acl.named[match.kind][match.name] ??= {});
    const before = target[match.how];
    target[match.how] = match.how === 'present' ? true : [...(Array.isArray(before) ? before : []), ...match.values];
  }
  return true;
}
