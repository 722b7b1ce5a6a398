// The lines of `backend`, and of `listen` as far as it is one: balancing, cookie, check and servers.
import { formatDuration } from '../units.ts';
import { readBalance, readCookie, readHashFactor, type BalanceSettings } from './haproxy-balance.ts';
import {
  makeCheck,
  readCheckOption,
  readHttpchk,
  readHttpCheck,
  readTcpCheck,
  timingDifferences,
  type CheckReading,
  type CheckSettings,
} from './haproxy-check.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { readParams, readServerLine, type ServerLine, type ServerParams } from './haproxy-server.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { BackendDraft, ServerDraft } from './pair-draft.ts';

/** A backend while its lines are read. */
export interface BackendWork {
  readonly draft: BackendDraft;
  checks: CheckSettings;
  defaultServer: ServerParams;
  readonly servers: { readonly line: HaproxyLine; readonly server: ServerLine }[];
}

/** Begins a backend with what `defaults` hands on. */
export function beginBackend(context: HaproxyContext, name: string, mode: 'http' | 'tcp'): BackendWork {
  const { checks, defaultServer, balance } = context.inherited;
  const draft: BackendDraft = { name, mode, balance: 'roundrobin', servers: [] };
  if (balance !== undefined) setBalance(draft, balance);
  return { draft, checks, defaultServer, servers: [] };
}

function setBalance(draft: BackendDraft, { balance, hash }: BalanceSettings): void {
  draft.balance = balance;
  if (hash !== undefined) draft.hash = { ...hash };
}

/** Answers one line of a backend; false when it is another kind of line. */
export function answerBackend(context: HaproxyContext, line: HaproxyLine, work: BackendWork): boolean {
  const target = `backends.${work.draft.name}`;
  switch (line.words[0] ?? '') {
    case 'balance': {
      const settings = answerBalance(context, line, target);
      if (settings !== undefined) setBalance(work.draft, settings);
      return true;
    }
    case 'mode':
      context.report.answer(line, {
        verdict: 'taken',
        why: work.draft.mode === 'http' ? 'HTTP' : 'TCP',
        target: `${target}.mode`,
      });
      return true;
    case 'cookie':
      answerCookie(context, line, work);
      return true;
    case 'server':
      work.servers.push({ line, server: readServerLine(line) });
      return true;
    default:
      return answerSmall(context, line, work) || answerCheckLine(context, line, work);
  }
}

/** Answers the lines of a backend that need few words; false when it is another kind of line. */
function answerSmall(context: HaproxyContext, line: HaproxyLine, work: BackendWork): boolean {
  switch (line.words[0] ?? '') {
    case 'hash-type':
      answerHashType(context, line, `backends.${work.draft.name}`);
      return true;
    case 'hash-balance-factor':
      answerHashFactor(context, line, work.draft);
      return true;
    case 'fullconn':
      context.report.answer(line, {
        verdict: 'not-needed',
        why: 'it only counts with minconn; maxConnections of each server is its limit',
      });
      return true;
    case 'http-request':
    case 'http-response':
    case 'redirect':
    case 'reqadd':
    case 'rspadd':
      context.backendRules.push({ backend: work.draft.name, line });
      return true;
    case 'acl':
      context.report.answer(line, {
        verdict: 'refused',
        why: 'ACLs stand in frontends here: write the condition into the rules of this section in braces',
      });
      return true;
    case 'errorfile':
    case 'compression':
      return answerOfFrontends(context, line, work);
    default:
      return false;
  }
}

function answerOfFrontends(context: HaproxyContext, line: HaproxyLine, work: BackendWork): boolean {
  const key = line.words[0] === 'errorfile' ? 'errorPages' : 'compression';
  context.report.answer(line, {
    verdict: 'refused',
    why: `${key} belongs to frontends here: write it into those that use "${work.draft.name}"`,
  });
  return true;
}

/** Answers `balance`, wherever it stands; what it says, when it can be taken. */
export function answerBalance(context: HaproxyContext, line: HaproxyLine, target: string): BalanceSettings | undefined {
  const { settings, answer } = readBalance(line.words.slice(1));
  context.report.answer(line, { ...answer, target: `${target}.balance` });
  return settings;
}

