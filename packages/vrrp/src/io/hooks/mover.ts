// Movers: what makes the network send an address's packets to its new owner. `vrrp` is done by the agent's loop and
// needs nothing here, `none` is nobody's work, `hook` calls a program or a web address. `bgp` would be another Mover.
import { groupsOf, type AnnounceConfig, type GroupConfig, type PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import type { AgentReport } from '../../core/agent-event.ts';
import {
  idleMover,
  stepMover,
  type MovedAddress,
  type MoverConfig,
  type MoverEffect,
  type MoverEvent,
  type MoverResult,
  type MoverState,
} from '../../core/mover.ts';
import { problemOf, startCall, type RunningCall } from './call.ts';

/** Moves the addresses of one election. Nothing of it is waited for. */
export interface Mover {
  /** This node has become owner; `term` is the fencing token and grows with each take-over. May be told repeatedly. */
  taken(term: number): void;
  /** This node is not the owner any more: what is under way is ended at once. */
  lost(): void;
  /** How the last move of each address went. */
  results(): readonly MoverResult[];
  /** Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

export interface MoverOptions {
  readonly node: string;
  readonly group: string;
  readonly addresses: readonly MovedAddress[];
  readonly report: (report: AgentReport) => void;
  /** `results` have changed. */
  readonly changed: () => void;
}

type HookAnnounce = Extract<AnnounceConfig, { readonly type: 'hook' }>;

/** The movers of all elections that need one, by election. */
export function makeMovers(
  config: PairConfig,
  options: Pick<MoverOptions, 'node' | 'report' | 'changed'>,
): ReadonlyMap<string, Mover> {
  const movers = groupsOf(config).map((group): readonly [string, Mover | undefined] => [
    group.name,
    makeMover(group.announce, { ...options, group: group.name, addresses: addressesOf(config, group) }),
  ]);
  return new Map(movers.flatMap(([name, mover]) => (mover === undefined ? [] : [[name, mover]])));
}

/** The mover of one election; undefined: there is nothing to do beside the agent's loop. */
export function makeMover(announce: AnnounceConfig, options: MoverOptions): Mover | undefined {
  return announce.type === 'hook' ? new HookMover(announce, options) : undefined;
}

function addressesOf({ vips }: PairConfig, group: GroupConfig): readonly MovedAddress[] {
  return group.vips.flatMap((name) =>
    vips.filter((vip) => vip.name === name).map(({ address }) => ({ vip: name, address })),
  );
}

/** Calls a program or a web address at each take-over, with a token by which the provider's side can fence. */
class HookMover implements Mover {
  readonly #announce: HookAnnounce;
  readonly #options: MoverOptions;
  readonly #config: MoverConfig;
  #state: MoverState = idleMover;
  #call: RunningCall | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(announce: HookAnnounce, options: MoverOptions) {
    this.#announce = announce;
    this.#options = options;
    const { retries, retryIntervalMs } = announce;
    this.#config = { addresses: options.addresses, retries, retryIntervalMs };
  }

  taken(term: number): void {
    this.#feed({ type: 'taken', nowMs: monotonicMs(), term });
  }

  lost(): void {
    this.#feed({ type: 'lost', nowMs: monotonicMs() });
  }

  results(): readonly MoverResult[] {
    return Object.values(this.#state.results);
  }

  async close(): Promise<void> {
    this.lost();
    await this.#call?.result;
  }

  #feed(event: MoverEvent): void {
    const { state, effects } = stepMover(this.#state, event, this.#config);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#options.changed();
    clearTimeout(this.#timer);
    if (this.#state.dueMs === Infinity) return;
    const waitMs = Math.max(0, this.#state.dueMs - monotonicMs());
    this.#timer = setTimeout(() => this.#feed({ type: 'tick', nowMs: monotonicMs() }), waitMs);
  }

  #carryOut(effect: MoverEffect): void {
    switch (effect.type) {
      case 'call':
        return this.#start(effect.address, effect.term);
      case 'cancel':
        return this.#call?.cancel();
      case 'report':
        return this.#report(effect.address, effect.result);
    }
  }

  #start({ vip, address }: MovedAddress, term: number): void {
    const { node, group } = this.#options;
    const call = startCall(this.#announce.call, {
      body: JSON.stringify({ event: 'take-over', vip, address, node, group, term }),
      environment: {
        TOSPANN_EVENT: 'take-over',
        TOSPANN_VIP: vip,
        TOSPANN_ADDRESS: address,
        TOSPANN_NODE: node,
        TOSPANN_GROUP: group,
        TOSPANN_TERM: String(term),
        TOSPANN_STATE: 'MASTER',
      },
    });
    this.#call = call;
    void call.result.then((result) => {
      this.#call = undefined;
      this.#feed({ type: 'ended', nowMs: monotonicMs(), problem: problemOf(result) });
    });
  }

  #report({ vip, address }: MovedAddress, { outcome, term, attempts, detail, durationMs }: MoverResult): void {
    const { node, group } = this.#options;
    const evidence = { address, term, attempts, durationMs: Math.round(durationMs), outcome };
    if (outcome === 'done') {
      const times = attempts === 1 ? '' : `, at attempt ${attempts}`;
      const text = `${address} of ${vip} was moved to ${node} in ${Math.round(durationMs)} ms${times}`;
      return this.#options.report({ event: 'mover', severity: 'info', vip, group, text, evidence });
    }
    const error = new TospannError('LB_VRRP_MOVE_FAILED', { address, vip, node, attempts, detail });
    const text = `${error.message}. ${error.hint}`;
    const code = error.code;
    this.#options.report({
      event: 'mover',
      severity: 'alarm',
      vip,
      group,
      text,
      evidence: { code, ...evidence, detail },
    });
  }
}
