// What one program of the supervisor leaves to the next when it replaces itself: its open listening sockets, by
// number, and the children that go on without it. It travels in one environment variable, which nobody inherits further.
import { keepOnExec, reapChild } from '@tospann/linux';
import type { VrrpState } from '@tospann/vrrp';
import type { Logger } from '../log.ts';
import type { OpenListener } from './listeners.ts';
import { type ProcessIdentity, signalProcess } from './process-identity.ts';

const VARIABLE = 'TOSPANN_HANDOVER';
/** How often it is looked whether old children have ended, ms. */
const REAP_INTERVAL_MS = 250;
/** How long the old agent is kept for a new one that does not come to own what the old one owned, ms. */
const AGENT_LIMIT_MS = 30_000;

export interface Handover {
  readonly listeners: readonly OpenListener[];
  /** The proxy that serves until its successor is ready. */
  readonly proxy?: ProcessIdentity;
  /** The agent that holds the addresses until its successor is there. */
  readonly vrrp?: ProcessIdentity;
  /** Names of the addresses that it owned. */
  readonly owned: readonly string[];
  /** Proxies of former reloads and upgrades that still end what they have. */
  readonly draining: readonly ProcessIdentity[];
}

/** The environment for the next program. Its sockets stay open from now on. */
export function handoverEnvironment(handover: Handover): NodeJS.ProcessEnv {
  for (const { fd } of handover.listeners) keepOnExec(fd, true);
  return { ...process.env, [VARIABLE]: JSON.stringify(handover) };
}

/** Takes what the program before has left; undefined: this one has been started in the usual way. */
export function takeHandover(): Handover | undefined {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (text === undefined) return undefined;
  const handover = JSON.parse(text) as Handover; // written by handoverEnvironment in this very process
  for (const { fd } of handover.listeners) keepOnExec(fd, false);
  return handover;
}

/** The children of the program before, until each has ended. */
export class Predecessors {
  readonly #log: Logger;
  #proxy: ProcessIdentity | undefined;
  #vrrp: ProcessIdentity | undefined;
  #alive: ProcessIdentity[];
  readonly #owned: readonly string[];
  #timer: NodeJS.Timeout | undefined;

  constructor(handover: Handover | undefined, log: Logger) {
    this.#log = log;
    this.#proxy = handover?.proxy;
    this.#vrrp = handover?.vrrp;
    this.#owned = handover?.owned ?? [];
    if (this.#vrrp !== undefined) setTimeout(() => this.#endAgent(), AGENT_LIMIT_MS).unref();
    const all = [handover?.proxy, handover?.vrrp, ...(handover?.draining ?? [])];
    this.#alive = all.flatMap((identity) => identity ?? []);
    if (this.#alive.length > 0) this.#timer = setInterval(() => this.#reap(), REAP_INTERVAL_MS);
  }

  /** Those that have not ended. */
  get alive(): readonly ProcessIdentity[] {
    return this.#alive;
  }

  /** The new proxy accepts: the old one takes no more connections and ends what it has. False: there is none. */
  retireProxy(): boolean {
    if (this.#proxy === undefined) return false;
    const told = signalProcess(this.#proxy, 'SIGUSR2');
    this.#log.info({ event: 'proxy-retired', pid: this.#proxy.pid, told }, 'The proxy of the program before drains');
    this.#proxy = undefined;
    return true;
  }

  /**
   * The new agent says what it is. Both run until it owns what the old one owned; then the old one is killed without a
   * word, so that the address stays. Two agents of one node send the same adverts, and the other node hears one owner.
   */
  followAgent(states: ReadonlyMap<string, VrrpState>, addresses: number): void {
    if (states.size < addresses || this.#owned.some((vip) => states.get(vip) !== 'master')) return;
    this.#endAgent();
  }

  /** This node ends: whoever is left ends too. */
  kill(): void {
    clearInterval(this.#timer);
    for (const identity of this.#alive) signalProcess(identity, 'SIGKILL');
  }

  #endAgent(): void {
    if (this.#vrrp === undefined) return;
    const killed = signalProcess(this.#vrrp, 'SIGKILL');
    this.#log.info(
      { event: 'agent-retired', pid: this.#vrrp.pid, killed },
      'The agent of the program before has ended',
    );
    this.#vrrp = undefined;
  }

  #reap(): void {
    this.#alive = this.#alive.filter((identity) => !reapChild(identity.pid));
    if (this.#alive.length === 0) clearInterval(this.#timer);
  }
}
