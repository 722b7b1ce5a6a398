// What one program of the supervisor leaves to the next when it replaces itself: its open listening sockets, by
// number, and the children that go on without it. It travels in a file without a name, whose descriptor one environment variable
// tells: an environment string ends at 128 KiB. Nobody inherits either further.
import { closeFd, keepOnExec, makeMemoryFile, readMemoryFile, reapChild } from '@tospann/linux';
import type { VrrpState } from '@tospann/vrrp';
import type { Logger } from '../log.ts';
import type { OpenListener } from './listeners.ts';
import { type ProcessIdentity, signalProcess } from './process-identity.ts';

const VARIABLE = 'TOSPANN_HANDOVER';
/** Longest text that goes into the environment itself, bytes: a program from before knows no other way. */
const TEXT_LIMIT = 120_000;
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
  /** The admin process, whose events are all kept: it ends with its channel, or is ended, as the next one needs its socket. */
  readonly admin?: ProcessIdentity;
  /** The descriptor that claims the run directory. */
  readonly claim?: number;
  /** Others that end by themselves: proxies of former reloads and upgrades, who holds signals. */
  readonly draining: readonly ProcessIdentity[];
}

/** A handover that lies ready for the next program. */
export interface LaidHandover extends Disposable {
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Lays a handover ready: its sockets, and the file it is in, stay open when this program is replaced. Disposed, they do not.
 *
 * @param way `text` for a program that does not know the file.
 * @throws {TospannError} LB_KERNEL_CALL; RangeError when text does not fit.
 */
export function layHandover(handover: Handover, way: 'file' | 'text'): LaidHandover {
  const text = JSON.stringify(handover);
  if (way === 'text' && Buffer.byteLength(text) > TEXT_LIMIT) {
    throw new RangeError(`it has ${handover.listeners.length} binds, more than that program can take over`);
  }
  const file = way === 'file' ? makeMemoryFile('tospann-handover', text) : undefined;
  const kept = [...handover.listeners.map(({ fd }) => fd), handover.claim, file].filter((fd) => fd !== undefined);
  for (const fd of kept) keepOnExec(fd, true);
  return {
    env: { ...process.env, [VARIABLE]: file === undefined ? text : `fd:${file}` },
    [Symbol.dispose]: () => {
      for (const fd of kept) keepOnExec(fd, false);
      if (file !== undefined) closeFd(file);
    },
  };
}

/** Takes what the program before has left; undefined: this one has been started in the usual way. */
export function takeHandover(): Handover | undefined {
  const value = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (value === undefined) return undefined;
  const file = /^fd:(\d+)$/.exec(value)?.[1];
  const handover = readHandover(file === undefined ? value : readMemoryFile(Number(file)));
  if (file !== undefined) closeFd(Number(file));
  for (const { fd } of handover.listeners) keepOnExec(fd, false);
  if (handover.claim !== undefined) keepOnExec(handover.claim, false);
  return handover;
}

/** What `layHandover` has written. The program that was to be replaced has asked this one whether it can read it. */
export function readHandover(text: string): Handover {
  const handover = JSON.parse(text) as Handover; // written by layHandover in this very process, or asked about by it
  for (const part of [handover.listeners, handover.owned, handover.draining]) {
    if (!Array.isArray(part)) throw new TypeError('it lacks a part that this program needs');
  }
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
  /** The new agent has said what it is at every address. */
  #agentSpoke = false;

  constructor(handover: Handover | undefined, log: Logger) {
    this.#log = log;
    this.#proxy = handover?.proxy;
    this.#vrrp = handover?.vrrp;
    this.#owned = handover?.owned ?? [];
    if (this.#vrrp !== undefined) setTimeout(() => this.#agentIsLate(), AGENT_LIMIT_MS).unref();
    if (handover?.admin !== undefined) signalProcess(handover.admin, 'SIGKILL');
    const all = [handover?.proxy, handover?.vrrp, handover?.admin, ...(handover?.draining ?? [])];
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
    this.#agentSpoke = states.size >= addresses;
    if (!this.#agentSpoke || this.#owned.some((vip) => states.get(vip) !== 'master')) return;
    this.#endAgent();
  }

  /** This node ends: whoever is left ends too. */
  kill(): void {
    clearInterval(this.#timer);
    for (const identity of this.#alive) signalProcess(identity, 'SIGKILL');
  }

  /** A new agent that lives and does not own is believed; for one that does not come up the old one stays. */
  #agentIsLate(): void {
    if (this.#agentSpoke) this.#endAgent();
    else setTimeout(() => this.#agentIsLate(), AGENT_LIMIT_MS).unref();
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
