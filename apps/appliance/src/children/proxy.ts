// The proxy child: the data plane of this node. It takes the supervisor's listening sockets, starts the workers,
// drops to an unprivileged user, and tells the supervisor what it counts. A new configuration is put in place while it
// serves; sockets that it needs for that come over the descriptor channel.
import type { PairConfig } from '@tospann/config';
import { isTospannError } from '@tospann/errors';
import { closeFd, dropPrivileges, monotonicMs, receiveFd } from '@tospann/linux';
import { type ProxyListener, type ProxyService, type ServerOrder, startProxy } from '@tospann/proxy';
import { startWorker } from '../assets.ts';
import { serverEvent } from '../core/event-texts.ts';
import { usersFor } from '../core/users.ts';
import type { FromChild, ListenerName, ReloadAnswer, ReloadMessage, StartMessage } from '../ipc.ts';
import { makeLog } from '../log.ts';
import { FIRST_INHERITED_FD } from '../supervisor/child.ts';
import { keyOf } from '../supervisor/listeners.ts';
import { confine, fail, openChannel, tell } from './channel.ts';

/** How often counters go to the supervisor, ms. */
const SNAPSHOT_INTERVAL_MS = 500;
/** How long connections may last after an upgrade, ms: as after a reload by a new process. */
const RETIRED_LIMIT_MS = 600_000;

export function runProxyChild(): void {
  let running: Running | undefined;
  openChannel({
    message: (message) => {
      if (message.type === 'start') start(message).then((started) => (running = started), fail);
      if (message.type === 'reopen-logs') running?.service.reopenLogs();
      if (message.type === 'standby') running?.service.setStandby(message.on);
      if (message.type === 'reload') void reload(running, message);
      if (message.type === 'server-order') tell(serverAnswer(running?.service, message));
      if (message.type === 'drain') void drain(running?.service, message.limitMs);
    },
    orphaned: () => process.exit(0),
    retire: () => void drain(running?.service, RETIRED_LIMIT_MS),
  });
}

interface Running {
  readonly service: ProxyService;
  /** Descriptors of this process by what they are bound to. */
  readonly sockets: Map<string, number>;
}

async function start(message: StartMessage): Promise<Running> {
  const log = makeLog(message.node, 'proxy');
  const sockets = new Map(message.listeners.map((listener) => [keyOf(listener), listener.fd]));
  const service = startProxy({
    config: message.config,
    listeners: message.listeners.map(({ frontend, fd }) => ({ frontend, fd })),
    startWorker,
    orders: message.orders,
    addresses: message.addresses,
    onEvent: (event) => {
      log.info(event, `Server ${event.backend}/${event.server} is ${event.to}: ${event.reason}`);
      tell({ type: 'event', event: serverEvent(event, { timeMs: Date.now(), monotonicMs: monotonicMs() }) });
    },
    log: ({ msg, ...fields }) => log.error(fields, msg),
    // A worker that died leaves nothing that could be trusted: the supervisor starts a fresh process.
    onFatal: fail,
  });
  await service.ready;
  const user = dropPrivileges(usersFor(message.config.proxy.user)).name;
  confine(log);
  log.info(
    { event: 'proxy-ready', engine: service.snapshot().engine, reason: service.snapshot().engineReason, user },
    'The proxy accepts',
  );
  setInterval(() => tell({ type: 'proxy-snapshot', snapshot: service.snapshot() }), SNAPSHOT_INTERVAL_MS);
  tell({ type: 'proxy-snapshot', snapshot: service.snapshot() });
  tell({ type: 'ready' });
  return { service, sockets };
}

async function reload(running: Running | undefined, message: ReloadMessage): Promise<void> {
  const answer = await tryReload(running, message);
  tell({ type: 'reload-answer', id: message.id, answer });
  if (answer.outcome === 'swapped') tell({ type: 'proxy-snapshot', snapshot: running!.service.snapshot() });
}

async function tryReload(running: Running | undefined, message: ReloadMessage): Promise<ReloadAnswer> {
  if (running === undefined) return { outcome: 'needs-process', reason: 'the proxy is still starting' };
  const { service, sockets } = running;
  const before = new Set(sockets.keys());
  try {
    // Sent in this order by the supervisor before its message.
    for (const socket of message.sent) sockets.set(keyOf(socket), receiveFd(FIRST_INHERITED_FD));
    const answer = await service.reload({
      config: message.config,
      listeners: listenersFor(message.config, message.listeners, sockets),
    });
    const kept = answer.outcome === 'swapped' ? new Set(message.listeners.map(keyOf)) : before;
    closeOthers(sockets, kept);
    return answer;
  } catch (error) {
    closeOthers(sockets, before);
    const known = isTospannError(error) && error.code === 'LB_OPERATION_RELOAD_REFUSED';
    const detail = known ? String(error.params['detail']) : String(error);
    return { outcome: 'refused', detail };
  }
}

function listenersFor(
  config: PairConfig,
  names: readonly ListenerName[],
  sockets: ReadonlyMap<string, number>,
): ProxyListener[] {
  const frontends = new Set(config.frontends.map(({ name }) => name));
  return names.flatMap((listener) => {
    const fd = sockets.get(keyOf(listener));
    return fd === undefined || !frontends.has(listener.frontend) ? [] : [{ frontend: listener.frontend, fd }];
  });
}

function closeOthers(sockets: Map<string, number>, kept: ReadonlySet<string>): void {
  for (const [key, fd] of sockets) {
    if (kept.has(key)) continue;
    closeFd(fd);
    sockets.delete(key);
  }
}

/** Does what an operator wants of a server; the figures that show it go with the answer. */
function serverAnswer(
  service: ProxyService | undefined,
  { id, order }: { readonly id: number; readonly order: ServerOrder },
): FromChild {
  if (service === undefined) return { type: 'server-answer', id, answer: { outcome: 'no-proxy' } };
  if (!service.order(order)) return { type: 'server-answer', id, answer: { outcome: 'unknown-server' } };
  const snapshot = service.snapshot();
  tell({ type: 'proxy-snapshot', snapshot });
  const { backend, server } = order;
  const servers = snapshot.backends.find(({ name }) => name === backend)?.servers ?? [];
  const found = servers.find(({ name }) => name === server);
  if (found === undefined) return { type: 'server-answer', id, answer: { outcome: 'unknown-server' } };
  const { status, admin, weight, effectiveWeight, currentSessions } = found;
  const report = { backend, server, status, admin, weight, effectiveWeight, currentSessions };
  return { type: 'server-answer', id, answer: { outcome: 'done', report } };
}

async function drain(service: ProxyService | undefined, limitMs: number): Promise<void> {
  await service?.drain(limitMs);
  await service?.close();
  process.exit(0);
}