function answerHashType(context: HaproxyContext, line: HaproxyLine, target: string): void {
  const [, type = '', ...rest] = line.words;
  const same = type === 'consistent' && rest.length === 0;
  context.report.answer(line, {
    verdict: same ? 'not-needed' : 'changed',
    why: same
      ? 'hashes are always consistent here'
      : 'the hash is always consistent, with a function of its own: clients are spread anew once',
    target: `${target}.hash`,
  });
}

function answerHashFactor(context: HaproxyContext, line: HaproxyLine, draft: BackendDraft): void {
  const bound = readHashFactor(line.words[1] ?? '');
  const target = `backends.${draft.name}.hash.bound`;
  if (bound === undefined) {
    context.report.answer(line, { verdict: 'refused', why: 'it must be 0 or 101 to 1000', target });
    return;
  }
  draft.hash = { ...draft.hash, bound };
  context.report.answer(line, { verdict: 'taken', why: 'no server gets more of the average load', target });
}

/** Answers `option httpchk`, `http-check`, `tcp-check` and `default-server`, in a backend or in `defaults`. */
export function answerCheckLine(
  context: HaproxyContext,
  line: HaproxyLine,
  state: { checks: CheckSettings; defaultServer: ServerParams },
): boolean {
  const [keyword = '', second = '', ...rest] = line.words;
  if (keyword === 'default-server') {
    const { params, leftOut } = readParams(line.words.slice(1));
    state.defaultServer = { ...state.defaultServer, ...params };
    const why =
      leftOut.length === 0 ? 'for the servers below' : `for the servers below; left out: ${leftOut.join(' ')}`;
    const verdict = leftOut.length === 0 ? 'taken' : 'changed';
    context.report.answer(line, { verdict, why, target: 'backends.*.check' });
    return true;
  }
  if (keyword === 'option' && second === 'httpchk') {
    const http = readHttpchk(rest);
    const { dialogue: _dialogue, ...others } = state.checks;
    state.checks = { ...others, http };
    const why = `an HTTP check: ${http.method} ${http.path}, over HTTP/1.1, good with 2xx and 3xx`;
    context.report.answer(line, { verdict: 'taken', why, target: 'backends.*.check' });
    return true;
  }
  const reading = readCheckWords(state.checks, keyword, line.words.slice(1));
  if (reading === undefined) return false;
  answerReading(context, line, reading);
  if (reading.ok) state.checks = reading.settings;
  return true;
}

function readCheckWords(settings: CheckSettings, keyword: string, words: readonly string[]): CheckReading | undefined {
  if (keyword === 'http-check') return readHttpCheck(settings, words);
  if (keyword === 'tcp-check') return readTcpCheck(settings, words);
  return keyword === 'option' ? readCheckOption(settings, words[0] ?? '') : undefined;
}

function answerReading(context: HaproxyContext, line: HaproxyLine, reading: CheckReading): void {
  const target = 'backends.*.check';
  if (!reading.ok) {
    context.report.answer(line, { verdict: 'refused', why: reading.why, target });
    return;
  }
  const { why, leftOut } = reading;
  context.report.answer(
    line,
    leftOut.length === 0
      ? { verdict: 'taken', why, target }
      : { verdict: 'changed', why: `${why}; left out: ${leftOut.join(', ')}`, target },
  );
}

