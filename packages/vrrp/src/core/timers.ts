// The intervals of the election, exact in µs: divided last, so that nothing is rounded away at 10 ms. RFC 9568
// section 6.1. Pure.
import type { MachineConfig, MachineState } from './state.ts';

/** The priority of a node that answers but has no live server: it wins only over nobody. */
export const lastResortPriority = 1;

/** The kernel counts leases in whole seconds. */
const secondUs = 1_000_000;
const leastLeaseSeconds = 2;

/** The priority that this node stands with now. */
export function effectivePriority(config: MachineConfig, state: MachineState): number {
  return state.ability === 'no-live-server' ? lastResortPriority : config.priority;
}

/** Skew_Time: (256 - priority) * interval / 256, rounded up to a µs. */
export function skewUs(priority: number, intervalUs: number): number {
  return Math.ceil(((256 - priority) * intervalUs) / 256);
}

/** Active_Down_Interval: three adverts and the skew. */
export function downUs(priority: number, intervalUs: number): number {
  return 3 * intervalUs + skewUs(priority, intervalUs);
}

/** Seconds for which the kernel keeps the address without renewal: at least 2, at least two down intervals. */
export function leaseSeconds(config: MachineConfig): number {
  return Math.ceil(Math.max(leastLeaseSeconds * secondUs, 2 * downUs(config.priority, config.intervalUs)) / secondUs);
}

/** How long a planned release waits for the peer's first advert. */
export function handoverLimitUs(config: MachineConfig): number {
  return 3 * config.intervalUs + 50_000;
}

/** Delay of a preferred node before it takes the address back: three down intervals. */
export function defaultPreemptDelayUs(priority: number, intervalUs: number): number {
  return 3 * downUs(priority, intervalUs);
}

/**
 * How often the lease is renewed: well before it ends, and for slow adverts with each of them, because a restarted agent
 * reads from the lease when its predecessor was heard last.
 */
export function leaseRenewUs(config: MachineConfig): number {
  return Math.min(Math.floor((leaseSeconds(config) * secondUs) / 3), Math.max(config.intervalUs, secondUs));
}

/** After an advert a restarted agent may go on as master this long: the peer takes over no sooner than twice that. */
export function warmRestartUs(config: MachineConfig): number {
  return Math.floor(downUs(config.priority, config.intervalUs) / 2);
}
