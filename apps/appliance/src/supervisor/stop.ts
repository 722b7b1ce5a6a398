// The order in which a node ends, so that nothing under way is lost: first the address goes to the other node
// (make before break), then the proxy ends what it has begun, last the admin child, which can tell about it.
import type { PairConfig } from '@tospann/config';
import type { Role, ToChild } from '../ipc.ts';
import type { Slot } from './slot.ts';

/** How long connections may last after the address has gone, ms; below systemd's TimeoutStopSec=35. docs/architecture.md names it. */
export const DRAIN_LIMIT_MS = 25_000;
const ADMIN_LIMIT_MS = 2000;

/** Ends the children in order; each one that overstays its limit is killed. */
export async function stopChildren(slots: Readonly<Record<Role, Slot>>, config: PairConfig): Promise<void> {
  const longestAdvertMs = Math.max(0, ...config.vips.map((vip) => vip.advertIntervalMs));
  await end(slots.vrrp, { type: 'stop' }, 3 * longestAdvertMs + 3000);
  await end(slots.proxy, { type: 'drain', limitMs: DRAIN_LIMIT_MS }, DRAIN_LIMIT_MS + 3000);
  await end(slots.admin, { type: 'stop' }, ADMIN_LIMIT_MS);
}

async function end(slot: Slot, how: ToChild, limitMs: number): Promise<void> {
  const child = slot.child;
  if (child === undefined) return;
  child.draining = true;
  child.send(how);
  if (await child.ended(limitMs)) return;
  child.kill('SIGKILL');
  await child.ended(1000);
}
