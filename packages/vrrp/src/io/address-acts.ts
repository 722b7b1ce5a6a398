// What the machines' effects about addresses do to the kernel and to the link: take, give up, announce. Of whole elections,
// by their index. Decides nothing; lives on the loop's thread.
import { monotonicMs } from '@tospann/linux';
import { addressesOf, type AgentPlan, type PlannedAddress, type PlannedElection } from '../core/plan.ts';
import type { MachineEvent } from '../core/state.ts';
import { leaseSeconds } from '../core/timers.ts';
import type { Drain } from './handover/drain.ts';
import type { LinkNews } from './link-news.ts';
import type { VrrpEvent } from './messages.ts';
import type { VipNetwork } from './network.ts';

/** An address and its place among all of the plan. */
export interface IndexedVip {
  readonly index: number;
  readonly address: PlannedAddress;
}

export interface AddressActsOptions {
  readonly plan: AgentPlan;
  readonly network: VipNetwork;
  readonly links: LinkNews;
  /** Absent where planned hand-overs do not keep connections. */
  readonly drain: Drain | undefined;
  readonly emit: (event: VrrpEvent) => void;
  readonly nowUs: () => number;
}

export class AddressActs {
  readonly #options: AddressActsOptions;
  readonly #elections: readonly PlannedElection[];
  /** Of each election the place of its first address among all. */
  readonly #first: readonly number[];

  constructor(options: AddressActsOptions) {
    this.#options = options;
    const { elections } = options.plan;
    this.#elections = elections;
    this.#first = elections.map((_, index) => addressesOf({ elections: elections.slice(0, index) }).length);
  }

  /** The addresses of an election. */
  vipsOf(index: number): readonly IndexedVip[] {
    const first = this.#first[index] ?? 0;
    return (this.#elections[index]?.addresses ?? []).map((address, at) => ({ index: first + at, address }));
  }

  /** The election of an address, and its place in that. */
  electionOf(vip: number): { readonly election: number; readonly place: number } {
    const election = this.#first.findLastIndex((first) => first <= vip);
    return { election, place: vip - (this.#first[election] ?? 0) };
  }

  namesOf(index: number): { readonly group: string; readonly vips: readonly string[] } {
    const { name = '', addresses = [] } = this.#elections[index] ?? {};
    return { group: name, vips: addresses.map((address) => address.name) };
  }

  /**
   * Adds the addresses with a full lease, or renews it. One that the kernel refuses does not take the others with it.
   *
   * @returns What follows from a refusal.
   */
  own(index: number): readonly MachineEvent[] {
    const { network, drain, links, nowUs } = this.#options;
    const election = this.#elections[index];
    if (election === undefined) return [];
    const vips = this.vipsOf(index);
    const seconds = leaseSeconds(election.machine);
    const errors = vips.flatMap((vip) => {
      const refusal = network.own(vip.address, seconds);
      if (refusal === undefined) drain?.end(vip.index);
      return refusal ?? [];
    });
    return links.refused(index, { errors, all: errors.length === vips.length && vips.length > 0, nowUs: nowUs() });
  }

  /** Whether the kernel has the address at this place of an election where it belongs. */
  has(index: number, place: number): boolean {
    const vip = this.#elections[index]?.addresses[place];
    return vip !== undefined && this.#options.network.look(vip).ours;
  }

  /** @param drain Connections under way go on here, while the new owner sends their packets over (handover/). */
  release(index: number, drain: boolean): void {
    const untouched = this.#elections[index]?.announce.type === 'none';
    for (const vip of this.vipsOf(index)) {
      if (drain && !untouched) this.#beginDrain(vip);
      this.#options.network.release(vip.address);
    }
  }

  /** Gratuitous ARP of every address of an election. */
  announce(index: number): void {
    for (const vip of this.vipsOf(index)) this.#options.network.announce(vip.index);
  }

  /** Says that the node whose adverts come from `owner` has the addresses. */
  pointTo(index: number, owner: string): void {
    this.#options.network.pointTo(this.#elections[index]?.addresses ?? [], owner);
  }

  #beginDrain({ index, address }: IndexedVip): void {
    const { drain, emit, nowUs } = this.#options;
    const detail = drain?.begin(index, nowUs()) ?? '';
    if (detail === '') return;
    emit({ event: 'vrrp-notice', vip: address.name, what: 'guard', detail, monotonicMs: monotonicMs() });
  }
}
