// The lines of `backend`, and of `listen` as far as it is one: balancing, cookie, check and servers.
import { makeCheck, readHttpchk, readHttpCheckSend, timingDifferences, type HttpCheck } from './haproxy-check.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { readParams, readServerLine, type ServerLine, type ServerParams } from './haproxy-server.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { BackendDraft, ServerDraft } from './pair-draft.ts';

/** A backend while its lines are read. */
export interface BackendWork {
  readonly draft: BackendDraft;
  httpCheck: HttpCheck | undefined;
  defaultServer: ServerParams;
  readonly servers: { readonly line: HaproxyLine; readonly server: ServerLine }[];
}

/** Begins a backend with what `defaults` hands on. */
export function beginBackend(context: HaproxyContext, name: string): BackendWork {
  const { httpCheck, defaultServer } = context.inherited;
  return { draft: { name, servers: [] }, httpCheck, defaultServer, servers: [] };
}

/** Answers one line of a backend; false when it is another kind of line. */
export function answerBackend(context: HaproxyContext, line: HaproxyLine, work: BackendWork): boolean {
  const [keyword = '', second = ''] = line.words;
  const target = `backends.${work.draft.name}`;
  switch (keyword) {
    case 'balance':
      answerBalance(context, line, target);
      return true;
    case 'mode':
      context.report.answer(line, { verdict: 'taken', why: 'HTTP, decided by the frontend' });
      return true;
    case 'cookie':
      answerCookie(context, line, work);
      return true;
    case 'server':
      work.servers.push({ line, server: readServerLine(line) });
      return true;
    case 'default-server':
    case 'http-check':
      return answerCheckLine(context, line, work);
    case 'option':
      return second === 'httpchk' && answerCheckLine(context, line, work);
    default:
      return false;
  }
}

/** Answers `balance`, wherever it stands. */
export function answerBalance(context: HaproxyContext, line: HaproxyLine, target: string): void {
  const served = line.words[1] === 'roundrobin' || line.words[1] === 'static-rr';
  const why = served
    ? 'in turn, by weight'
    : `"${line.words[1] ?? ''}" is not served by this version: requests go in turn (roundrobin)`;
  context.report.answer(line, { verdict: served ? 'taken' : 'refused', why, target: `${target}.balance` });
}

/** Answers `option httpchk`, `http-check` and `default-server`, in a backend or in `defaults`. */
export function answerCheckLine(
  context: HaproxyContext,
  line: HaproxyLine,
  state: { httpCheck?: HttpCheck | undefined; defaultServer: ServerParams },
): boolean {
  const [keyword = '', second = '', ...rest] = line.words;
  const target = 'backends.*.check';
  if (keyword === 'default-server') {
    const { params, leftOut } = readParams(line.words.slice(1));
    state.defaultServer = { ...state.defaultServer, ...params };
    const why =
      leftOut.length === 0 ? 'for the servers below' : `for the servers below; left out: ${leftOut.join(' ')}`;
    context.report.answer(line, { verdict: leftOut.length === 0 ? 'taken' : 'changed', why, target });
  } else if (keyword === 'option') {
    state.httpCheck = readHttpchk(rest);
    const why = `an HTTP check: ${state.httpCheck.method} ${state.httpCheck.path}, over HTTP/1.1, good with 2xx and 3xx`;
    context.report.answer(line, { verdict: 'taken', why, target });
  } else if (second === 'send') {
    const { check, leftOut } = readHttpCheckSend(state.httpCheck ?? readHttpchk([]), rest);
    state.httpCheck = check;
    const why =
      leftOut.length === 0 ? 'the request of the check' : `the request of the check; left out: ${leftOut.join(', ')}`;
    context.report.answer(line, { verdict: leftOut.length === 0 ? 'taken' : 'changed', why, target });
  } else {
    const why = 'a check is good with 2xx and 3xx in this version; nothing else can be expected';
    context.report.answer(line, { verdict: 'refused', why, target });
  }
  return true;
}

const COOKIE_WORDS: ReadonlySet<string> = new Set(['insert', 'indirect', 'nocache']);

function answerCookie(context: HaproxyContext, line: HaproxyLine, work: BackendWork): void {
  const [, name = '', ...words] = line.words;
  const target = `backends.${work.draft.name}.cookie`;
  if (words.includes('rewrite') || words.includes('prefix') || words.includes('dynamic')) {
    const why = 'only a cookie of our own (insert) or one that is only read is served by this version';
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  const leftOut = words.filter((word) => !COOKIE_WORDS.has(word));
  work.draft.cookie = {
    name,
    insert: words.includes('insert'),
    indirect: words.includes('indirect'),
    nocache: words.includes('nocache'),
  };
  const why = leftOut.length === 0 ? 'session cookie' : `session cookie; left out: ${leftOut.join(' ')}`;
  context.report.answer(line, { verdict: leftOut.length === 0 ? 'taken' : 'changed', why, target });
}

/** Makes servers and check once all lines of the backend are read. */
export function finishBackend(context: HaproxyContext, work: BackendWork): void {
  const merged = work.servers.map(({ line, server }) => ({
    line,
    server,
    params: { ...work.defaultServer, ...server.params },
  }));
  const weighted = merged.some(({ params }) => params.weight !== undefined);
  const checked = merged.filter(({ server, params }) => server.refusal === '' && params.check === true);
  const deciding = checked[0]?.params;
  if (deciding !== undefined) {
    const hasTimeout = context.draft.timeouts.check !== undefined;
    work.draft.check = makeCheck(deciding, work.httpCheck, hasTimeout);
  }
  for (const { line, server, params } of merged) {
    const target = `backends.${work.draft.name}.servers.${server.name}`;
    if (server.refusal !== '') {
      context.report.answer(line, { verdict: 'refused', why: server.refusal, target });
      continue;
    }
    work.draft.servers.push(makeServer(server, params, weighted));
    const remarks = serverRemarks({ server, params, deciding });
    const why = remarks.length === 0 ? serverWhy(work, params) : remarks.join('; ');
    context.report.answer(line, { verdict: remarks.length === 0 ? 'taken' : 'changed', why, target });
  }
}

function serverWhy(work: BackendWork, params: ServerParams): string {
  if (params.check !== true) return 'taken as always up: it has no check';
  return work.httpCheck === undefined
    ? 'with the check that HAProxy made here, too: TCP only (no "option httpchk"); type: http sees more'
    : 'with the HTTP check of the backend';
}

function makeServer(server: ServerLine, params: ServerParams, weighted: boolean): ServerDraft {
  const { cookie, weight, maxConnections } = params;
  return {
    name: server.name,
    address: server.address,
    ...(cookie === undefined ? {} : { cookie }),
    // HAProxy's default is 1, ours 100: where one server has a weight, all of them get HAProxy's.
    ...(weighted ? { weight: weight ?? 1 } : {}),
    ...(maxConnections === undefined || maxConnections === 0 ? {} : { maxConnections }),
  };
}

function serverRemarks(from: {
  readonly server: ServerLine;
  readonly params: ServerParams;
  readonly deciding: ServerParams | undefined;
}): string[] {
  const remarks: string[] = [];
  if (from.server.leftOut.length > 0) {
    remarks.push(`left out, as this version does not serve it: ${from.server.leftOut.join(' ')}`);
  }
  if (from.deciding === undefined) return remarks;
  if (from.params.check !== true) remarks.push('it is checked now: a check is for all servers of a backend here');
  else {
    const different = timingDifferences(from.params, from.deciding);
    if (different.length > 0) {
      remarks.push(`${different.join(', ')} as on the first server: a backend has one check here`);
    }
  }
  return remarks;
}
