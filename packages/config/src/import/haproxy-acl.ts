// HAProxy's `acl` lines: what they ask (criterion), how (flags), and for which patterns, as lists of our ACLs.
import { checkRegex } from '@tospann/regex';
import { readHostName, readNetwork } from '../units.ts';
import type { AclDraft, MatchDraft } from './pair-draft.ts';

type Named = 'header' | 'headerMember' | 'cookie' | 'query';

/** A comparison of a named value. */
export interface NamedMatch {
  readonly kind: Named;
  readonly name: string;
  readonly how: string;
  readonly values: string[];
  /** Of several: only this one. */
  readonly occurrence?: number;
}

/** What one `acl` line adds to an ACL, or why it cannot be taken. */
export type AclReading =
  | {
      readonly ok: true;
      readonly lists: Readonly<Record<string, readonly (string | number)[]>>;
      readonly match?: NamedMatch;
      /** It is always so. */
      readonly constant?: boolean;
      /** It asks for something of the request, which is gone when the answer comes. */
      readonly asksRequest: boolean;
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
  readonly occurrence?: number;
  /** str, beg, end, sub, reg, dir, dom, found, ip, int; empty: the usual one of the base. */
  readonly how: string;
  readonly ignoreCase: boolean;
  /** The port of a host is cut off: `field(1,:)`. */
  readonly cutsPort: boolean;
  readonly patterns: readonly string[];
}

