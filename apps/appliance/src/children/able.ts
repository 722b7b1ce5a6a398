// What the vrrp child knows beside the election: the tracked conditions, maintenance, what a planned move costs and what
// it cannot promise. It feeds the agent and answers for planned moves; the agent decides.
import type { PairConfig } from '@tospann/config';
import { isTospannError } from '@tospann/errors';
import { AddressControl, monotonicMs, TcpSockets } from '@tospann/linux';
import {
  type FailoverReport,
  measureFirstAnswer,
  TimeWaitSweep,
  type TrackEvent,
  Tracking,
  type VrrpLogLine,
  type VrrpService,
  type VrrpStateEvent,
} from '@tospann/vrrp';
import type { MaintenanceEvent } from '../core/event-texts.ts';
import { probeOfAddress, probesOf } from '../core/probes.ts';
import { notPromised } from '../core/promises.ts';
import { usersFor } from '../core/users.ts';
import type { AbleState, FailoverAnswer, MaintenanceOrder, NamedFullFrontend, StartMessage } from '../ipc.ts';
import type { Logger } from '../log.ts';
import { forgetMaintenance, keepMaintenance, type Maintenance, readMaintenance } from './maintenance-file.ts';

export interface AbleOptions {
  readonly start: Pick<StartMessage, 'config' | 'node' | 'stateDir'>;
  readonly log: Logger;
  /** Something changed that others show. */
  readonly changed: () => void;
  /** Takes events that are no state changes. */
  readonly onEvent: (event: TrackEvent | MaintenanceEvent) => void;
}

export class Able {
  readonly #options: AbleOptions;
  readonly #tracking: Tracking;
  #service: VrrpService | undefined;
  #config: PairConfig;
  #maintenance: Maintenance | undefined;
  #guardProblem = '';
  /** By VIP that this node owns: ms until the first answer after the take-over, once it is known. */
  readonly #firstAnswers = new Map<string, number>();
  /** By VIP: when this node took it, ms. */
  readonly #ownedSince = new Map<string, number>();

  /** Taken over in this moment, by that and by family. */
  readonly #toMeasure = new Map<string, string[]>();
  readonly #sweep: TimeWaitSweep;

