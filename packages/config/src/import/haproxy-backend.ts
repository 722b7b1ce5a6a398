// The lines of `backend`, and of `listen` as far as it is one: balancing, cookie, check, servers and rules.
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
import { FILL_IN, isGuard, remarkOf } from './haproxy-guards.ts';
import { NameTable } from './haproxy-names.ts';
import { answerRule, beginRules, type RuleWork } from './haproxy-rules.ts';
import { answerAcl } from './haproxy-section.ts';
import {
  readParams,
  readServerLine,
  refusalOf,
  withDefaults,
  type ServerLine,
  type ServerParams,
} from './haproxy-server.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { BackendDraft, ServerDraft } from './pair-draft.ts';

/** A backend while its lines are read. */
export interface BackendWork {
  readonly draft: BackendDraft;
  /** Absent for a `listen`, whose rules are those of its frontend. */
  readonly rules?: RuleWork;
  checks: CheckSettings;
  defaultServer: ServerParams;
  readonly servers: { readonly line: HaproxyLine; readonly server: ServerLine; readonly params: ServerParams }[];
  /** Guards that cannot stand in a backend of mode tcp. */
  readonly guards: HaproxyLine[];
}

interface BackendStart {
  readonly name: string;
  readonly mode: 'http' | 'tcp';
  /** `timeout tarpit`; absent for a `listen`. */
  readonly tarpit?: string;
}

/** Begins a backend with what `defaults` hands on. */
export function beginBackend(context: HaproxyContext, { name, mode, tarpit }: BackendStart): BackendWork {
  const { checks, defaultServer, balance } = context.inherited;
  const draft: BackendDraft = { name, mode, balance: 'roundrobin', acls: [], rules: [], servers: [] };
  if (balance !== undefined && canBalance(mode, balance)) setBalance(draft, balance);
  const rules = tarpit === undefined ? {} : { rules: beginRules(draft, { target: `backends.${name}`, tarpit }) };
  return { draft, ...rules, checks: { ...checks, isInherited: true }, defaultServer, servers: [], guards: [] };
}

/** What is in requests is no reason where there are none: connections go in turn then, in HAProxy, too. */
function canBalance(mode: 'http' | 'tcp', { balance }: BalanceSettings): boolean {
  return mode === 'http' || !['uri', 'header', 'cookie'].includes(balance);
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
      if (settings !== undefined && canBalance(work.draft.mode, settings)) setBalance(work.draft, settings);
      else if (settings !== undefined) {
        const why = 'there are no requests in mode tcp: connections go in turn, as before';
        context.report.answer(line, { verdict: 'changed', why, target });
      }
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
      addServer(work, line);
      return true;
    default:
      return (
        answerOwnRule(context, line, work) || answerSmall(context, line, work) || answerCheckLine(context, line, work)
      );
  }
}

// What stands in default-server counts for the servers below it.
function addServer(work: BackendWork, line: HaproxyLine): void {
  const server = readServerLine(line);
  work.servers.push({ line, server, params: withDefaults(work.defaultServer, server.params) });
}

function answerOwnRule(context: HaproxyContext, line: HaproxyLine, { rules, draft, guards }: BackendWork): boolean {
  if (rules === undefined) return false;
  if (line.words[0] === 'acl') {
    answerAcl(context, line, rules);
    return true;
  }
  if (line.words[0] === 'use_backend') return false;
  if (draft.mode === 'http') return answerRule(context, line, rules);
  if (!isGuard(line.words)) return false;
  guards.push(line);
  return true;
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
  const [keyword = ''] = line.words;
  if (keyword === 'default-server') {
    answerDefaultServer(context, line, state);
    return true;
  }
  const reading = readCheckWords(state.checks, keyword, line.words.slice(1));
  if (reading === undefined) return false;
  answerReading(context, line, reading);
  if (reading.ok) state.checks = reading.settings;
  return true;
}

