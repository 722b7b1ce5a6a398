// The lines of `frontend`, and of `listen` as far as it is one: listeners, limits, ACLs, compression, error pages.
import { readBind } from '../units.ts';
import type { BindConfig } from '../model.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { answerRule, type RuleWork } from './haproxy-rules.ts';
import { answerAcl } from './haproxy-section.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { CompressionDraft, FlowValue, FrontendDraft } from './pair-draft.ts';

// Parameters of `bind` that decide what the listener speaks, or to whom; the others only tune it.
const DECISIVE_BIND: Readonly<Record<string, string>> = {
  ssl: 'TLS is not served by this version',
  proto: 'another protocol than HTTP/1.1 is not served by this version',
  transparent: 'addresses of others cannot be listened on in this version',
  interface: 'it was open to one interface only: listen on the address that the interface has',
  namespace: 'it was in another network namespace',
  'accept-netscaler-cip': 'this header of connections is not served by this version',
};

/** Lines that say nothing about bytes that are not looked into. */
const HTTP_ONLY = /^(?:http-|redirect$|compression$|errorfile$|monitor-uri$|block$|reqadd$|rspadd$)/;

/** Answers one line of a frontend; false when it is another kind of line. */
export function answerFrontend(context: HaproxyContext, line: HaproxyLine, work: RuleWork & FrontendOwner): boolean {
  const [keyword = '', value = ''] = line.words;
  const frontend = work.owner;
  const { target } = work;
  if (frontend.mode === 'tcp' && HTTP_ONLY.test(keyword)) {
    context.report.answer(line, { verdict: 'refused', why: 'it changes HTTP messages, and this is mode tcp', target });
    return true;
  }
  switch (keyword) {
    case 'bind':
      addBinds(context, line, { frontend, words: line.words.slice(1) });
      return true;
    case 'mode':
      answerMode(context, line, frontend);
      return true;
    case 'maxconn':
    case 'default_backend':
      answerValue(context, line, frontend);
      return true;
    case 'acl':
      answerAcl(context, line, work);
      return true;
    case 'compression':
      setCompression(context, line, frontend);
      return true;
    case 'errorfile':
      takeErrorFile(context, line, { pages: frontend.errorPages, section: frontend.name, status: value });
      return true;
    default:
      return answerRule(context, line, work);
  }
}

/** The frontend whose rules they are. */
export interface FrontendOwner {
  readonly owner: FrontendDraft;
}

function answerMode(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const target = `frontends.${frontend.name}.mode`;
  const same = line.words[1] === frontend.mode;
  context.report.answer(line, {
    verdict: same ? 'taken' : 'changed',
    why: same
      ? frontend.mode === 'http'
        ? 'HTTP'
        : 'TCP'
      : 'HTTP: its backends are, and HAProxy turns such connections into HTTP',
    target,
  });
}

function setCompression(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const compression = answerCompression(context, line, frontend.compression);
  if (compression !== undefined) frontend.compression = compression;
}

function answerValue(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const [keyword, value = ''] = line.words;
  const target = `frontends.${frontend.name}`;
  if (keyword === 'maxconn') {
    answerMaxconn(context, line, frontend);
    return;
  }
  const named = context.backendNamed(value, frontend.mode);
  if (named.ok) frontend.defaultBackend = named.name;
  context.report.answer(line, {
    verdict: named.ok ? 'taken' : 'refused',
    why: named.ok ? 'takes what no rule takes' : named.why,
    target: `${target}.defaultBackend`,
  });
}

/** Most connections of a frontend, from `maxconn`; undefined where it says none. */
export function readMaxconn(text: string): number | undefined {
  const count = Number(text);
  return /^\d{1,9}$/.test(text) && count > 0 ? Math.min(1_000_000, count) : undefined;
}

