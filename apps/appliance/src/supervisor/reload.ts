// Reload without loss: the running proxy child puts the new configuration in the old one's place, between two turns of
// its loops; connections, counters and health of what stays go on. What only another process can take (threads, engine,
// user) starts one on the same listening sockets; when it accepts, the old one takes no more connections and ends what
// it has. A configuration that cannot be served never replaces the one that runs.
import { RESTART_PARTS, type ConfigPart, type PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import type { ReloadAnswer } from '../ipc.ts';
import type { Child } from './child.ts';
import { keyOf, type OpenListener } from './listeners.ts';
import type { Supervisor } from './supervisor.ts';

/** How long a new proxy child may take until it accepts, ms. */
const READY_LIMIT_MS = 20_000;
/** How long the running child may take for a new configuration, ms: above what it grants its workers. */
const SWAP_LIMIT_MS = 25_000;
/** How long old connections may last after a reload, ms: HAProxy's hard-stop-after, ten minutes. */
const OLD_CONNECTIONS_LIMIT_MS = 600_000;
/** A bind that is gone is accepted on for so long beside the new ones, ms: its backlog is empty then. */
const OLD_BINDS_MS = 1000;

/**
 * Brings the new configuration to the data plane.
 *
 * @returns How it was done, in words for the log.
 * @throws {TospannError} LB_OPERATION_RELOAD_NEEDS_RESTART, LB_OPERATION_RELOAD_REFUSED, LB_OPERATION_RELOAD_FAILED, and
 * those of a listener that cannot be opened; then nothing has changed.
 */
export async function reloadProxy(
  supervisor: Supervisor,
  { next, changed }: { readonly next: PairConfig; readonly changed: readonly ConfigPart[] },
): Promise<string> {
  const fixed = changed.filter((part) => RESTART_PARTS.includes(part));
  if (fixed.length > 0) {
    throw new TospannError('LB_OPERATION_RELOAD_NEEDS_RESTART', { parts: fixed.join(' and ') });
  }
  supervisor.listeners.open(next);
  try {
    const answer = await swap(supervisor, next);
    if (answer.outcome === 'refused') throw new TospannError('LB_OPERATION_RELOAD_REFUSED', { detail: answer.detail });
    if (answer.outcome === 'swapped') return 'in place';
    await replaceChild(supervisor, next);
    return `by a new proxy process: ${answer.reason}`;
  } catch (error) {
    supervisor.listeners.closeUnused(supervisor.config);
    throw error;
  }
}

/** Closes the binds that the configuration does not name, after those who came over them have been let in. */
export async function closeOldBinds(supervisor: Supervisor): Promise<void> {
  const { listeners, config } = supervisor;
  if (listeners.list().length === listeners.of(config).length) return;
  await new Promise((resolve) => setTimeout(resolve, OLD_BINDS_MS));
  const child = supervisor.slots.proxy.child;
  if (child !== undefined && listeners.list().some((listener) => child.sockets.has(keyOf(listener)))) {
    await tell(supervisor, { child, config, listeners: listeners.of(config) });
  }
  listeners.closeUnused(config);
}

async function swap(supervisor: Supervisor, next: PairConfig): Promise<ReloadAnswer> {
  const child = supervisor.slots.proxy.child;
  // One that is just starting is no reason for another one beside it.
  if (child === undefined || child.draining || !(await isReady(child))) {
    return { outcome: 'needs-process', reason: 'no proxy process is ready' };
  }
  const wanted = supervisor.listeners.of(next);
  const wantedKeys = new Set(wanted.map(keyOf));
  const frontends = new Set(next.frontends.map(({ name }) => name));
  // Those of a frontend that is still there go on for a moment, see closeOldBinds.
  const old = supervisor.listeners
    .list()
    .filter((listener) => !wantedKeys.has(keyOf(listener)) && frontends.has(listener.frontend));
  return await tell(supervisor, { child, config: next, listeners: [...wanted, ...old] });
}

interface Telling {
  readonly child: Child;
  readonly config: PairConfig;
  readonly listeners: readonly OpenListener[];
}

async function tell(supervisor: Supervisor, { child, config, listeners }: Telling): Promise<ReloadAnswer> {
  const sent = listeners.filter((listener) => !child.sockets.has(keyOf(listener)));
  try {
    for (const { fd } of sent) child.pass(fd);
  } catch (error) {
    return { outcome: 'needs-process', reason: `sockets cannot be passed to it: ${String(error)}` };
  }
  const names = (list: readonly OpenListener[]): Omit<OpenListener, 'fd'>[] =>
    list.map(({ frontend, address, port }) => ({ frontend, address, port }));
  const answer = await supervisor.askProxy(
    child,
    { config, listeners: names(listeners), sent: names(sent) },
    SWAP_LIMIT_MS,
  );
  if (answer.outcome === 'swapped') {
    child.sockets.clear();
    for (const listener of listeners) child.sockets.add(keyOf(listener));
  }
  return answer;
}

async function replaceChild(supervisor: Supervisor, next: PairConfig): Promise<void> {
  const candidate = supervisor.slots.proxy.spawn(next);
  if (!(await isReady(candidate))) {
    candidate.kill('SIGKILL');
    throw new TospannError('LB_OPERATION_RELOAD_FAILED');
  }
  const before = supervisor.slots.proxy.adopt(candidate);
  if (before !== undefined) void retire(supervisor, before);
}

async function isReady(child: Child): Promise<boolean> {
  const deadlineMs = monotonicMs() + READY_LIMIT_MS;
  while (!child.ready && !child.gone && monotonicMs() < deadlineMs) await child.ended(10);
  return child.ready && !child.gone;
}

async function retire(supervisor: Supervisor, child: Child): Promise<void> {
  child.draining = true;
  supervisor.retiring.add(child);
  child.send({ type: 'drain', limitMs: OLD_CONNECTIONS_LIMIT_MS });
  if (!(await child.ended(OLD_CONNECTIONS_LIMIT_MS + 5000))) child.kill('SIGKILL');
  supervisor.retiring.delete(child);
}
