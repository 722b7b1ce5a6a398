// Reload without loss: a second proxy child starts with the new configuration on the same listening sockets;
// when it accepts, the old one takes no more connections and ends what it has. A configuration that does not
// start never replaces the one that runs.
import { diffConfigs, type PairConfig } from '@tospann/config';
import { monotonicMs } from '@tospann/linux';
import type { Child } from './child.ts';
import type { Supervisor } from './supervisor.ts';

/** How long a new proxy child may take until it accepts, ms. */
const READY_LIMIT_MS = 20_000;
/** How long old connections may last after a reload, ms: HAProxy's hard-stop-after, ten minutes. */
const OLD_CONNECTIONS_LIMIT_MS = 600_000;

/** Swaps the proxy child. Returns false, with one line in the log that says why, when the old one stays. */
export async function reloadProxy(supervisor: Supervisor, next: PairConfig): Promise<boolean> {
  const { log } = supervisor;
  const changed = diffConfigs(supervisor.config, next);
  const fixed = changed.filter((part) => part === 'vips' || part === 'cluster');
  if (fixed.length > 0) {
    const message = `Cannot reload the configuration: ${fixed.join(' and ')} changed, which needs a restart of the node`;
    const hint = 'Run "tospann failover" where the address is, then restart this node; then the other one.';
    log.error({ event: 'reload-refused', code: 'LB_RELOAD_NEEDS_RESTART', hint }, message);
    return false;
  }
  supervisor.listeners.open(next);
  const candidate = supervisor.slots.proxy.spawn(next);
  if (!(await isReady(candidate))) {
    candidate.kill('SIGKILL');
    supervisor.listeners.closeUnused(supervisor.config);
    log.error(
      { event: 'reload-failed', code: 'LB_RELOAD_FAILED' },
      'Cannot reload the configuration: the new proxy did not start; the old one serves on',
    );
    return false;
  }
  const before = supervisor.slots.proxy.adopt(candidate);
  if (before !== undefined) void retire(before);
  return true;
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
