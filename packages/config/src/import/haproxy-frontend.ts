// The lines of `frontend`, and of `listen` as far as it is one: listeners, limits, ACLs, compression, error pages.
import { readBind } from '../units.ts';
import { addAclLine, readAcl } from './haproxy-condition.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { answerRule, type RuleWork } from './haproxy-rules.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { CompressionDraft, FlowValue, FrontendDraft } from './pair-draft.ts';
import { aclsOfRule } from './write-yaml.ts';

// Parameters of `bind` that decide what the listener speaks; the others only tune it.
const DECISIVE_BIND: Readonly<Record<string, string>> = {
  ssl: 'TLS is not served by this version',
  proto: 'another protocol than HTTP/1.1 is not served by this version',
  transparent: 'addresses of others cannot be listened on in this version',
};

/** Lines that say nothing about bytes that are not looked into. */
const HTTP_ONLY = /^(?:http-|redirect$|compression$|errorfile$|monitor-uri$|block$|reqadd$|rspadd$)/;

/** Begins a frontend whose lines are read. */
export function beginFrontendWork(frontend: FrontendDraft): RuleWork {
  return {
    frontend,
    parts: new Map(),
    incomplete: new Set(),
    inline: new Map(),
    connection: [],
    request: [],
    response: [],
    redirects: [],
    routes: [],
  };
}

/** Answers one line of a frontend; false when it is another kind of line. */
export function answerFrontend(context: HaproxyContext, line: HaproxyLine, work: RuleWork): boolean {
  const [keyword = '', value = '', third = ''] = line.words;
  const { frontend } = work;
  const target = `frontends.${frontend.name}`;
  if (frontend.mode === 'tcp' && HTTP_ONLY.test(keyword)) {
    context.report.answer(line, { verdict: 'refused', why: 'it changes HTTP messages, and this is mode tcp', target });
    return true;
  }
  switch (keyword) {
    case 'bind':
      addBinds(context, line, { frontend, words: line.words.slice(1) });
      return true;
    case 'mode':
      context.report.answer(line, {
        verdict: 'taken',
        why: frontend.mode === 'http' ? 'HTTP' : 'TCP',
        target: `${target}.mode`,
      });
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
      answerErrorFile(context, line, {
        pages: frontend.errorPages,
        target: `${target}.errorPages.${value}`,
        file: third,
      });
      return true;
    default:
      return answerRule(context, line, work);
  }
}

function setCompression(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const compression = answerCompression(context, line, frontend.compression);
  if (compression !== undefined) frontend.compression = compression;
}

function answerValue(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const [keyword, value = ''] = line.words;
  const target = `frontends.${frontend.name}`;
  if (keyword === 'maxconn') {
    frontend.maxConnections = Number(value);
    context.report.answer(line, { verdict: 'taken', why: 'on each node', target: `${target}.maxConnections` });
  } else {
    frontend.defaultBackend = value;
    const why = 'takes what no rule takes';
    context.report.answer(line, { verdict: 'taken', why, target: `${target}.defaultBackend` });
  }
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
  if (decisive !== undefined) {
    context.report.answer(line, { verdict: 'refused', why: `"${decisive}": ${DECISIVE_BIND[decisive]}`, target });
    return;
  }
  const acceptsProxy = params.includes('accept-proxy');
  for (const address of addresses.split(',').flatMap((one) => writtenBinds(one, params))) {
    if (!readBind(address).ok) {
      const why = `"${address}": one address or "*" with one port can be listened on in this version`;
      context.report.answer(line, { verdict: 'refused', why, target });
      continue;
    }
    const entry: FlowValue = acceptsProxy ? { address, acceptProxyFrom: ['0.0.0.0/0', '::/0'] } : address;
    bind.frontend.binds.push(entry);
    context.report.answer(line, { verdict: 'taken', why: `listens on ${address}`, target });
  }
  if (acceptsProxy) {
    const why = 'every peer is believed, as before: name the networks of your proxies in acceptProxyFrom';
    context.report.answer(line, { verdict: 'changed', why, target });
  }
  const tuning = params.filter((param) => !['accept-proxy', 'v4v6', 'v6only'].includes(param));
  if (tuning.length > 0) {
    const why = `the parameters "${tuning.join(' ')}" are left out: they tune the old listener`;
    context.report.answer(line, { verdict: 'changed', why, target });
  }
}

/** An address as the new file writes it; `:::80 v4v6` is two. */
function writtenBinds(address: string, params: readonly string[]): string[] {
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

function answerAcl(context: HaproxyContext, line: HaproxyLine, work: RuleWork): void {
  const [, name = '', ...words] = line.words;
  const target = `frontends.${work.frontend.name}.acls.${name}`;
  const reading = readAcl(work, words);
  if (!reading.ok) {
    // A pattern that can never match changes nothing.
    if (!reading.why.includes('can never match')) work.incomplete.add(name);
    context.report.answer(line, { verdict: 'refused', why: reading.why, target });
    return;
  }
  const part = addAclLine(work, name, reading);
  const keys = [...Object.keys(reading.lists), ...(reading.match === undefined ? [] : [reading.match.kind])];
  const other = part === name ? undefined : `it compares otherwise than the lines above, so it is the ACL "${part}"`;
  const remarks = [reading.remark ?? [], other ?? []].flat();
  context.report.answer(line, {
    verdict: remarks.length === 0 ? 'taken' : 'changed',
    why: remarks.length === 0 ? 'a condition' : remarks.join('; '),
    target: `frontends.${work.frontend.name}.acls.${part}.${keys.join(', ')}`,
  });
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

/** Answers `errorfile STATUS FILE`: a page here is only the body, so the file must be changed. */
export function answerErrorFile(
  context: HaproxyContext,
  line: HaproxyLine,
  page: { readonly pages: Record<string, string>; readonly target: string; readonly file: string },
): void {
  const status = line.words[1] ?? '';
  if (!/^[45]\d\d$/.test(status) || page.file === '') {
    context.report.answer(line, { verdict: 'refused', why: 'pages are for errors, 400 to 599', target: page.target });
    return;
  }
  const file = `/etc/tospann/pages/${status}.html`;
  page.pages[status] = file;
  const why = `the file must be changed: a page is only the body here, so copy ${page.file} to ${file} on both nodes without its first lines up to the first empty one`;
  context.report.answer(line, { verdict: 'changed', why, target: page.target });
}

/** Says of ACLs that no rule names why they are kept; run when the frontend is complete. */
export function answerUnusedAcls(context: HaproxyContext, lines: readonly HaproxyLine[], work: RuleWork): void {
  const used = new Set(work.frontend.rules.flatMap((rule) => aclsOfRule(rule)));
  for (const line of lines) {
    const name = line.words[1] ?? '';
    const taken = context.report.answerOf(line)?.verdict === 'taken';
    const parts = work.parts.get(name) ?? [];
    if (line.words[0] !== 'acl' || parts.some((part) => used.has(part)) || !taken) continue;
    const usedBefore = lines.some(
      ({ words }) => words[0] !== 'acl' && words.some((word) => word.replace('!', '') === name),
    );
    const why = usedBefore
      ? 'kept although the rules that used it were refused'
      : 'kept although no rule uses it: requests for it went to the default backend before, too';
    context.report.answer(line, { verdict: 'taken', why });
  }
}
