// One seeded history: a pair drawn by lot, chaos on it, healing, then the checks on the healed network. Not the
// simulation itself (simulation.ts). Deterministic for a seed.
import type { Ability, MachineConfig } from '../src/core/state.ts';
import { defaultPreemptDelayUs, downUs } from '../src/core/timers.ts';
import { faults } from './simulation-faults.ts';
import { seededRandom } from './simulation-heap.ts';
import { Simulation, type SimulationOptions, type World } from './simulation.ts';
import { linkEvent, type SimulatedNode } from './simulation-node.ts';

const second = 1_000_000;

export interface HistoryResult {
  readonly violations: readonly string[];
  readonly transitions: number;
  readonly events: number;
  readonly log: readonly string[];
}

/** Plays one history and returns what was wrong with it. */
export function playHistory(seed: number, options: SimulationOptions = {}): HistoryResult {
  const choose = seededRandom(seed ^ 0x5bd1e995);
  const simulation = new Simulation(seed, drawWorld(choose), options);
  const { nodes } = simulation;
  const intervalUs = Math.max(...nodes.map(({ config }) => config.intervalUs));
  const longestUs = Math.max(...nodes.map(({ config }) => downUs(config)));
  const startUs = simulation.nowUs;
  for (const node of nodes) simulation.at(startUs + choose() * intervalUs, () => simulation.boot(node, 20_000));
  const fromUs = startUs + longestUs + 2 * intervalUs + 50_000;
  const long = choose() < 0.2;
  const untilUs = fromUs + 12 * intervalUs + (long ? 8 : 2) * longestUs;
  const focus = options.mutation?.focus ?? Object.keys(faults);
  planChaos(simulation, choose, { fromUs, untilUs, longestUs, focus });
  simulation.runUntil(untilUs);
  heal(simulation, choose);
  // Whatever was going on: a node that waits for the kernel tries again after five seconds.
  const waits = nodes.some(({ state }) => state !== undefined && state.holdOffUntilUs > 0);
  simulation.runUntil(simulation.nowUs + 2 * longestUs + 6 * intervalUs + (waits ? 5 * second : 0));
  judgeHealed(simulation);
  simulation.runUntil(simulation.nowUs + 6 * intervalUs);
  judgeHealed(simulation);
  if (seed % 50 === 0 && intervalUs >= 100_000) judgeClient(simulation);
  const transitions = nodes.reduce((sum, { state }) => sum + (state?.counters.transitions ?? 0), 0);
  return { violations: simulation.violations, transitions, events: simulation.events, log: simulation.log };
}

/** The pair of this history: intervals, priorities, preference, version, transport, peer link, addresses. */
function drawWorld(choose: () => number): World {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(choose() * choices.length)] as T; // inside by construction
  const intervalUs = pick([10_000, 100_000, 100_000, second, second]);
  const version = intervalUs === second && choose() < 0.3 ? 2 : 3;
  const missedAdverts = pick([3, 3, 3, 3, 2, 5, 10]);
  const preferred = pick([-1, -1, 0, 1]);
  const owner = pick([-1, -1, -1, -1, -1, -1, -1, 0, 1, 2]);
  const holdUs = pick([0, 5, 10, 1000]) * intervalUs;
  const transport = pick(['unicast', 'unicast', 'unicast', 'multicast'] as const);
  const lastsUs = pick([0, 0, 1, 2]) * intervalUs;
  const slower = version === 3 && choose() < 0.15 ? 2 : 1;
  const make = (index: number): MachineConfig => {
    const plain = preferred === -1 ? pick([100, 100, 100, 120]) : preferred === index ? 150 : 100;
    const priority = owner === 2 || owner === index ? 255 : plain;
    const timing = { priority, intervalUs: intervalUs * (index === 1 ? slower : 1), missedAdverts, version } as const;
    const preemptDelayUs = pick([defaultPreemptDelayUs(timing), 0, 2 * intervalUs]);
    return { ...timing, preferred: preferred === index, preemptDelayUs, peers: 1, transport, holdUs, lastsUs };
  };
  return {
    configs: [make(0), make(1)],
    addresses: pick([1, 1, 2, 3]),
    peerLink: choose() < 0.6,
    wordsPerInterval: pick([2, 2, 4] as const),
  };
}

interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly longestUs: number;
  /** Names of the faults that may happen. */
  readonly focus: readonly string[];
}