function answerCookie(context: HaproxyContext, line: HaproxyLine, work: BackendWork): void {
  const target = `backends.${work.draft.name}.cookie`;
  if (work.draft.mode === 'tcp') {
    context.report.answer(line, {
      verdict: 'refused',
      why: 'cookies are in HTTP messages, and this is mode tcp',
      target,
    });
    return;
  }
  const { cookie, leftOut } = readCookie(line.words.slice(1));
  if (cookie === undefined) {
    const why = 'cookie values made by the proxy (dynamic) are not served by this version: give each server its own';
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  work.draft.cookie = cookie;
  const why = leftOut.length === 0 ? 'session cookie' : `session cookie; left out: ${leftOut.join(' ')}`;
  context.report.answer(line, { verdict: leftOut.length === 0 ? 'taken' : 'changed', why, target });
}

interface Merged {
  readonly line: HaproxyLine;
  readonly server: ServerLine;
  readonly params: ServerParams;
}

/** Makes servers and check once all lines of the backend are read. */
export function finishBackend(context: HaproxyContext, work: BackendWork): void {
  const merged = work.servers.map(({ line, server }) => ({
    line,
    server,
    params: { ...work.defaultServer, ...server.params },
  }));
  const taken = merged.filter(({ server }) => server.refusal === '');
  const weighted = merged.some(({ params }) => params.weight !== undefined);
  const deciding = (taken.find(({ params }) => params.check === true) ?? taken[0])?.params;
  if (deciding !== undefined) setHealth(context, work, deciding);
  setQueue(work.draft, taken);
  for (const entry of merged) {
    const { line, server, params } = entry;
    const target = `backends.${work.draft.name}.servers.${server.name}`;
    if (server.refusal !== '') {
      context.report.answer(line, { verdict: 'refused', why: server.refusal, target });
      continue;
    }
    work.draft.servers.push(makeServer(server, params, weighted));
    const remarks = serverRemarks(work, entry, deciding);
    const why = remarks.length === 0 ? serverWhy(work, params) : remarks.join('; ');
    context.report.answer(line, { verdict: remarks.length === 0 ? 'taken' : 'changed', why, target });
  }
}

// HAProxy has these for each server, this product for the backend: the first checked server decides.
function setHealth(context: HaproxyContext, work: BackendWork, params: ServerParams): void {
  const { draft } = work;
  if (params.check === true) {
    const hasTimeout = context.draft.timeouts.check !== undefined;
    draft.check = makeCheck(params, work.checks, { hasTimeout, jitter: context.jitter });
  }
  if (params.observe !== undefined) {
    draft.observe = {
      layer: draft.mode === 'tcp' ? 'connection' : params.observe,
      errorLimit: params.errorLimit ?? 10,
      onError: params.onError ?? 'fail-check',
    };
  }
  if (params.agent === true && params.agentPort !== undefined) {
    draft.agent = {
      port: params.agentPort,
      interval: formatDuration(params.agentIntervalMs ?? 2000),
      ...(params.agentSend === undefined ? {} : { send: params.agentSend }),
    };
  }
  if (params.slowStartMs !== undefined) draft.slowStart = formatDuration(params.slowStartMs);
  if (params.closesSessions === true) draft.closeSessionsWhenDown = true;
}

function setQueue(draft: BackendDraft, servers: readonly Merged[]): void {
  const limits = servers.flatMap(({ params }) => params.maxQueue ?? []);
  if (limits.length > 0) draft.maxQueue = limits.reduce((sum, limit) => sum + limit, 0);
}

function serverWhy(work: BackendWork, params: ServerParams): string {
  if (params.check !== true) return 'taken as always up: it has no check';
  if (work.draft.check?.['type'] === 'http') return 'with the HTTP check of the backend';
  if (work.draft.mode === 'tcp') return 'with the TCP check of the backend';
  return 'with the check that HAProxy made here, too: TCP only (no "option httpchk"); type: http sees more';
}

function makeServer(server: ServerLine, params: ServerParams, weighted: boolean): ServerDraft {
  const { cookie, weight, maxConnections, backup, sendProxy } = params;
  return {
    name: server.name,
    address: server.address,
    ...(cookie === undefined ? {} : { cookie }),
    // HAProxy's default is 1, ours 100: where one server has a weight, all of them get HAProxy's.
    ...(weighted ? { weight: weight ?? 1 } : {}),
    ...(maxConnections === undefined || maxConnections === 0 ? {} : { maxConnections }),
    ...(backup === true ? { backup } : {}),
    ...(sendProxy === undefined ? {} : { sendProxy }),
  };
}

function isBackup(work: BackendWork, server: ServerLine): boolean {
  return { ...work.defaultServer, ...server.params }.backup === true;
}

function serverRemarks(work: BackendWork, { server, params }: Merged, deciding: ServerParams | undefined): string[] {
  const remarks: string[] = [];
  if (server.leftOut.length > 0) {
    remarks.push(`left out, as this version does not serve it: ${server.leftOut.join(' ')}`);
  }
  if (params.maxQueue !== undefined) remarks.push('the queue is one of the whole backend here: maxQueue is the sum');
  if (params.backup === true && work.servers.filter((other) => isBackup(work, other.server)).length > 1) {
    remarks.push('all backup servers serve together here, as with option allbackups');
  }
  if (params.agent === true && params.agentPort === undefined) remarks.push('its agent has no port and is left out');
  if (work.draft.check !== undefined && params.check !== true) {
    remarks.push('it is checked now: a check is for all servers of a backend here');
  } else if (deciding !== undefined) {
    const different = timingDifferences(params, deciding);
    if (different.length > 0) {
      remarks.push(`${different.join(', ')} as on the first server: a backend has one check here`);
    }
  }
  return remarks;
}