  constructor(options: AbleOptions) {
    this.#options = options;
    const { config, node, stateDir } = options.start;
    this.#config = config;
    this.#maintenance = readMaintenance(stateDir);
    this.#sweep = new TimeWaitSweep((detail) => {
      options.log.warn({ event: 'time-wait', detail }, 'Old sockets may swallow packets after a move there and back');
    });
    this.#tracking = new Tracking({
      node,
      scriptUsers: usersFor(config.proxy.user),
      nowMs: monotonicMs,
      takeLatenessMs: () => this.#service?.takeLatenessMs() ?? 0,
      onVerdict: ({ ability, reason }) => {
        options.log.info({ event: 'can-serve', canServe: ability, reason }, 'What this node can serve changed');
        if (ability !== 'unknown') this.#service?.setCanServe(ability, reason);
      },
      onEvent: (event) => {
        options.onEvent(event);
        options.changed();
      },
    });
  }

  /** Begins: maintenance first, so that the election never sees an able node that must not own. */
  begin(service: VrrpService): void {
    this.#service = service;
    const { log } = this.#options;
    if (this.#maintenance !== undefined) {
      const { reason } = this.#maintenance;
      log.info({ event: 'maintenance', on: true, reason }, 'This node is in maintenance since before its start');
      service.maintenance(true, { reason, force: true }).catch((error: unknown) => {
        log.error({ event: 'maintenance-failed', err: error }, 'Maintenance could not be kept');
      });
    }
    this.configure(this.#config);
  }

  /** Follows a new configuration. */
  configure(config: PairConfig): void {
    this.#config = config;
    this.#tracking.configure(config, probesOf(config));
  }

  /** A limit of the kernel drops users on this node now, in words; empty: none does. Its tables are this node's alone. */
  noteLimits(sentence: string): void {
    this.#tracking.note(
      { name: 'limits', kind: 'limits' },
      sentence === ''
        ? { state: 'ok', sentence: 'no limit of the kernel drops anybody' }
        : { state: 'impaired', sentence },
    );
  }

  /** Frontends that the data plane calls full: a probe that waits behind its clients is no sign of death. */
  noteFull(frontends: readonly NamedFullFrontend[]): void {
    this.#tracking.noteFull(frontends);
  }

  /** In maintenance, or on the way into it. */
  get isOut(): boolean {
    return this.#maintenance !== undefined;
  }

  get state(): AbleState {
    const { linkProblem: problem = '', linkDown = true } = this.#service?.snapshot() ?? {};
    const device = this.#config.cluster.nodes.find(({ name }) => name === this.#options.start.node)?.interface ?? '';
    this.#tracking.note(
      { name: 'link', kind: 'link' },
      problem === ''
        ? { state: 'ok', sentence: `${device} is up and has this node's address` }
        : { state: linkDown ? 'failed' : 'impaired', sentence: problem },
    );
    const { ability, reason } = this.#tracking.verdict;
    return {
      ability,
      reason,
      conditions: this.#tracking.conditions,
      ...(this.#maintenance === undefined ? {} : { maintenance: this.#maintenance }),
      notPromised: this.#notPromised(),
      firstAnswersMs: Object.fromEntries(this.#firstAnswers),
    };
  }

  onState({ vip, from, to, monotonicMs: atMs }: VrrpStateEvent): void {
    this.#firstAnswers.delete(vip);
    this.#ownedSince.delete(vip);
    const address = this.#config.vips.find(({ name }) => name === vip)?.address ?? '';
    if (from === 'master') this.#sweep.given(address);
    if (to !== 'master') return;
    this.#sweep.taken(address);
    this.#ownedSince.set(vip, atMs);
    this.#measureSoon(vip, atMs);
  }

  onLogLine(line: VrrpLogLine): void {
    if (line.event === 'vrrp-notice' && line.what === 'guard') this.#guardProblem = line.detail;
  }

  /** Gives every owned address to the other node. */
  async failover(): Promise<FailoverAnswer> {
    return await this.#move((service) => service.failover());
  }

  /** Begins or ends maintenance; saying it twice changes nothing but the reason. */
  async maintain({ on, reason, force }: MaintenanceOrder): Promise<FailoverAnswer> {
    const { stateDir } = this.#options.start;
    const before = this.#maintenance;
    try {
      if (on) {
        const kept = reason === '' && before !== undefined ? before.reason : reason;
        this.#maintenance = { since: before?.since ?? new Date().toISOString(), reason: kept };
        keepMaintenance(stateDir, this.#maintenance);
      } else {
        this.#maintenance = undefined;
        forgetMaintenance(stateDir);
      }
    } catch (error) {
      this.#maintenance = before;
      return refusal(error);
    }
    const answer = await this.#move((service) =>
      service.maintenance(on, { reason: this.#maintenance?.reason ?? '', force }),
    );
    if (answer.outcome === 'refused') this.#undo(before);
    else if (on !== (before !== undefined)) {
      this.#options.onEvent({
        event: 'maintenance',
        on,
        reason: this.#maintenance?.reason ?? '',
        monotonicMs: monotonicMs(),
      });
    }
    this.#options.changed();
    return answer;
  }

  #undo(before: Maintenance | undefined): void {
    const { stateDir } = this.#options.start;
    this.#maintenance = before;
    if (before === undefined) forgetMaintenance(stateDir);
    else keepMaintenance(stateDir, before);
  }

  async #move(begin: (service: VrrpService) => Promise<FailoverReport>): Promise<FailoverAnswer> {
    const service = this.#service;
    if (service === undefined) return refusal(new Error('the failover agent is still starting'));
    try {
      const owned = service.snapshot().vips.filter(({ state }) => state === 'master');
      const moving = begin(service);
      // The command is on its way: counting delays nothing.
      const connections = countConnections(owned.map(({ address }) => address));
      const { results, durationMs, detail } = await moving;
      const startedAtMs = results.length === 0 ? 0 : Math.min(...results.map((result) => result.startedAtMs));
      // What was moved, not what is owned: the end of maintenance moves nothing.
      const vips = results.map(({ vip }) => vip);
      return { outcome: 'done', vips, durationMs, detail, startedAtMs, connections };
    } catch (error) {
      return refusal(error);
    }
  }

  /** The addresses of a take-over come one by one, and one listener answers for those of a family: one is asked. */
  #measureSoon(vip: string, sinceMs: number): void {
    const isSix = this.#config.vips.some(({ name, address }) => name === vip && address.includes(':'));
    const key = `${sinceMs} ${isSix ? 6 : 4}`;
    const vips = this.#toMeasure.get(key);
    if (vips !== undefined) return void vips.push(vip);
    const taken = [vip];
    this.#toMeasure.set(key, taken);
    setImmediate(() => {
      this.#toMeasure.delete(key);
      void this.#measure(taken, sinceMs);
    });
  }

  async #measure(vips: readonly string[], sinceMs: number): Promise<void> {
    // The last one is the one that the kernel got last.
    const vip = vips.at(-1);
    const address = this.#config.vips.find(({ name }) => name === vip)?.address;
    const target = address === undefined ? undefined : probeOfAddress(this.#config, address);
    if (target === undefined) return;
    const isOver = (): boolean => vip === undefined || this.#ownedSince.get(vip) !== sinceMs;
    const tookMs = await measureFirstAnswer({ target, sinceMs, nowMs: monotonicMs, isOver });
    if (tookMs === undefined || isOver()) return;
    for (const name of vips) if (this.#ownedSince.get(name) === sinceMs) this.#firstAnswers.set(name, tookMs);
    this.#options.changed();
  }

  #notPromised(): readonly string[] {
    const control = new AddressControl();
    try {
      const { node } = this.#options.start;
      const guardProblem = this.#service?.guardProblem() || this.#guardProblem;
      return notPromised({ config: this.#config, node, networks: control.list(), guardProblem });
    } finally {
      control.close();
    }
  }
}

/** Established connections of clients on these addresses. */
function countConnections(addresses: readonly string[]): number {
  const sockets = new TcpSockets();
  try {
    return sockets.countEstablished(addresses);
  } finally {
    sockets.close();
  }
}

function refusal(error: unknown): FailoverAnswer {
  const known = isTospannError(error);
  return {
    outcome: 'refused',
    code: known ? error.code : 'LB_INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    hint: known ? error.hint : 'Try again; if it stays, look at the log of this node',
  };
}
