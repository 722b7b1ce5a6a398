// How a backend chooses among its servers: what the configuration says, and who takes part now. The second follows the
// servers' shared words; nothing here is done for a request but reading. choose.ts makes the choice.
import type { BackendConfig } from '@tospann/config';
import { fieldName } from '@tospann/http';
import { CookieValues, FieldValues } from '../rules/values.ts';
import { latin1 } from '../bytes.ts';
import type { ServerPlan } from '../plan.ts';
import { ServerAdmin, ServerWord } from '../shared.ts';
import { membersOf, RAMP_STEPS, rampOf } from './members.ts';
import { roundRobinTurns } from './turns.ts';

export const BalanceKind = { ROUNDROBIN: 0, LEASTCONN: 1, RANDOM2: 2, FIRST: 3, HASH: 4 } as const;

/** What hash balancing hashes. */
export const KeyFrom = { NONE: 0, SOURCE: 1, PATH: 2, URI: 3, HEADER: 4, COOKIE: 5 } as const;

const KINDS: Readonly<Record<BackendConfig['balance'], number>> = {
  roundrobin: BalanceKind.ROUNDROBIN,
  leastconn: BalanceKind.LEASTCONN,
  random2: BalanceKind.RANDOM2,
  first: BalanceKind.FIRST,
  source: BalanceKind.HASH,
  uri: BalanceKind.HASH,
  header: BalanceKind.HASH,
  cookie: BalanceKind.HASH,
};

const KEYS: Readonly<Record<BackendConfig['balance'], number>> = {
  roundrobin: KeyFrom.NONE,
  leastconn: KeyFrom.NONE,
  random2: KeyFrom.NONE,
  first: KeyFrom.NONE,
  source: KeyFrom.SOURCE,
  uri: KeyFrom.PATH,
  header: KeyFrom.HEADER,
  cookie: KeyFrom.COOKIE,
};

export class Balance {
  /** A number of `BalanceKind`. */
  readonly kind: number;
  /** A number of `KeyFrom`. */
  readonly keyFrom: number;
  readonly keyField: FieldValues | null;
  readonly keyCookie: CookieValues | null;
  /** 0: a key's requests go to its server, whatever its load. */
  readonly boundPercent: number;
  /** Requests under way at all servers, 0: no limit. */
  readonly maxConnections: number;
  /** Requests that may wait, -1: no limit. */
  readonly maxQueue: number;
  readonly closesSessions: boolean;
  /** Places (in the backend's servers) of those that take new requests. */
  members: Uint16Array = new Uint16Array(0);
  /** Order of turns among them. */
  turns: Uint16Array = new Uint16Array(0);
  /** Effective weight of each server, by its place; 0 for those that take no new requests. */
  weights: Float64Array = new Float64Array(0);
  /** Sums of the members' weights up to and with each member. */
  sums: Float64Array = new Float64Array(0);
  /** Health is not believed now. */
  panic = false;
  /** A server has a limit, or the backend: requests may have to wait. */
  limited = false;
  /** When a slow start makes its next step; Infinity: none is under way. */
  nextStepMs = Infinity;
  /** Servers that have just stopped taking anything. */
  readonly lost: ServerPlan[] = [];
  readonly #slowStartMs: number;
  readonly #panicPercent: number;
  /** Whether the load of every server is counted. */
  readonly #counts: boolean;
  /** Which servers took anything when this was last worked out; null: it never was. */
  #took: boolean[] | null = null;

  // oxlint-disable-next-line complexity -- long: one default after another
  constructor(backend: BackendConfig) {
    const { balance, hash } = backend;
    this.kind = KINDS[balance];
    this.keyFrom = balance === 'uri' && hash?.wholeUri === true ? KeyFrom.URI : KEYS[balance];
    this.keyField = balance === 'header' ? new FieldValues(fieldName(hash?.name ?? 'Host')) : null;
    this.keyCookie = balance === 'cookie' ? new CookieValues(latin1(hash?.name ?? '')) : null;
    this.boundPercent = this.kind === BalanceKind.HASH ? (hash?.boundPercent ?? 0) : 0;
    this.maxConnections = backend.maxConnections ?? 0;
    this.maxQueue = backend.maxQueue ?? -1;
    this.closesSessions = backend.closeSessionsWhenDown ?? false;
    this.#slowStartMs = backend.slowStartMs ?? 0;
    this.#panicPercent = backend.panicPercent ?? 0;
    const byLoad = this.kind === BalanceKind.LEASTCONN || this.kind === BalanceKind.RANDOM2;
    this.#counts = byLoad || this.boundPercent > 0 || this.maxConnections > 0;
  }

  /** Takes the servers' states and weights from the shared words. */
  follow(servers: readonly ServerPlan[], words: Int32Array, nowMs: number): void {
    const took = servers.map(
      ({ word }) => words[word + ServerWord.usable] === 1 && words[word + ServerWord.admin] !== ServerAdmin.MAINT,
    );
    const ramps = servers.map((server, i) => this.#ramp(words, server, took[i]!, i, nowMs));
    const before = this.#took;
    this.lost.length = 0;
    if (before !== null)
      for (const [i, server] of servers.entries()) if (before[i]! && !took[i]!) this.lost.push(server);
    this.#took = took;
    const { weights, panic } = membersOf(
      servers.map(({ word, backup }, i) => ({
        usable: words[word + ServerWord.usable] === 1,
        ready: words[word + ServerWord.admin] === ServerAdmin.READY,
        weight: words[word + ServerWord.weight]!,
        backup,
        ramp: ramps[i]!,
      })),
      this.#panicPercent,
    );
    this.panic = panic;
    this.#limits(servers, words, ramps);
    this.#share(weights);
    const ramping = ramps.some((ramp) => ramp < 1);
    this.nextStepMs = ramping ? nowMs + this.#slowStartMs / RAMP_STEPS : Infinity;
  }

  /** How far the slow start of a server has come. Whichever worker sees it come up first, starts the clock for all. */
  // oxlint-disable-next-line max-params -- a server, its place and its state
  #ramp(words: Int32Array, server: ServerPlan, takes: boolean, i: number, nowMs: number): number {
    if (this.#slowStartMs === 0) return 1;
    const at = server.word + ServerWord.rampStart;
    if (!takes) {
      Atomics.store(words, at, 0);
      return 1;
    }
    if (this.#took !== null && !this.#took[i]!) Atomics.compareExchange(words, at, 0, Math.floor(nowMs) | 0 || 1);
    const started = Atomics.load(words, at);
    const ramp = rampOf(started, nowMs, this.#slowStartMs);
    // Or it would seem to begin anew when the clock's 32 bits have gone round.
    if (ramp === 1 && started !== 0) Atomics.compareExchange(words, at, started, 0);
    return ramp;
  }

  #limits(servers: readonly ServerPlan[], words: Int32Array, ramps: readonly number[]): void {
    this.limited = this.maxConnections > 0;
    for (const [i, server] of servers.entries()) {
      const limit = words[server.word + ServerWord.limit]!;
      server.limit = limit === 0 ? 0 : Math.max(1, Math.floor(limit * ramps[i]!));
      server.counted = this.#counts || limit > 0;
      if (limit > 0) this.limited = true;
    }
  }

  #share(weights: readonly number[]): void {
    this.weights = Float64Array.from(weights);
    this.members = Uint16Array.from([...weights.keys()].filter((i) => weights[i]! > 0));
    this.turns = roundRobinTurns(weights);
    let sum = 0;
    this.sums = Float64Array.from(this.members, (i) => (sum += weights[i]!));
  }
}
