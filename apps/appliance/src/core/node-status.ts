// From what the supervisor knows of this node to what the API says of it: pure. The only place where the words
// of the data plane and of the failover agent meet those of the API.
import type { ChildStatus, NodeStatus, VrrpStatus } from '@tospann/api';
import type { VrrpSnapshot } from '@tospann/vrrp';
import { LOOK_MS, SILENT_AFTER } from './silence.ts';
import type { AbleState, ChildInfo, NodeState } from '../ipc.ts';

/** As long as a child may say nothing; pictures come ten times a second, and are passed on twice a second. */
const silentAfterMs = SILENT_AFTER * LOOK_MS + 1000;

export interface NodeFacts {
  readonly node: string;
  readonly cluster: string;
  readonly version: string;
  readonly timeMs: number;
  readonly monotonicMs: number;
  /** All nodes of the configuration. */
  readonly nodes: readonly string[];
  /** Other nodes that admin.bind names no address of: nobody asks how they are. */
  readonly unasked: readonly string[];
}

/** What this node says about itself; `state` may be half a second old. */
export function toNodeStatus(state: NodeState, facts: NodeFacts): NodeStatus {
  return {
    node: facts.node,
    cluster: facts.cluster,
    version: facts.version,
    configHash: state.configHash,
    nodes: facts.nodes,
    ...fileStatus(state),
    uptimeMs: Math.max(0, facts.monotonicMs - state.startedMs),
    timeMs: facts.timeMs,
    monotonicMs: facts.monotonicMs,
    children: state.children.map((child) =>
      toChildStatus(child.role === 'vrrp' && isLoopSilent(state, facts) ? { ...child, state: 'silent' } : child),
    ),
    ...(state.proxy === undefined || !isRunning(state, 'proxy') ? {} : { proxy: state.proxy }),
    ...(state.vrrp === undefined || !isRunning(state, 'vrrp') || isLoopSilent(state, facts)
      ? {}
      : { vrrp: { ...vrrpStatus(state.vrrp, state.able), ageMs: ageOf(state.vrrp, facts), movers: state.movers } }),
    // Without the watch the API has figures of its own; old ones must not stand in their place.
    ...(state.limits === undefined || !isRunning(state, 'vrrp') ? {} : { host: state.limits }),
    notices: notices(state, facts),
  };
}

/** Of a node whose supervisor does not answer nothing is known any more: old figures must not stand in its place. */
export function unknownState(last: NodeState): NodeState {
  const { startedMs, configHash, children } = last;
  return {
    startedMs,
    configHash,
    children: children.map((child) => ({ ...child, state: 'silent' as const })),
    supervisorIsSilent: true,
  };
}

/** The loop's thread may hang though its process says that it lives: what it said before is not how things are. */
function isLoopSilent({ vrrp }: NodeState, facts: NodeFacts): boolean {
  return vrrp !== undefined && vrrp.takenMs > 0 && ageOf(vrrp, facts) > silentAfterMs;
}

function ageOf({ takenMs }: VrrpSnapshot, { monotonicMs }: NodeFacts): number {
  return Math.max(0, monotonicMs - takenMs);
}

/** What the supervisor has found in the configuration file beside what runs. */
function fileStatus({
  configuration,
}: NodeState & Pick<NodeStatus, 'configuration'>): Pick<NodeStatus, 'configuration'> {
  if (configuration === undefined) return {};
  const { differs, broken, since } = configuration;
  return { configuration: { differs, broken, since } };
}

/** The election and what decides whether this node may take part in it. */
function vrrpStatus(vrrp: VrrpSnapshot, able: AbleState | undefined): VrrpStatus {
  if (able === undefined) return vrrp;
  const { ability, reason: abilityReason, conditions, maintenance, notPromised, firstAnswersMs } = able;
  const vips = vrrp.vips.map((vip) => {
    const firstAnswerMs = firstAnswersMs[vip.name];
    return firstAnswerMs === undefined || vip.state !== 'master' ? vip : { ...vip, firstAnswerMs };
  });
  const held = maintenance === undefined ? {} : { maintenance };
  return { ...vrrp, vips, ability, abilityReason, conditions, notPromised, ...held };
}

function isRunning(state: NodeState, role: ChildInfo['role']): boolean {
  return state.children.some((child) => child.role === role && child.state === 'running');
}

function toChildStatus(child: ChildInfo): ChildStatus {
  const states = {
    starting: 'starting',
    running: 'ready',
    draining: 'draining',
    waiting: 'down',
    silent: 'down',
  } as const;
  return {
    name: child.role,
    state: states[child.state],
    pid: Math.max(0, child.pid),
    restartsTotal: child.restartsTotal,
    sinceMs: child.sinceMs,
    detail: childDetail(child),
  };
}

function childDetail({ state, lastExit }: ChildInfo): string {
  if (state === 'silent') return 'it does not answer';
  return lastExit === '' ? '' : `last end: ${lastExit}`;
}

function notices(state: NodeState, { unasked }: NodeFacts): readonly string[] {
  const found: string[] = [];
  if (state.supervisorIsSilent === true)
    found.push('The supervisor of this node does not answer: what its processes do is not known');
  const { configuration } = state;
  if (configuration !== undefined && configuration.broken !== '')
    found.push(
      `The configuration file is broken since ${configuration.since}; this node runs what served before: ${configuration.broken}`,
    );
  else if (configuration?.differs === true)
    found.push(`The configuration file is not what runs, since ${configuration.since}: "tospann reload" takes it`);
  for (const name of unasked) {
    found.push(`Nothing is known of ${name}: admin.bind names no address of it, and planned moves need --force`);
  }
  if (state.proxy?.engine === 'node')
    found.push(`The data plane runs on node:net, not on io_uring: ${state.proxy.engineReason}`);
  const { maintenance } = state.able ?? {};
  if (maintenance !== undefined) {
    const since = maintenance.since === '' ? '' : ` since ${maintenance.since}`;
    found.push(`In maintenance${since}${maintenance.reason === '' ? '' : `: ${maintenance.reason}`}`);
  }
  if (state.vrrp !== undefined && state.vrrp.freezesTotal > 0)
    found.push(`This machine was stopped by its host ${state.vrrp.freezesTotal} times`);
  return found;
}