// The names of HAProxy's fetches for the same thing, old and new.
const BASES: Readonly<Record<string, string>> = {
  path: 'path',
  url: 'url',
  hdr: 'hdr',
  'req.hdr': 'hdr',
  'req.fhdr': 'fhdr',
  fhdr: 'fhdr',
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

/** Without TLS here these are never true, or have no value to compare. */
const OF_TLS = /^ssl_(?:fc|c|f|bc)(?:_\w+)?$/;
const MAX_PATTERNS = 1000;
const MAX_REGEXES = 100;

/** Reads the criterion, flags and patterns of an ACL: `path_beg -i /static /images`. */
export function readCriterion(words: readonly string[]): AclReading {
  const [first = ''] = words;
  if (first === 'always_true' || first === 'always_false') {
    return { ok: true, lists: {}, constant: first === 'always_true', asksRequest: false };
  }
  if (OF_TLS.test(first.replace(/\(.*$/, ''))) {
    const remark = 'TLS is not served by this version, so this is never true';
    return { ok: true, lists: {}, constant: false, asksRequest: false, remark };
  }
  const criterion = splitCriterion(words);
  if (typeof criterion === 'string') return { ok: false, why: criterion };
  const reading = readBase(criterion);
  return reading.ok ? (tooMuch(reading) ?? reading) : reading;
}

function readBase(criterion: Criterion): AclReading {
  switch (criterion.base) {
    case 'path':
    case 'url':
      return readPath(possible(criterion));
    case 'hdr':
    case 'fhdr':
      return criterion.argument.toLowerCase() === 'host' ? readHost(criterion) : readHeader(criterion);
    case 'cook':
      return readNamed(criterion, 'cookie');
    case 'param':
      return readNamed(criterion, 'query');
    case 'hdr_cnt':
      return readCount(criterion, 'header');
    case 'cook_cnt':
      return readCount(criterion, 'cookie');
    case 'method':
      return readMethod(criterion);
    case 'src':
      return readSource(criterion);
    default:
      return readPort(criterion);
  }
}

/** Lists of the new file have a bound, and their texts a form. */
function tooMuch({ lists, match }: AclReading & { readonly ok: true }): AclReading | undefined {
  const values = [...Object.values(lists), match?.values ?? []];
  if (values.some((list) => list.length > MAX_PATTERNS)) {
    return {
      ok: false,
      why: `more than ${MAX_PATTERNS} patterns of one ACL are not served: use a map, or several ACLs`,
    };
  }
  const regexes = [lists['pathRegex'] ?? [], match?.how === 'regex' ? match.values : []];
  if (regexes.some((list) => list.length > MAX_REGEXES)) {
    return { ok: false, why: `more than ${MAX_REGEXES} regular expressions of one ACL are not served` };
  }
  const wrong = values.flat().find((text) => typeof text === 'string' && !/^[^\p{Cc}]{1,1024}$/u.test(text));
  if (wrong !== undefined) return { ok: false, why: 'a pattern has 1 to 1024 characters, and no control characters' };
  const name = match?.name ?? 'x';
  return match === undefined || /^[!#$%&'*+\-.^_`|~\w]{1,128}$/.test(name)
    ? undefined
    : { ok: false, why: `"${name}" is no name of a ${match.kind}` };
}

// oxlint-disable-next-line complexity -- long: what a criterion may not be, one after another
function splitCriterion(words: readonly string[]): Criterion | string {
  const [first = '', ...rest] = words;
  const { bare, ...converted } = withoutConverters(first);
  const fetch = splitFetch(bare);
  if (fetch === undefined) return whyUnknown(first);
  const flags = readFlags(rest);
  if (typeof flags === 'string') return flags;
  const { patterns } = flags;
  const how = flags.how ?? fetch.how;
  if (patterns.length === 0 && how !== 'found') return 'it has no pattern';
  if (how === 'reg') {
    const problem = patterns.map((pattern) => checkRegex(pattern)).find((found) => found !== undefined);
    if (problem !== undefined) return `the regular expression cannot be used here: ${problem.reason}`;
  }
  // In lower case a pattern with capitals never matches; without them it is the same as -i.
  if (converted.isLower && (how === 'reg' || patterns.some((pattern) => pattern !== pattern.toLowerCase()))) {
    return 'what is in lower case is compared with capitals or a regular expression';
  }
  const isHost = /^f?hdr$/.test(fetch.base) && fetch.argument.toLowerCase() === 'host';
  if (converted.cutsPort && !isHost) return '"field(1,:)" is served for the host only';
  return { ...fetch, how, patterns, ignoreCase: flags.ignoreCase || converted.isLower, cutsPort: converted.cutsPort };
}

/** `hdr(host),lower,field(1,:)`: the fetch, and what of it is compared. */
function withoutConverters(text: string): {
  readonly bare: string;
  readonly isLower: boolean;
  readonly cutsPort: boolean;
} {
  let bare = text;
  let isLower = false;
  let cutsPort = false;
  for (;;) {
    const [tail = '', name] = /,(lower|field\(1,:\)|word\(1,:\))$/.exec(bare) ?? [];
    if (name === undefined) return { bare, isLower, cutsPort };
    if (name === 'lower') isLower = true;
    else cutsPort = true;
    bare = bare.slice(0, -tail.length);
  }
}

/** `hdr_beg(host)` is base hdr, argument host, match beg. */
// oxlint-disable-next-line complexity -- long: defaults of parts that a pattern may leave out
function splitFetch(text: string): Pick<Criterion, 'base' | 'argument' | 'how' | 'occurrence'> | undefined {
  const [, fetch = '', inside = ''] = /^([\w.]+)(?:\(([^)]*)\))?$/.exec(text) ?? [];
  const [argument = '', which] = inside.split(',').map((part) => part.trim());
  const occurrence = which === undefined ? undefined : Number(which);
  if (occurrence !== undefined && !isOccurrence(occurrence)) return undefined;
  const known = occurrence === undefined ? { argument } : { argument, occurrence };
  const whole = Object.hasOwn(BASES, fetch) ? BASES[fetch] : undefined;
  if (whole !== undefined) return { ...known, base: whole, how: '' };
  const [end = '', how = ''] = /_(str|beg|end|sub|reg|dir|dom|len|ip|val)$/.exec(fetch) ?? [];
  const stem = fetch.slice(0, fetch.length - end.length);
  const base = end !== '' && Object.hasOwn(BASES, stem) ? BASES[stem] : undefined;
  return base === undefined ? undefined : { ...known, base, how };
}

/** Which one of several: 1 is the first, -1 the last. */
function isOccurrence(which: number): boolean {
  return Number.isInteger(which) && which !== 0 && Math.abs(which) <= 10;
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
  const never = whyNever(how, patterns);
  if (never !== undefined) return { ok: true, lists: {}, constant: false, asksRequest: true, remark: never };
  if (base === 'url' && (how !== 'beg' || patterns.some((pattern) => pattern.includes('?')))) {
    return { ok: false, why: 'of the whole URL only its beginning can be asked (url_beg): use the path and the query' };
  }
  const found = (key: string, values: readonly string[]): AclReading => ({
    ok: true,
    lists: { [key]: values },
    ignoreCase,
    asksRequest: true,
    ...(base === 'url' ? { remark: 'of the path: that of an absolute URL counts, too' } : {}),
  });
  const list = LISTS[how];
  if (list !== undefined) return found(list, patterns);
  if (how === 'reg') return found('pathRegex', patterns);
  if (how === 'sub') return found('pathRegex', patterns.map(escapeRegex));
  if (how === 'dir') {
    return found(
      'pathRegex',
      patterns.map((pattern) => `/${escapeRegex(pattern.replace(/^\/+|\/+$/g, ''))}(/|$)`),
    );
  }
  return { ok: false, why: `the match "${how}" is not served by this version` };
}

function whyNever(how: string, patterns: readonly string[]): string | undefined {
  if (how === 'reg') return undefined;
  if (patterns.every((pattern) => /\s/.test(pattern))) return 'a path has no blanks, so this pattern can never match';
  if (['', 'str', 'beg'].includes(how) && patterns.every((pattern) => !pattern.startsWith('/'))) {
    return 'a path begins with "/", so this pattern can never match';
  }
  return undefined;
}

/** Patterns of a path that can match at all: one without a slash, or with blanks, changes nothing. */
function possible({ how, patterns, ...rest }: Criterion): Criterion {
  const begins = ['', 'str', 'beg'].includes(how);
  const left = patterns.filter((pattern) => !/\s/.test(pattern) && (!begins || pattern.startsWith('/')));
  return { ...rest, how, patterns: how === 'reg' || left.length === 0 ? patterns : left };
}

/** Text as a regular expression that matches exactly it. */
function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

// Hosts are compared without port and without regard to case, as names are.
function readHost(criterion: Criterion): AclReading {
  const { how, patterns, cutsPort, ignoreCase } = criterion;
  const names = patterns.every((pattern) => readHostName(pattern.replace(/^\./, '')).ok);
  const found = (hosts: readonly string[], remark?: string): AclReading => {
    const remarks = [
      ...(remark === undefined ? [] : [remark]),
      ...(cutsPort ? [] : ['with any port behind the name']),
      ...(ignoreCase ? [] : ['in any case of letters']),
    ];
    const lists = { host: [...new Set(hosts)] };
    return { ok: true, lists, asksRequest: true, ...(remarks.length === 0 ? {} : { remark: remarks.join(', ') }) };
  };
  if (names && (how === '' || how === 'str') && patterns.every((pattern) => !pattern.startsWith('.'))) {
    return found(patterns.map(lower));
  }
  if (names && how === 'end' && patterns.every((pattern) => pattern.startsWith('.'))) {
    return found(patterns.map((pattern) => `*${lower(pattern)}`));
  }
  if (names && how === 'dom' && patterns.every((pattern) => /^[^.].*\./.test(pattern))) {
    const both = patterns.flatMap((pattern) => [lower(pattern), `*.${lower(pattern)}`]);
    return found(both, 'a domain and every name below it; hdr_dom also took names with it in their middle');
  }
  if (cutsPort) return { ok: false, why: '"field(1,:)" is served for whole names, endings and domains only' };
  return readHeader(criterion);
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

// req.hdr takes fields apart at commas, req.fhdr does not.
function readHeader(criterion: Criterion): AclReading {
  const isWhole = criterion.base === 'fhdr' || criterion.argument.toLowerCase() === 'host';
  return readNamed(criterion, isWhole ? 'header' : 'headerMember');
}

function readNamed({ argument: name, how, patterns, ignoreCase, occurrence }: Criterion, kind: Named): AclReading {
  if (name === '') return { ok: false, why: `it asks for any ${kind}: name one` };
  if (occurrence !== undefined && !kind.startsWith('header')) {
    return { ok: false, why: `which ${kind} of one name cannot be said: any of them counts` };
  }
  const found = (how_: string, values: readonly string[]): AclReading => {
    const which = occurrence === undefined ? {} : { occurrence };
    const match: NamedMatch = { kind, name, how: how_, values: [...values], ...which };
    return { ok: true, lists: {}, match, asksRequest: true, ...(how_ === 'present' ? {} : { ignoreCase }) };
  };
  if (how === 'found') return found('present', []);
  if (how === 'dom')
    return found(
      'regex',
      patterns.map((pattern) => `(^|[./:?])${escapeRegex(pattern)}([./:?]|$)`),
    );
  const key = HOWS[how];
  if (key !== undefined) return found(key, patterns);
  const instead = how === 'ip' ? ': set http.trustedProxies, and ask for the source' : '';
  return { ok: false, why: `the match "${how}" is not served by this version${instead}` };
}

function readCount({ argument: name, patterns }: Criterion, kind: Named): AclReading {
  const text = patterns.join(' ');
  const isPresent = ['gt 0', 'ge 1'].includes(text) && name !== '';
  return isPresent
    ? { ok: true, lists: {}, match: { kind, name, how: 'present', values: [] }, asksRequest: true }
    : { ok: false, why: 'only whether it is there can be asked, not how often' };
}

function readMethod({ patterns }: Criterion): AclReading {
  const wrong = patterns.find((pattern) => !/^[A-Z][A-Z-]{0,19}$/.test(pattern));
  if (wrong !== undefined) return { ok: false, why: `"${wrong}" is no method: methods are capital letters` };
  return { ok: true, lists: { method: patterns }, asksRequest: false };
}

function readSource({ patterns }: Criterion): AclReading {
  const networks = patterns.map(withPrefix);
  const wrong = networks.find((network) => !readNetwork(network).ok);
  return wrong === undefined
    ? { ok: true, lists: { source: networks }, asksRequest: false }
    : { ok: false, why: `"${wrong}" is no network in this version: write ADDRESS/PREFIX` };
}

/** 10.0.0.0/255.0.0.0 as 10.0.0.0/8. */
function withPrefix(network: string): string {
  const [, address = '', mask] = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(network) ?? [];
  if (mask === undefined) return network;
  const bits = mask
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? `${address}/${bits.replace(/0/g, '').length}` : network;
}

function readPort({ patterns }: Criterion): AclReading {
  const ports = patterns[0] === 'eq' ? patterns.slice(1) : patterns;
  const fits = ports.every((port) => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535);
  return fits && ports.length > 0 && ports.length <= 64
    ? { ok: true, lists: { port: ports.map(Number) }, asksRequest: false }
    : { ok: false, why: 'ports are compared one by one in this version: write each of them' };
}

/** Adds what a line says to the ACL of a name; false when it needs an ACL of its own, as it compares otherwise. */
export function addToAcl(acls: AclDraft[], name: string, reading: AclReading & { readonly ok: true }): boolean {
  const known = acls.find((acl) => acl.name === name);
  if (known !== undefined && !fitsInto(known, reading)) return false;
  const acl: AclDraft = known ?? { name, lists: {}, named: { header: {}, headerMember: {}, cookie: {}, query: {} } };
  if (known === undefined) acls.push(acl);
  const { ignoreCase, match } = reading;
  if (ignoreCase !== undefined) acl.ignoreCase = ignoreCase;
  for (const [key, values] of Object.entries(reading.lists)) (acl.lists[key] ??= []).push(...values);
  if (match !== undefined) addMatch((acl.named[match.kind][match.name] ??= {}), match);
  return true;
}

function fitsInto(acl: AclDraft, { ignoreCase, match, lists }: AclReading & { readonly ok: true }): boolean {
  if (ignoreCase !== undefined && acl.ignoreCase !== undefined && acl.ignoreCase !== ignoreCase) return false;
  const before = match === undefined ? undefined : acl.named[match.kind][match.name];
  if (before !== undefined && before['occurrence'] !== match?.occurrence) return false;
  return Object.entries(lists).every(([key, values]) => (acl.lists[key] ?? []).length + values.length <= limitOf(key));
}

function limitOf(key: string): number {
  return key === 'pathRegex' ? MAX_REGEXES : MAX_PATTERNS;
}

function addMatch(target: MatchDraft, match: NamedMatch): void {
  if (match.occurrence !== undefined) target['occurrence'] = match.occurrence;
  const before = target[match.how];
  target[match.how] = match.how === 'present' ? true : [...(Array.isArray(before) ? before : []), ...match.values];
}
