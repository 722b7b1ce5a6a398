// The intervals of the election in µs. Those that the fault table needs too are in @tospann/config (timing.ts). Pure.
import { defaultPreemptDelayUs, downUs, leaseSeconds, skewUs } from '@tospann/config';
import { patientAdverts } from './patience.ts';
import type { MachineConfig, MachineState } from './state.ts';

export { defaultPreemptDelayUs, downUs, leaseSeconds, skewUs };

/** The priority of the address owner of the RFC. */
export const ownerPriority = 255;
/** The priority of a node that has no live server, or cannot serve at all: it wins only over nobody. */
export const lastResortPriority = 1;
/** The priority of a node that serves though something about it is bad: it gives way to a peer that is well. */
export const impairedPriority = 2;

/** The kernel counts leases in whole seconds. */
const secondUs = 1_000_000;

/** What the timers need to know of a configuration. */
export type Timing = Pick<MachineConfig, 'priority' | 'intervalUs' | 'missedAdverts' | 'version'>;

/** The priority that this node stands with now. */
export function effectivePriority(config: MachineConfig, state: MachineState): number {
  if (state.ability === 'no-live-server' || state.ability === 'cannot-serve') return lastResortPriority;
  return isWell(state) ? config.priority : impairedPriority;
}

/** Nothing is wrong with this node, and it can serve the whole of the election. */
export function isWell({ ability, lacks }: Pick<MachineState, 'ability' | 'lacks'>): boolean {
  return lacks === '' && ability !== 'impaired' && ability !== 'no-live-server' && ability !== 'cannot-serve';
}

/** The timing that this node stands with now, for adverts of this interval. */
export function ownTiming(config: MachineConfig, state: MachineState, intervalUs = config.intervalUs): Timing {
  const { missedAdverts, version } = config;
  return { priority: effectivePriority(config, state), intervalUs, missedAdverts, version };
}

/** How long a silence of the owner must be, by the interval of its adverts and by how they come here. */
export function silenceUs(config: MachineConfig, state: MachineState): number {
  const timing = ownTiming(config, state, state.activeIntervalUs);
  return downUs({ ...timing, missedAdverts: patientAdverts(state.stream, config.missedAdverts) });
}

/** A node counts as unheard when its peer has heard none of its adverts for this long. */
export function unheardUs(config: Timing): number {
  return downUs(config) + config.intervalUs;
}

/** How long a planned release waits for the peer's first advert. */
export function handoverLimitUs(config: MachineConfig): number {
  return 3 * config.intervalUs + 50_000;
}

/** How long the kernel keeps an address after the last renewal. */
export function leaseUs(config: Timing): number {
  return leaseSeconds(config) * secondUs;
}

/**
 * How often the lease is renewed: with each advert, because a restarted agent reads from it when its predecessor was heard
 * last; eight times in a lease where adverts are faster. Half an interval less, so that a late advert delays none.
 */
export function leaseRenewUs(config: Timing): number {
  const wantedUs = Math.max(config.intervalUs, Math.floor(leaseUs(config) / 8));
  return wantedUs - Math.floor(config.intervalUs / 2);
}

/**
 * After an advert a restarted agent may go on as master this long: the peer takes over after the missed adverts and its skew,
 * so the next one is there half an interval before.
 */
export function warmRestartUs(config: MachineConfig): number {
  return Math.floor((config.missedAdverts - 0.5) * config.intervalUs);
}
