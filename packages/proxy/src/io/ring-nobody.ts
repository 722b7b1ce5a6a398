// The events of a ring that has no engine yet. No state.
import type { TransportEvents } from '../core/transport.ts';

/** Before `attach`: nothing can happen yet, so any event is a broken invariant. */
export const NOBODY: TransportEvents = {
  accepted: unattached,
  connected: unattached,
  received: unattached,
  ended: unattached,
  failed: unattached,
  sent: unattached,
  relayed: unattached,
  closed: unattached,
  tick: unattached,
  again: unattached,
  woken: unattached,
};

function unattached(): never {
  throw new Error('the ring transport runs without an engine');
}
