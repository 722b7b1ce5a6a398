// The vrrp child: the failover agent of this node. It probes the own listeners with real requests and tells the
// agent whether this node can serve; the agent's worker thread owns sockets, timers and addresses.
import type { PairConfig } from '@tospann/config';
import { isTospannError } from '@tospann/errors';
import { type SelfProbe, startSelfProbe, startVrrp, type VrrpService } from '@tospann/vrrp';
import { startWorker } from '../assets.ts';
import { probesOf } from '../core/probes.ts';
import type { FailoverAnswer, StartMessage } from '../ipc.ts';
import { type Logger, makeLog } from '../log.ts';
import { fail, openChannel, tell } from './channel.ts';
import { AgentEvents } from './vrrp-events.ts';

/** How often the state goes to the supervisor without a change, ms. */
const SNAPSHOT_INTERVAL_MS = 500;

export function runVrrpChild(): void {
  let agent: Agent | undefined;
  openChannel({
    message: (message) => {
      if (message.type === 'start') start(message).then((started) => (agent = started), fail);
      if (message.type === 'new-config') agent?.probe(message.config);
      if (message.type === 'event') agent?.events.take(message.event);
      if (message.type === 'failover') void failover(agent?.service, message.id);
      if (message.type === 'stop') void stop(agent?.service);
    },
    orphaned: () => void release(agent?.service),
  });
}

interface Agent {
  readonly service: VrrpService;
  readonly events: AgentEvents;
  /** Probes the listeners of this configuration from now on. */
  probe(config: PairConfig): void;
}

async function start(message: StartMessage): Promise<Agent> {
  const log = makeLog(message.node, 'vrrp');
  const events = new AgentEvents(message, log);
  const service = startVrrp({
    config: message.config,
    node: message.node,
    startWorker,
    onEvent: (event) => {
      tell({ type: 'vrrp-state', vip: event.vip, state: event.to });
      log.info(event, 'The state of the virtual address changed');
      events.state(event);
      tell({ type: 'vrrp-snapshot', snapshot: service.snapshot() });
    },
    log: (line) => {
      log.info(line, line.msg);
      events.line(line);
    },
    onFatal: fail,
  });
  await service.ready;
  const agent = { service, events, probe: makeProbe(service, log) };
  agent.probe(message.config);
  setInterval(() => tell({ type: 'vrrp-snapshot', snapshot: service.snapshot() }), SNAPSHOT_INTERVAL_MS);
  tell({ type: 'ready' });
  return agent;
}

/** Probes as the configuration says until it is called again; the last verdict holds until the next probe's first. */
function makeProbe(service: VrrpService, log: Logger): (config: PairConfig) => void {
  let running: SelfProbe | undefined;
  return (config) => {
    running?.close();
    running = startSelfProbe({
      probes: probesOf(config),
      onChange: (canServe, reason) => {
        log.info({ event: 'can-serve', canServe, reason }, 'What this node can serve changed');
        service.setCanServe(canServe, reason);
      },
    });
  };
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
