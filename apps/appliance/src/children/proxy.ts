// The proxy child: the data plane of this node. It takes the supervisor's listening sockets, starts the workers,
// drops to an unprivileged user, and tells the supervisor what it counts.
import { dropPrivileges } from '@tospann/linux';
import { type ProxyService, startProxy } from '@tospann/proxy';
import { startWorker } from '../assets.ts';
import { usersFor } from '../core/users.ts';
import type { StartMessage } from '../ipc.ts';
import { makeLog } from '../log.ts';
import { fail, openChannel, tell } from './channel.ts';

/** How often counters go to the supervisor, ms. */
const SNAPSHOT_INTERVAL_MS = 500;

export function runProxyChild(): void {
  let service: ProxyService | undefined;
  openChannel({
    message: (message) => {
      if (message.type === 'start') start(message).then((started) => (service = started), fail);
      if (message.type === 'reopen-logs') service?.reopenLogs();
      if (message.type === 'standby') service?.setStandby(message.on);
      if (message.type === 'drain') void drain(service, message.limitMs);
    },
    orphaned: () => process.exit(0),
  });
}

async function start(message: StartMessage): Promise<ProxyService> {
  const log = makeLog(message.node, 'proxy');
  const service = startProxy({
    config: message.config,
    listeners: message.listeners.map(({ frontend, address, port, fd }) => ({ frontend, bind: { address, port }, fd })),
    startWorker,
    onEvent: (event) => {
      log.info(event, `Server ${event.backend}/${event.server} is ${event.to}: ${event.reason}`);
    },
    log: (line) => log.error(line, line.msg),
    // A worker that died leaves nothing that could be trusted: the supervisor starts a fresh process.
    onFatal: fail,
  });
  await service.ready;
  const user = dropPrivileges(usersFor(message.config.proxy.user)).name;
  log.info(
    { event: 'proxy-ready', engine: service.snapshot().engine, reason: service.snapshot().engineReason, user },
    'The proxy accepts',
  );
  setInterval(() => tell({ type: 'proxy-snapshot', snapshot: service.snapshot() }), SNAPSHOT_INTERVAL_MS);
  tell({ type: 'proxy-snapshot', snapshot: service.snapshot() });
  tell({ type: 'ready' });
  return service;
}

async function drain(service: ProxyService | undefined, limitMs: number): Promise<void> {
  await service?.drain(limitMs);
  await service?.close();
  process.exit(0);
}
