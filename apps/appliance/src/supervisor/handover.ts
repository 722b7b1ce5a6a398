// What one program of the supervisor leaves to the next when it replaces itself: its open listening sockets, by
// number, and the children that go on without it. It travels in one environment variable, which nobody inherits further.
import { keepOnExec, monotonicMs, reapChild } from '@tospann/linux';
import type { Logger } from '../log.ts';
import type { OpenListener } from './listeners.ts';
import { type ProcessIdentity, signalProcess } from './process-identity.ts';

const VARIABLE = 'TOSPANN_HANDOVER';
/** How often it is looked whether old children have ended, ms. */
const REAP_INTERVAL_MS = 250;
/** How long a killed agent may take to be gone, ms. */
const GONE_LIMIT_MS = 2000;

export interface Handover {
  readonly listeners: readonly OpenListener[];
  /** The proxy that serves until its successor is ready. */
  readonly proxy?: ProcessIdentity;
  /** The agent that holds the addresses until its successor is there. */
  readonly vrrp?: ProcessIdentity;
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
  #timer: NodeJS.Timeout | undefined;

  constructor(handover: Handover | undefined, log: Logger) {
    this.#log = log;
    this.#proxy = handover?.proxy;
    this.#vrrp = handover?.vrrp;
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
   * The new agent's process is up: the old agent ends without a word, so that its addresses stay, and the new one goes on
   * with them (docs/life-of-a-failover.md, warm restart).
   */
  async replaceAgent(): Promise<void> {
    const old = this.#vrrp;
    this.#vrrp = undefined;
    if (old === undefined || !signalProcess(old, 'SIGKILL')) return;
    const limitMs = monotonicMs() + GONE_LIMIT_MS;
    while (!reapChild(old.pid) && monotonicMs() < limitMs) await new Promise((resolve) => setTimeout(resolve, 1));
    this.#alive = this.#alive.filter((identity) => identity !== old);
  }

  /** This node ends: whoever is left ends too. */
  kill(): void {
    clearInterval(this.#timer);
    for (const identity of this.#alive) signalProcess(identity, 'SIGKILL');
  }

  #reap(): void {
    this.#alive = this.#alive.filter((identity) => !reapChild(identity.pid));
    if (this.#alive.length === 0) clearInterval(this.#timer);
  }
}
