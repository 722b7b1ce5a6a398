// The failover agent as its process's main thread sees it: starts the loop's thread, sends it commands, keeps its last
// snapshot. It holds no socket and decides nothing. Side effects: one thread, one eventfd.
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { failoverOf, type PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { closeFd, monotonicMs, openEventFd, signalEventFd } from '@tospann/linux';
import type { HeardWords } from '../core/peer/peer-word.ts';
import { NoticeGate } from '../core/notice-gate.ts';
import { addressesOf, planAgent, type AgentPlan } from '../core/plan.ts';
import type { VrrpSnapshot } from '../core/snapshot.ts';
import type { Ability } from '../core/state.ts';
import { AddressWatch } from './address-watch.ts';
import { AdvertClock } from './adverts/advert-clock.ts';
import { resolveAdvertKeys } from './adverts/advert-keys.ts';
import { ConnectionGuard } from './handover/connection-guard.ts';
import { keepSettings } from './handover/kept-settings.ts';
import type {
  HandoverResult,
  LoopCommand,
  LoopData,
  LoopMessage,
  TimedSnapshot,
  VrrpEvent,
  VrrpLogLine,
  VrrpStateEvent,
} from './messages.ts';
import { PeerWatch } from './peer-link/peer-watch.ts';
import { reviveError } from './plain-error.ts';
import { TermFile } from './term-file.ts';

export interface VrrpOptions {
  readonly config: PairConfig;
  /** This node's name in `cluster.nodes`. */
  readonly node: string;
  /** Starts the thread whose entry is io/vrrp-worker.ts. */
  readonly startWorker: (name: 'vrrp-worker', workerData: LoopData) => Worker;
  /** Called at each change of a state. */
  readonly onEvent: (event: VrrpStateEvent) => void;
  /** Takes what is worth a log line though no state changed. */
  readonly log: (line: VrrpLogLine) => void;
  /** Called once if the loop breaks; nothing is owned any more after the lease. */
  readonly onFatal: (error: TospannError) => void;
  /** Keep connections of a planned hand-over alive where nft allows it. @default true */
  readonly guard?: boolean;
  /** Where the terms of the elections are kept; absent: a restart forgets them. */
  readonly stateDir?: string;
  /** The pair's secret (32 bytes) and this product's version; absent: no peer link. */
  readonly peerLink?: { readonly clusterKey: Uint8Array; readonly version: string };
}

/** How a planned failover ended; every address was taken. */
export interface FailoverReport {
  readonly results: readonly HandoverResult[];
  /** The longest of the results. */
  readonly durationMs: number;
  readonly detail: string;
}

export interface VrrpService {
  /**
   * Resolves when the sockets are open and the machines run (state `init` until the node can serve).
   * Rejects with LB_KERNEL_NO_CAPABILITY or LB_KERNEL_CALL. A missing interface or address is no rejection: the
   * addresses are in `fault`, and a `vrrp-problem` event says why.
   */
  readonly ready: Promise<void>;
  /** Resolves when the loop has ended, however it came; rejects if it broke. */
  readonly ended: Promise<void>;
  snapshot(): VrrpSnapshot;
  /** The largest lateness of the loop since this was asked last, ms. */
  takeLatenessMs(): number;
  /** What the self-probe says; the election follows at once. `reason` is shown to the operator. */
  setCanServe(ability: Exclude<Ability, 'unknown'>, reason: string): void;
  /**
   * Hands every owned address to the other node, make before break; this node then does not take it back by preference.
   *
   * @throws {TospannError} LB_VRRP_NOT_OWNER, LB_VRRP_BUSY, LB_VRRP_HANDOVER_NOT_TAKEN (this node goes on serving).
   */
  failover(): Promise<FailoverReport>;
  /** Why connections under way would break if this node took an address over by plan now; empty: they would not. */
  guardProblem(): string;
  /** Another configuration serves; nodes and addresses are the same. The peer compares its hash with its own. */
  setConfigHash(hash: string): void;
  /**
   * Hands every owned address over and owns nothing until it is switched off. With `force` the addresses are released
   * though nobody takes them.
   *
   * @throws {TospannError} LB_VRRP_BUSY, LB_VRRP_HANDOVER_NOT_TAKEN (this node goes on serving, no maintenance).
   */
  maintenance(on: boolean, options: { readonly reason: string; readonly force: boolean }): Promise<FailoverReport>;
  /** Planned end: answers for the addresses until the peer has taken them, at most three adverts and 50 ms. */
  stop(): Promise<void>;
  /** End at once: priority 0, addresses released. */
  close(): Promise<void>;
}

/**
 * Starts the agent of one node.
 *
 * @throws {TospannError} LB_VRRP_NODE_UNKNOWN, LB_VRRP_KEY_UNUSABLE.
 */
export function startVrrp(options: VrrpOptions): VrrpService {
  return new Service(options);
}

interface Waiter {
  readonly resolve: (report: FailoverReport) => void;
  readonly reject: (error: Error) => void;
}

class Service implements VrrpService {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #wakeFd = openEventFd();
  readonly #worker: Worker;
  readonly #options: VrrpOptions;
  readonly #guard: ConnectionGuard | undefined;
  readonly #terms: TermFile;
  /** Where adverts are signed. */
  readonly #clock: AdvertClock | undefined;
  readonly #peer: PeerWatch | undefined;
  readonly #watch: AddressWatch;
  readonly #gate = new NoticeGate();
  #gateTimer: NodeJS.Timeout | undefined;
  readonly #waiters = new Map<number, Waiter>();
  #snapshot: TimedSnapshot = emptySnapshot;
  #nextId = 1;
  #latenessMs = 0;
  #closed = false;
  #failure: TospannError | undefined;

  constructor(options: VrrpOptions) {
    this.#options = options;
    const plan = planAgent(options.config, options.node);
    this.#guard = this.#makeGuard(plan);
    const guard = this.#guard !== undefined;
    this.#terms = this.#openTerms(plan);
    this.#peer = this.#makePeerWatch(plan);
    this.#watch = new AddressWatch({
      plan,
      defend: (vips) => this.#command({ type: 'defend', vips }),
      emit: (event) => this.#onEvent(event),
    });
    const advertKeys = resolveAdvertKeys(options.config, options.peerLink?.clusterKey);
    const signs = options.stateDir !== undefined && Object.keys(advertKeys).length > 0;
    this.#clock = signs ? new AdvertClock(join(options.stateDir, 'advert-clock.json')) : undefined;
    this.#worker = options.startWorker('vrrp-worker', {
      plan,
      wakeFd: this.#wakeFd,
      guard,
      keptSettings: guard ? this.#keepSettings(plan) : new Map(),
      terms: this.#terms.all(),
      advertKeys,
      sequenceFloorMs: this.#clock?.floorMs ?? 0,
      keptSequences: this.#clock?.kept ?? [],
    });
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ended = ended.promise;
    // Either promise may be left unused by the caller; the error is told by the other.
    this.ready.catch(() => {});
    this.ended.catch(() => {});
    this.#worker.on('message', (message: LoopMessage) => {
      if (message.type === 'ready') ready.resolve();
      else this.#onMessage(message);
    });
    this.#worker.on('error', (error) => this.#fail(new TospannError('LB_VRRP_AGENT_ENDED', { detail: String(error) })));
    this.#worker.on('exit', () => {
      this.#closed = true;
      closeFd(this.#wakeFd);
      const failure = this.#failure;
      this.#rejectWaiters(failure ?? new TospannError('LB_VRRP_AGENT_ENDED', { detail: 'it has stopped' }));
      ready.reject(failure ?? new TospannError('LB_VRRP_AGENT_ENDED', { detail: 'it stopped before it was ready' }));
      void this.#end(failure, ended);
    });
  }

  snapshot(): VrrpSnapshot {
    const nowMs = monotonicMs();
    const vips = this.#snapshot.vips.map(({ lastAdvertAtMs, ...vip }) => ({
      ...vip,
      lastAdvertAgeMs: lastAdvertAtMs < 0 ? -1 : Math.max(0, nowMs - lastAdvertAtMs),
    }));
    const addressProblems = this.#watch.problems();
    return {
      ...this.#snapshot,
      vips,
      addressProblems,
      ...(this.#peer === undefined ? {} : { peerLink: this.#peer.snapshot() }),
    };
  }

  takeLatenessMs(): number {
    const latenessMs = this.#latenessMs;
    this.#latenessMs = 0;
    return latenessMs;
  }

  setCanServe(ability: Exclude<Ability, 'unknown'>, reason: string): void {
    this.#command({ type: 'ability', ability, reason });
  }

  guardProblem(): string {
    return this.#guard?.problem() ?? '';
  }

  setConfigHash(hash: string): void {
    this.#peer?.setConfigHash(hash);
  }

  failover(): Promise<FailoverReport> {
    return this.#ask((id) => ({ type: 'failover', id }));
  }

  maintenance(on: boolean, options: { readonly reason: string; readonly force: boolean }): Promise<FailoverReport> {
    const report = this.#ask((id) => ({ type: 'maintenance', id, on, ...options }));
    report.then(
      () => this.#peer?.setMaintenance(on),
      () => {},
    );
    return report;
  }

  #ask(command: (id: number) => LoopCommand): Promise<FailoverReport> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<FailoverReport>();
    if (this.#closed) reject(this.#failure ?? new TospannError('LB_VRRP_AGENT_ENDED', { detail: 'it has stopped' }));
    this.#waiters.set(id, { resolve, reject });
    this.#command(command(id));
    return promise;
  }

  stop(): Promise<void> {
    this.#command({ type: 'stop' });
    return this.ended;
  }

  close(): Promise<void> {
    this.#command({ type: 'close' });
    return this.ended;
  }

  /** After the loop's thread: the guard goes, then the promise settles. */
  async #end(failure: TospannError | undefined, ended: PromiseWithResolvers<void>): Promise<void> {
    this.#clock?.close();
    this.#watch.close();
    clearTimeout(this.#gateTimer);
    await Promise.all([this.#guard?.close(), this.#peer?.close()]);
    if (failure === undefined) return ended.resolve();
    ended.reject(failure);
    this.#options.onFatal(failure);
  }

  #command(command: LoopCommand): void {
    if (this.#closed) return;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    this.#worker.postMessage(command);
    signalEventFd(this.#wakeFd);
  }

  #onMessage(message: Exclude<LoopMessage, { type: 'ready' }>): void {
    switch (message.type) {
      case 'event':
        return this.#onEvent(message.event);
      case 'snapshot':
        this.#snapshot = message.snapshot;
        this.#latenessMs = Math.max(this.#latenessMs, message.snapshot.latenessRecentMs);
        this.#peer?.see(message.snapshot);
        this.#watch.see(message.snapshot);
        return;
      case 'word':
        return this.#peer?.say(message);
      case 'rules-changed':
        return this.#guard?.check();
      case 'sequences':
        return this.#clock?.note(message.marks);
      case 'failed':
        return this.#fail(reviveError(message.error));
      case 'failover-refused':
        return this.#take(message.id)?.reject(reviveError(message.error));
      case 'failover-ended':
        return this.#failoverEnded(message.id, message.results);
      case 'stopped':
        return;
    }
  }

  /** The guard needs exactly one other node, and ports that clients use. */
  #makeGuard(plan: AgentPlan): ConnectionGuard | undefined {
    const peer = plan.peers[0];
    const { config, guard = true } = this.#options;
    const ports = [...new Set(config.frontends.flatMap(({ binds }) => binds.map(({ port }) => port)))];
    if (!guard || peer === undefined || plan.peers.length > 1 || ports.length === 0) return undefined;
    // Where an election does not touch its addresses, nobody moves them, and there is nothing to guard.
    const moved = addressesOf({ elections: plan.elections.filter(({ announce }) => announce.type !== 'none') });
    const six = moved.find(({ family }) => family === 6);
    if (six !== undefined && peer.address6 === undefined)
      this.#guardMissing(`node "${peer.name}" has no address6 to send packets of ${six.address} to`);
    return new ConnectionGuard({
      addresses: Object.fromEntries(moved.map(({ name, address }) => [name, address])),
      ports,
      peer: peer.address,
      ...(peer.address6 === undefined ? {} : { peer6: peer.address6 }),
      interface: plan.interface,
      drainSeconds: plan.drainSeconds,
      onUnavailable: (detail) => this.#guardMissing(`nft: ${detail}`),
      onRestored: () => this.#guardRestored(),
    });
  }

  #keepSettings(plan: AgentPlan): ReadonlyMap<string, string> {
    const { stateDir } = this.#options;
    return stateDir === undefined ? new Map() : keepSettings(stateDir, plan);
  }

  #openTerms({ elections }: AgentPlan): TermFile {
    const { stateDir } = this.#options;
    return new TermFile({
      file: stateDir === undefined ? undefined : join(stateDir, 'terms.json'),
      elections: elections.map(({ name }) => name),
      wallMs: Date.now,
      onProblem: ({ code, message, hint }) =>
        this.#onEvent({ event: 'vrrp-problem', code, message, hint, monotonicMs: monotonicMs() }),
    });
  }

  /** The link needs exactly one other node. */
  #makePeerWatch(plan: AgentPlan): PeerWatch | undefined {
    const { config, peerLink } = this.#options;
    const port = failoverOf(config).peerPort;
    const [peer, ...more] = plan.peers;
    if (peerLink === undefined || port === 0 || peer === undefined || more.length > 0) return undefined;
    const tellPeer = (heard: HeardWords | undefined): void => {
      for (const [election, { term }] of Object.entries(heard?.words.elections ?? {})) {
        if (plan.elections.some(({ name }) => name === election)) this.#terms.keep(election, term);
      }
      this.#command({ type: 'peer', heard });
    };
    const emit = (event: VrrpEvent): void => this.#onEvent(event);
    return new PeerWatch({ plan, cluster: config.cluster.name, port, ...peerLink, tellPeer, emit }, peer);
  }

  #guardRestored(): void {
    const detail = 'somebody removed the rules that keep connections over a planned move; they are back';
    this.#onEvent({ event: 'vrrp-notice', vip: '', what: 'guard-restored', detail, monotonicMs: monotonicMs() });
  }

  #guardMissing(detail: string): void {
    const msg = `Connections under way will not survive a planned hand-over: ${detail}`;
    this.#options.log({ event: 'vrrp-notice', vip: '', what: 'guard', detail, monotonicMs: monotonicMs(), msg });
  }

  #onEvent(event: VrrpEvent): void {
    if (event.event === 'vrrp-state') {
      // On the disk before anybody hears of it.
      if (event.to === 'master') this.#terms.keep(event.group, Number(event.evidence['term']));
      this.#guard?.onState(event);
      return this.#options.onEvent(event);
    }
    if (event.event === 'vrrp-notice' && event.what === 'old-owner-drains') this.#guard?.onDrain(event.vip);
    if (event.event === 'vrrp-notice' && gathered.has(event.what) && !this.#gate.pass(event, monotonicMs()))
      return this.#tellLater();
    this.#say(event);
  }

  /** What came too often is told together. */
  #tellLater(): void {
    this.#gateTimer ??= setTimeout(
      () => {
        this.#gateTimer = undefined;
        const now = monotonicMs();
        for (const notice of this.#gate.take(now))
          this.#say({ event: 'vrrp-notice', ...notice, what: 'address-restored', monotonicMs: now });
      },
      Math.max(1, this.#gate.dueMs - monotonicMs()),
    );
  }

  #say(event: Exclude<VrrpEvent, { readonly event: 'vrrp-state' }>): void {
    this.#options.log({ ...event, msg: event.event === 'vrrp-problem' ? event.message : event.detail });
  }

  #failoverEnded(id: number, results: readonly HandoverResult[]): void {
    const waiter = this.#take(id);
    const refused = results.find(({ taken }) => !taken);
    if (refused !== undefined) {
      const { vip, detail } = refused;
      return waiter?.reject(new TospannError('LB_VRRP_HANDOVER_NOT_TAKEN', { vip, detail }));
    }
    const detail = results.map((result) => `${result.vip}: ${result.detail}`).join(', ');
    waiter?.resolve({ results, durationMs: Math.max(0, ...results.map(({ durationMs }) => durationMs)), detail });
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }

  #fail(error: TospannError): void {
    this.#failure ??= error;
  }

  #rejectWaiters(error: TospannError): void {
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }
}

/** Notices that come once for each address and each time: somebody may remove all of them many times a second. */
const gathered: ReadonlySet<string> = new Set(['address-restored']);

const emptySnapshot: TimedSnapshot = {
  takenMs: 0,
  vips: [],
  scheduling: '',
  latenessMaxMs: 0,
  latenessLastMinuteMs: 0,
  latenessRecentMs: 0,
  linkProblem: '',
  gratuitousArpTotal: 0,
  addressRestoredTotal: 0,
  freezesTotal: 0,
};
