// The vrrp child: the failover agent of this node. It probes the own listeners with real requests and tells the
// agent whether this node can serve; the agent's worker thread owns sockets, timers and addresses.
import { startSelfProbe, startVrrp, type VrrpService } from '@tospann/vrrp';
import { startWorker } from '../assets.ts';
import { probesOf } from '../core/probes.ts';
import type { FailoverAnswer, StartMessage } from '../ipc.ts';
import { makeLog } from '../log.ts';
import { fail, openChannel, tell } from './channel.ts';
import { isTospannError } from '@tospann/errors';

/** How often the state goes to the supervisor without a change, ms. */
const SNAPSHOT_INTERVAL_MS = 500;

export function runVrrpChild(): void {
  let service: VrrpService | undefined;
  openChannel({
    message: (message) => {
      if (message.type === 'start') start(message).then((started) => (service = started), fail);
      if (message.type === 'failover') void failover(service, message.id);
      if (message.type === 'stop') void stop(service);
    },
    orphaned: () => void release(service),
  });
}

async function start(message: StartMessage): Promise<VrrpService> {
  const log = makeLog(message.node, 'vrrp');
  const service = startVrrp({
    config: message.config,
    node: message.node,
    startWorker,
    onEvent: (event) => {
      log.info(event, 'The state of the virtual address changed');
      tell({ type: 'vrrp-snapshot', snapshot: service.snapshot() });
    },
    log: (line) => log.info(line, line.msg),
    onFatal: fail,
  });
  await service.ready;
  startSelfProbe({
    probes: probesOf(message.config),
    onChange: (canServe, reason) => {
      log.info({ event: 'can-serve', canServe, reason }, 'What this node can serve changed');
      service.setCanServe(canServe, reason);
    },
  });
  setInterval(() => tell({ type: 'vrrp-snapshot', snapshot: service.snapshot() }), SNAPSHOT_INTERVAL_MS);
  tell({ type: 'ready' });
  return service;
}

async function failover(service: VrrpService | undefined, id: number): Promise<void> {
  tell({ type: 'failover-answer', id, answer: await tryFailover(service) });
}

async function tryFailover(service: VrrpService | undefined): Promise<FailoverAnswer> {
  try {
    if (service === undefined) throw new Error('the failover agent is still starting');
    const { durationMs, detail } = await service.failover();
    return { outcome: 'done', durationMs, detail };
  } catch (error) {
    const known = isTospannError(error);
    return {
      outcome: 'refused',
      code: known ? error.code : 'LB_INTERNAL',
      message: error instanceof Error ? error.message : String(error),
      hint: known ? error.hint : 'Try again; if it stays, look at the log of this node',
    };
  }
}

/** A planned end: the address stays answered until the other node has it. */
async function stop(service: VrrpService | undefined): Promise<void> {
  await service?.stop();
  process.exit(0);
}

/** The supervisor is dead: nothing here serves any more, so the address goes at once. */
async function release(service: VrrpService | undefined): Promise<void> {
  await service?.close();
  process.exit(0);
}
