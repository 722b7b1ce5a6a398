// An address of an earlier life of this agent that is too old to go on with as master. It is not removed at once: the
// other node takes over when its down timer ends, and until it has done so nobody else would answer. So it stays, silently and
// without a renewal of its lease, until the other node is heard. Not the warm restart (machine-actions.ts). Pure.
import type { MachineConfig, MachineState } from './state.ts';
import { downUs } from './timers.ts';

/**
 * How long after the last advert such an address may stay, µs: the other node takes over after a down interval, and its
 * first advert may come late.
 */
export function lingerUs(config: MachineConfig): number {
  return downUs(config) + config.intervalUs;
}

/** Whether it goes on staying: nobody else was heard as the owner, and this node is on its way into the election. */
export function mayLinger(state: MachineState): boolean {
  const taken = state.peer !== undefined && state.peer.priority > 0;
  return !taken && !state.stopped && !state.maintenance && (state.vrrp === 'init' || state.vrrp === 'backup');
}