function planChaos(simulation: Simulation, choose: () => number, span: Span): void {
  const count = 1 + Math.floor(choose() * 7);
  for (let index = 0; index < count; index++) {
    const atUs = span.fromUs + choose() * (span.untilUs - span.fromUs);
    const fault = faults[span.focus[Math.floor(choose() * span.focus.length)] ?? ''];
    const node = simulation.nodes[choose() < 0.5 ? 0 : 1];
    // On both sides of the down interval.
    const lengthUs = choose() * (choose() < 0.2 ? 8 : 2) * span.longestUs;
    if (fault === undefined) continue;
    simulation.at(atUs, () => {
      if (!simulation.healed) fault({ simulation, node, choose, lengthUs });
    });
  }
}

/** The network is whole, everybody is awake; a node that is down comes back, ready at once, or stays down. */
function heal(simulation: Simulation, choose: () => number): void {
  simulation.note('healed');
  simulation.healed = true;
  simulation.disturb(true);
  simulation.lossRatio = 0;
  simulation.duplicateRatio = 0;
  simulation.linkCut = false;
  simulation.cut.fill(false);
  for (const node of simulation.nodes) {
    node.sendFails = false;
    node.kernelRefuses = false;
    node.otherKey = false;
    node.lacks = '';
    setInterface(simulation, node, true);
    node.thaw();
    const down = node.state === undefined || node.state.stopped;
    if (down && choose() < 0.5) simulation.boot(node, 0);
    else if (node.state?.vrrp === 'init' && !node.state.stopped) simulation.tellAbility(node);
    else if (node.awake) simulation.tick(node);
  }
  simulation.checks.refresh();
}

/** The interface of a node goes down or up. */
export function setInterface(simulation: Simulation, node: SimulatedNode, up: boolean): void {
  simulation.note(`n${node.index} link ${up ? 'up' : 'down'}`);
  simulation.disturb(true);
  node.interfaceUp = up;
  if (node.awake) simulation.feed(node, linkEvent(node, simulation.local(node)));
  simulation.checks.refresh();
}

const grade: Readonly<Record<Ability, number>> = {
  unknown: 0,
  // The priority that is told is the same.
  'cannot-serve': 1,
  'no-live-server': 1,
  impaired: 2,
  serves: 3,
};

/** Exactly one owner, it is the best one, and the other one knows it. */
function judgeHealed(simulation: Simulation): void {
  const able = simulation.nodes.filter(({ ableSinceUs }) => ableSinceUs !== Infinity);
  const owners = simulation.nodes.filter((node) => node.state?.vrrp === 'master');
  const owner = owners[0];
  if (able.length === 0) return;
  if (owner === undefined || owners.length > 1) {
    // A change under way has its own bounds, which are watched event by event.
    const moving = simulation.nodes.some(
      ({ config, masterSinceUs }) => simulation.nowUs - masterSinceUs < 2.5 * config.intervalUs + 20_000,
    );
    if (!moving) simulation.violate(`${owners.length} owners on a healed network`);
    return;
  }
  judgeOwner(simulation, owner, Math.max(...able.map(({ ability }) => grade[ability])));
}

function judgeOwner(simulation: Simulation, owner: SimulatedNode, best: number): void {
  const moved = simulation.nowUs - owner.masterSinceUs < 20_000;
  if (grade[owner.ability] < best && !moved)
    simulation.violate(`n${owner.index} owns though the other node is better off`);
  const other = simulation.other(owner);
  if (other.state?.vrrp === 'backup' && !moved && other.state.owner === '')
    simulation.violate(`n${other.index} does not know who owns`);
  const quietUs = simulation.nowUs - simulation.changedUs;
  for (const { index, state, config } of simulation.nodes)
    if (state?.handover !== undefined && quietUs > 4 * config.intervalUs + 60_000)
      simulation.violate(`n${index} is still handing over`);
}

/** A minute and a burst later the client's ARP entry points to the owner. */
function judgeClient(simulation: Simulation): void {
  simulation.runUntil(simulation.nowUs + 64 * second);
  const owner = simulation.nodes.find((node) => node.state?.vrrp === 'master');
  if (owner !== undefined && simulation.clientArp !== owner.index && simulation.nowUs - owner.masterSinceUs > second)
    simulation.violate(`the client still sends to n${simulation.clientArp}`);
}