function answerDefaultServer(context: HaproxyContext, line: HaproxyLine, state: { defaultServer: ServerParams }): void {
  const { params, leftOut } = readParams(line.words.slice(1));
  state.defaultServer = withDefaults(state.defaultServer, params);
  const target = 'backends.*.check';
  const refusal = refusalOf(params);
  if (refusal !== '') {
    const why = `${refusal}: the servers below are not taken`;
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  const why = leftOut.length === 0 ? 'for the servers below' : `for the servers below; left out: ${leftOut.join(' ')}`;
  context.report.answer(line, { verdict: leftOut.length === 0 ? 'taken' : 'changed', why, target });
}

function readCheckWords(settings: CheckSettings, keyword: string, words: readonly string[]): CheckReading | undefined {
  if (keyword === 'http-check') return readHttpCheck(settings, words);
  if (keyword === 'tcp-check') return readTcpCheck(settings, words);
  if (keyword !== 'option') return undefined;
  return words[0] === 'httpchk' ? readHttpchk(settings, words.slice(1)) : readCheckOption(settings, words[0] ?? '');
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
  if (!/^[!#$%&'*+\-.^_`|~\w]{1,64}$/.test(line.words[1] ?? '')) {
    context.report.answer(line, { verdict: 'refused', why: 'it is no name of a cookie', target });
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
  const { draft, servers } = work;
  const refusals = servers.map((entry) => refusalOfServer(entry));
  const taken = servers.filter((_, index) => refusals[index] === '');
  const deciding = (taken.find(({ params }) => params.check === true) ?? taken[0])?.params;
  if (deciding !== undefined) setHealth(context, work, deciding);
  setQueue(draft, taken);
  const made = new ServerMaker(work, deciding);
  for (const [index, entry] of servers.entries()) {
    const refusal = refusals[index] ?? '';
    const target = `backends.${draft.name}.servers.${entry.server.name}`;
    if (refusal === '') made.take(context, entry, target);
    else made.refuse(context, entry, { why: refusal, target, isNeeded: taken.length === 0 });
  }
}

function refusalOfServer({ server, params }: Merged): string {
  return [server.refusal, refusalOf(params)].filter((why) => why !== '').join('; ');
}

/** Makes the servers of a backend, each with a name, an address and a cookie value of its own. */
class ServerMaker {
  readonly #work: BackendWork;
  readonly #deciding: ServerParams | undefined;
  readonly #weighted: boolean;
  readonly #names = new NameTable();

  constructor(work: BackendWork, deciding: ServerParams | undefined) {
    this.#work = work;
    this.#deciding = deciding;
    this.#weighted = work.servers.some(({ params }) => params.weight !== undefined);
  }

  take(context: HaproxyContext, entry: Merged, target: string): void {
    const { draft } = this.#work;
    const { line, server, params } = entry;
    const same = draft.servers.find(({ address }) => address.toLowerCase() === server.address.toLowerCase());
    if (same !== undefined) {
      const why = `server "${same.name}" has this address: a backend has each address once here`;
      context.report.answer(line, { verdict: 'refused', why, target });
      return;
    }
    const name = this.#names.free(server.name);
    const { cookie, ...others } = params;
    const hasOwn = cookie !== undefined && !draft.servers.some((other) => other.cookie === cookie);
    const made = makeServer({ name, address: server.address }, hasOwn ? params : others, this.#weighted);
    draft.servers.push(draft.check !== undefined && params.check !== true ? { ...made, check: false } : made);
    const remarks = [
      ...(name === server.name ? [] : [`it is called "${name}" here`]),
      ...(cookie === undefined || hasOwn
        ? []
        : [`another server has the cookie value ${cookie}, so this one has none`]),
      ...serverRemarks(this.#work, entry, this.#deciding),
    ];
    const why = remarks.length === 0 ? serverWhy(this.#work, params) : remarks.join('; ');
    context.report.answer(line, { verdict: remarks.length === 0 ? 'taken' : 'changed', why, target });
  }

  // Without any server the backend would be none: a person must say what takes their place.
  refuse(
    context: HaproxyContext,
    { line, server }: Merged,
    refusal: { readonly why: string; readonly target: string; readonly isNeeded: boolean },
  ): void {
    const { isNeeded, why, target } = refusal;
    if (!isNeeded) {
      context.report.answer(line, { verdict: 'refused', why, target });
      return;
    }
    const address = `${FILL_IN}-address`;
    this.#work.draft.servers.push({ '#': remarkOf(line), name: this.#names.free(server.name), address });
    const after = `${why}; no server of the backend is left, so its address is FILL-IN, which "validate" refuses until you have decided`;
    context.report.answer(line, { verdict: 'refused', why: after, target, decide: true });
  }
}

// HAProxy has these for each server, this product for the backend: the first checked server decides.
function setHealth(context: HaproxyContext, work: BackendWork, params: ServerParams): void {
  const { draft } = work;
  if (params.check === true) {
    const hasTimeout = context.settings.has('timeout check');
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
  if (limits.length > 0)
    draft.maxQueue = Math.min(
      1_000_000,
      limits.reduce((sum, limit) => sum + limit, 0),
    );
}

function serverWhy(work: BackendWork, params: ServerParams): string {
  if (params.check !== true) return 'taken as always up: it has no check';
  if (work.draft.check?.['type'] === 'http') return 'with the HTTP check of the backend';
  if (work.draft.mode === 'tcp') return 'with the TCP check of the backend';
  return 'with the check that HAProxy made here, too: TCP only (no "option httpchk"); type: http sees more';
}

function makeServer(
  server: Pick<ServerDraft, 'name' | 'address'>,
  params: ServerParams,
  weighted: boolean,
): ServerDraft {
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

function serverRemarks(work: BackendWork, { server, params }: Merged, deciding: ServerParams | undefined): string[] {
  const remarks: string[] = [];
  if (server.leftOut.length > 0) {
    remarks.push(`left out, as this version does not serve it: ${server.leftOut.join(' ')}`);
  }
  if (params.maxQueue !== undefined) remarks.push('the queue is one of the whole backend here: maxQueue is the sum');
  if (params.backup === true && work.servers.filter((other) => other.params.backup === true).length > 1) {
    remarks.push('all backup servers serve together here, as with option allbackups');
  }
  if (params.agent === true && params.agentPort === undefined) remarks.push('its agent has no port and is left out');
  if (params.check === true && deciding !== undefined) {
    const different = timingDifferences(params, deciding);
    if (different.length > 0) {
      remarks.push(`${different.join(', ')} as on the first server: a backend has one check here`);
    }
  }
  return remarks;
}