function answerMaxconn(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const target = `frontends.${frontend.name}.maxConnections`;
  const count = readMaxconn(line.words[1] ?? '');
  if (count === undefined) {
    context.report.answer(line, { verdict: 'refused', why: 'a limit is from 1 to 1000000 here', target });
    return;
  }
  frontend.maxConnections = count;
  const same = String(count) === line.words[1];
  context.report.answer(line, {
    verdict: same ? 'taken' : 'changed',
    why: same ? 'on each node' : 'at most 1000000, on each node',
    target,
  });
}

/** Takes the addresses of a `bind` line, or of an old `listen NAME ADDRESS` line. */
export function addBinds(
  context: HaproxyContext,
  line: HaproxyLine,
  bind: { readonly frontend: FrontendDraft; readonly words: readonly string[] },
): void {
  const [addresses = '', ...params] = bind.words;
  const target = `frontends.${bind.frontend.name}.bind`;
  const decisive = params.find((param) => Object.hasOwn(DECISIVE_BIND, param));
  const refusal = line.fault ?? (decisive === undefined ? undefined : `"${decisive}": ${DECISIVE_BIND[decisive]}`);
  if (refusal !== undefined) {
    context.report.answer(line, { verdict: 'refused', why: refusal, target });
    return;
  }
  const acceptsProxy = params.includes('accept-proxy');
  const written = addresses.split(',').flatMap((one) => writtenBinds(one, params));
  const taken = written.filter((address) => addBind(context, line, { frontend: bind.frontend, address, acceptsProxy }));
  if (taken.length === 0) return;
  context.report.answer(line, { verdict: 'taken', why: `listens on ${taken.join(', ')}`, target });
  if (acceptsProxy) {
    const why = 'every peer is believed, as before: name the networks of your proxies in acceptProxyFrom';
    context.report.answer(line, { verdict: 'changed', why, target });
  }
  const tuning = params.filter((param) => !['accept-proxy', 'v4v6', 'v6only'].includes(param));
  if (tuning.length > 0) {
    const why = `the parameters "${tuning.join(' ')}" are left out: ${tuning.includes('maxconn') ? 'the limit of connections is that of the frontend' : 'they tune the old listener'}`;
    context.report.answer(line, { verdict: 'changed', why, target });
  }
}

interface NewBind {
  readonly frontend: FrontendDraft;
  readonly address: string;
  readonly acceptsProxy: boolean;
}

function addBind(context: HaproxyContext, line: HaproxyLine, { frontend, address, acceptsProxy }: NewBind): boolean {
  const target = `frontends.${frontend.name}.bind`;
  const read = readBind(address);
  if (!read.ok) {
    const why = `"${address}": one address or "*" with one port can be listened on in this version`;
    context.report.answer(line, { verdict: 'refused', why, target });
    return false;
  }
  const other = context.binds.find((known) => collide(known.bind, read.value));
  const entry: FlowValue = acceptsProxy ? { address, acceptProxyFrom: ['0.0.0.0/0', '::/0'] } : address;
  if (other === undefined) {
    context.binds.push({ bind: read.value, owner: frontend.name, address });
    frontend.binds.push(entry);
  } else if (other.owner === frontend.name) {
    const why = `"${other.address}" of this frontend takes the port already: "*" takes it on every address`;
    context.report.answer(line, { verdict: 'changed', why, target });
  } else {
    const why = `"${other.address}" of "${other.owner}" takes the port already: "*" takes it on every address`;
    context.report.answer(line, { verdict: 'refused', why, target });
  }
  return other === undefined;
}

/** Whether two listeners want the same port; a listener on `[::]` takes IPv6 only. */
export function collide(a: BindConfig, b: BindConfig): boolean {
  const sameFamily = a.address.includes(':') === b.address.includes(':');
  const isWildcard = [a, b].some(({ address }) => address === '0.0.0.0' || address === '::');
  return a.port === b.port && sameFamily && (a.address === b.address || isWildcard);
}

/** Most listeners of a frontend. */
const MAX_BINDS = 64;

