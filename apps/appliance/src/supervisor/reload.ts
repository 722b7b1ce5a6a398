// Reload without loss: a second proxy child starts with the new configuration on the same listening sockets;
// when it accepts, the old one takes no more connections and ends what it has. A configuration that does not
// start never replaces the one that runs.
import type { ConfigPart, PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import type { Child } from './child.ts';
import type { Supervisor } from './supervisor.ts';

/** How long a new proxy child may take until it accepts, ms. */
const READY_LIMIT_MS = 20_000;
/** How long old connections may last after a reload, ms: HAProxy's hard-stop-after, ten minutes. */
const OLD_CONNECTIONS_LIMIT_MS = 600_000;

/**
 * Swaps the proxy child.
 *
 * @throws {TospannError} LB_OPERATION_RELOAD_NEEDS_RESTART, LB_OPERATION_RELOAD_FAILED, and those of a listener that
 * cannot be opened; then nothing has changed.
 */
export async function reloadProxy(
  supervisor: Supervisor,
  { next, changed }: { readonly next: PairConfig; readonly changed: readonly ConfigPart[] },
): Promise<void> {
  const fixed = changed.filter((part) => part === 'vips' || part === 'cluster');
  if (fixed.length > 0) {
    throw new TospannError('LB_OPERATION_RELOAD_NEEDS_RESTART', { parts: fixed.join(' and ') });
  }
  supervisor.listeners.open(next);
  const candidate = supervisor.slots.proxy.spawn(next);
  if (!(await isReady(candidate))) {
    candidate.kill('SIGKILL');
    supervisor.listeners.closeUnused(supervisor.config);
    throw new TospannError('LB_OPERATION_RELOAD_FAILED');
  }
  const before = supervisor.slots.proxy.adopt(candidate);
  if (before !== undefined) void retire(before);
}

async function isReady(child: Child): Promise<boolean> {
  const deadlineMs = monotonicMs() + READY_LIMIT_MS;
  while (!child.ready && !child.gone && monotonicMs() < deadlineMs) await child.ended(10);
  return child.ready && !child.gone;
}

async function retire(child: Child): Promise<void> {
  child.draining = true;
  child.send({ type: 'drain', limitMs: OLD_CONNECTIONS_LIMIT_MS });
  if (!(await child.ended(OLD_CONNECTIONS_LIMIT_MS + 5000))) child.kill('SIGKILL');
}
