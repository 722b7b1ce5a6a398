// The vrrp child: the failover agent of this node, and the watch over the kernel's limits. able.ts tells the agent whether this node can serve; the agent's worker
// thread owns sockets, timers and addresses.
import { getPriority, setPriority } from 'node:os';
import { loadClusterKey } from '@tospann/api';
import type { PairConfig } from '@tospann/config';
import { startVrrp, type VrrpService } from '@tospann/vrrp';
import { startWorker } from '../assets.ts';
import { abilityEvent, refusedMoveEvent } from '../core/event-texts.ts';
import type { FailoverAnswer, MoveMessage, StartMessage } from '../ipc.ts';
import { type Logger, makeLog } from '../log.ts';
import { version } from '../version.ts';
import { Able } from './able.ts';
import { fail, openChannel, tell } from './channel.ts';
import { LimitsWatch } from './limits-watch.ts';
import { AgentEvents } from './vrrp-events.ts';

/** How often the state goes to the supervisor without a change, ms. */
const SNAPSHOT_INTERVAL_MS = 500;

export function runVrrpChild(): void {
  let agent: Agent | undefined;
  openChannel({
    message: (message) => {
      if (message.type === 'start') start(message).then((started) => (agent = started), fail);
      if (message.type === 'new-config') follow(agent, message.config);
      if (message.type === 'event') agent?.events.take(message.event);
      if (message.type === 'full-frontends') agent?.able?.noteFull(message.frontends);
      if (message.type === 'failover') void move(agent, message);
      if (message.type === 'stop') void stop(agent);
    },
    orphaned: () => void release(agent),
  });
}

function follow(agent: Agent | undefined, config: PairConfig): void {
  agent?.limits.configure(config);
  agent?.events.configure(config);
  agent?.able?.configure(config);
  agent?.service?.setConfigHash(config.hash);
}

interface Agent {
  readonly node: string;
  readonly events: AgentEvents;
  readonly limits: LimitsWatch;
  /** Absent on a node without virtual addresses, which only watches. */
  readonly service?: VrrpService;
  readonly able?: Able;
}

async function start(message: StartMessage): Promise<Agent> {
  const log = makeLog(message.node, 'vrrp');
  const events = new AgentEvents(message, log);
  const election = message.config.vips.length === 0 ? undefined : await startElection(message, log, events);
  const limits = new LimitsWatch(message.node, events, (sentence) => election?.able.noteLimits(sentence));
  limits.configure(message.config);
  endHurry();
  tell({ type: 'ready' });
  return { node: message.node, events, limits, ...election };
}

/** The hurry of the start (supervisor/child.ts) is over: hooks and scripts that are started from here must not have it. */
function endHurry(): void {
  try {
    setPriority(getPriority(process.ppid));
  } catch {
    // Where priorities may not be touched, there was no hurry.
  }
}

/** The failover agent and what it needs to know of this node. */
async function startElection(
  message: StartMessage,
  log: Logger,
  events: AgentEvents,
): Promise<Required<Pick<Agent, 'service' | 'able'>>> {
  const push = (): void => tell({ type: 'vrrp-snapshot', snapshot: service.snapshot(), able: able.state });
  // The addresses of an election change together, each with an event of its own: one picture for all of them.
  let isPushPlanned = false;
  const pushSoon = (): void => {
    if (isPushPlanned) return;
    isPushPlanned = true;
    setImmediate(() => {
      isPushPlanned = false;
      push();
    });
  };
  const able = new Able({
    start: message,
    log,
    changed: pushSoon,
    onEvent: (event) => {
      log.info(event, 'What this node is able to do changed');
      events.tell(abilityEvent(event, message.node));
    },
  });
  const withoutKey = (error: unknown): void =>
    log.error({ event: 'cluster-key', err: error }, 'Without the cluster key there is no peer link');
  const service = startVrrp({
    config: message.config,
    node: message.node,
    startWorker,
    stateDir: message.stateDir,
    peerLink: { clusterKey: loadClusterKey(message.stateDir, withoutKey), version },
    onEvent: (event) => {
      tell({ type: 'vrrp-state', vip: event.vip, state: event.to });
      log.info(event, 'The state of the virtual address changed');
      events.state(event, able.isOut);
      able.onState(event);
      pushSoon();
    },
    log: (line) => {
      able.onLogLine(line);
      const { msg, ...fields } = line;
      log.info(fields, msg);
      events.line(line);
    },
    onFatal: fail,
  });
  await service.ready;
  able.begin(service);
  setInterval(push, SNAPSHOT_INTERVAL_MS);
  return { service, able };
}

async function move(agent: Agent | undefined, { id, maintenance }: MoveMessage): Promise<void> {
  const starting: FailoverAnswer = {
    outcome: 'refused',
    code: 'LB_INTERNAL',
    message: 'the failover agent is still starting',
    hint: 'Try again in some seconds.',
  };
  const able = agent?.able;
  const answer = (await (maintenance === undefined ? able?.failover() : able?.maintain(maintenance))) ?? starting;
  // Of one that is done the admin child tells, with the first answer of the other node.
  if (answer.outcome === 'refused') agent?.events.tell(refusedMoveEvent(answer, agent.node));
  tell({ type: 'failover-answer', id, answer });
}

/** A planned end: the address stays answered until the other node has it. */
async function stop(agent: Agent | undefined): Promise<void> {
  await agent?.service?.stop();
  await agent?.events.close();
  process.exit(0);
}

/** The supervisor is dead: nothing here serves any more, so the address goes at once. */
async function release(agent: Agent | undefined): Promise<void> {
  await agent?.service?.close();
  await agent?.events.close();
  process.exit(0);
}