/** Addresses as the new file writes them; `:::80 v4v6` is two, `:80-90` one for each port. */
export function writtenBinds(address: string, params: readonly string[]): string[] {
  const [, before = '', first = '', last = ''] = /^(.*:)(\d{1,5})-(\d{1,5})$/.exec(address) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (last !== '' && count >= 1 && count <= MAX_BINDS) {
    return Array.from({ length: count }, (_, at) => writtenBinds(`${before}${Number(first) + at}`, params)).flat();
  }
  const bare = address
    .replace(/^(?:ipv4@)?(?=:\d)/, '*')
    .replace(/^ipv[46]@/, '')
    .replace(/^0\.0\.0\.0:/, '*:')
    .replace(/^\[?::\]?:(?=\d+$)/, '[::]:');
  const [, host = '', port = ''] = /^([0-9a-f:]*:[0-9a-f:]*):(\d+)$/i.exec(bare) ?? [];
  const written = host === '' ? bare : `[${host}]:${port}`;
  const both = written.startsWith('[::]:') && params.includes('v4v6');
  return both ? [written.replace('[::]', '*'), written] : [written];
}

/** Answers a `compression` line; what is compressed then, or undefined when nothing is. */
export function answerCompression(
  context: HaproxyContext,
  line: HaproxyLine,
  before: CompressionDraft | undefined,
): CompressionDraft | undefined {
  const [, key = '', ...values] = line.words;
  const target = 'frontends.*.compression';
  const answer = (verdict: 'taken' | 'changed' | 'refused', why: string): void =>
    context.report.answer(line, { verdict, why, target });
  if (key === 'algo' || key === 'algo-res') {
    if (!values.includes('gzip')) {
      answer('refused', 'br and gzip are served by this version');
      return before;
    }
    const left = values.filter((value) => value !== 'gzip');
    answer(
      left.length === 0 ? 'taken' : 'changed',
      left.length === 0 ? 'gzip; br is smaller still' : `gzip only; left out: ${left.join(' ')}`,
    );
    return { ...before, algorithms: ['gzip'] };
  }
  if (key === 'type' || key === 'type-res') {
    const types = values.filter((value) => /^[\w.+-]+\/(?:\*|[\w.+-]+)$/.test(value));
    answer(types.length === values.length ? 'taken' : 'changed', 'media types that are compressed');
    return types.length === 0 ? before : { algorithms: ['gzip'], ...before, types };
  }
  answer('refused', `"compression ${key}" is not served by this version`);
  return before;
}

interface ErrorFile {
  readonly pages: Record<string, string>;
  /** The frontend; empty: for the whole pair. */
  readonly section: string;
  readonly status: string;
}

/** Takes `errorfile STATUS FILE`: a page here is only the body, so the file must be changed. */
export function takeErrorFile(context: HaproxyContext, line: HaproxyLine, { pages, section, status }: ErrorFile): void {
  const old = line.words[2] ?? '';
  const target = section === '' ? `http.errorPages.${status}` : `frontends.${section}.errorPages.${status}`;
  if (!/^[45]\d\d$/.test(status) || old === '') {
    context.report.answer(line, { verdict: 'refused', why: 'pages are for errors, 400 to 599', target });
    return;
  }
  const file = context.pageFiles.get(`${status} ${old}`) ?? freePage(context, status, section);
  context.pageFiles.set(`${status} ${old}`, file);
  pages[status] = file;
  const why = `the file must be changed: a page is only the body here, so copy ${old} to ${file} on both nodes without its first lines up to the first empty one`;
  context.report.answer(line, { verdict: 'changed', why, target });
}

/** Each file of the old balancer becomes one of its own. */
function freePage({ pageFiles }: HaproxyContext, status: string, section: string): string {
  const taken = new Set(pageFiles.values());
  const names = [status, ...(section === '' ? [] : [`${section}-${status}`])];
  for (let count = 2; count <= taken.size + 2; count += 1) names.push(`${names.at(-1) ?? ''}-${count}`);
  const free = names.find((name) => !taken.has(`/etc/tospann/pages/${name}.html`)) ?? status;
  return `/etc/tospann/pages/${free}.html`;
}
