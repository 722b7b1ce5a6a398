// One seeded history: chaos on a simulated pair, healing, then the checks on the healed network. Not the simulation
// itself (simulation.ts). Deterministic for a seed.
import { seededRandom, Simulation, type HistoryResult } from './simulation.ts';

type SimulatedNode = Simulation['nodes'][number];

const second = 1_000_000;

/** Plays one history and returns what was wrong with it; `keepLog` also says what happened. */
export function playHistory(seed: number, keepLog = false): HistoryResult {
  const simulation = new Simulation(seed, keepLog);
  const choose = seededRandom(seed ^ 0x5bd1e995);
  const startUs = simulation.nowUs;
  for (const node of simulation.nodes)
    simulation.at(startUs + choose() * simulation.intervalUs, () => simulation.boot(node));
  const chaosUs = startUs + Math.max(4 * second, 20 * simulation.intervalUs);
  planChaos(simulation, choose, { fromUs: startUs + second, untilUs: chaosUs });
  simulation.runUntil(chaosUs);
  heal(simulation, choose);
  const healedUs = simulation.nowUs;
  simulation.runUntil(healedUs + settleUs(simulation));
  watchHealed(simulation, healedUs);
  // A hand-over ends: taken, or given up after three adverts and 50 ms.
  simulation.runUntil(Math.max(simulation.nowUs, healedUs + 3 * simulation.intervalUs + 60_000));
  for (const node of simulation.nodes)
    if (node.state?.handover !== undefined) simulation.violate(`n${node.index} is still handing over`);
  if (seed % 20 === 0 && simulation.intervalUs >= 100_000) checkClient(simulation);
  const transitions = simulation.nodes.reduce((sum, node) => sum + (node.state?.counters.transitions ?? 0), 0);
  return { violations: simulation.violations, transitions, events: simulation.events, log: simulation.log };
}

interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

function planChaos(simulation: Simulation, choose: () => number, span: Span): void {
  const faults = 1 + Math.floor(choose() * 8);
  for (let index = 0; index < faults; index++) {
    const atUs = span.fromUs + choose() * (span.untilUs - span.fromUs);
    const fault = faultsOf[Math.floor(choose() * faultsOf.length)];
    const node = simulation.nodes[choose() < 0.5 ? 0 : 1];
    const lengthUs = choose() * 6 * simulation.intervalUs;
    if (fault !== undefined) later(simulation, atUs, () => fault({ simulation, node, choose, lengthUs }));
  }
}

/** Plans something that happens only while the chaos lasts. */
function later(simulation: Simulation, atUs: number, run: () => void): void {
  simulation.at(atUs, () => {
    if (!simulation.healed) run();
  });
}

interface FaultContext {
  readonly simulation: Simulation;
  readonly node: SimulatedNode;
  readonly choose: () => number;
  /** 0 to 6 advert intervals: on both sides of the down interval. */
  readonly lengthUs: number;
}

const faultsOf: readonly ((context: FaultContext) => void)[] = [
  ({ simulation, choose }) => {
    simulation.lossRatio = choose() * 0.6;
    simulation.duplicateRatio = choose() * 0.5;
    simulation.corruptRatio = choose() * 0.3;
  },
  ({ simulation, node, lengthUs }) => {
    simulation.crash(node);
    later(simulation, simulation.nowUs + lengthUs, () => restart(simulation, node));
  },
  ({ simulation, node }) => simulation.crash(node),
  ({ simulation, node, lengthUs }) => simulation.freeze(node, { kind: 'stopped', clockStops: false, forUs: lengthUs }),
  ({ simulation, node, lengthUs, choose }) =>
    simulation.freeze(node, { kind: 'paused', clockStops: choose() < 0.5, forUs: lengthUs }),
  ({ simulation, node, lengthUs }) => {
    simulation.setLink(node, false);
    later(simulation, simulation.nowUs + lengthUs, () => simulation.setLink(node, true));
  },
  ({ simulation, node, lengthUs, choose }) => {
    // One way or both ways.
    simulation.cut[node.index] = true;
    if (choose() < 0.5) simulation.cut[1 - node.index] = true;
    later(simulation, simulation.nowUs + lengthUs, () => simulation.cut.fill(false));
  },
  ({ simulation, node, choose }) => {
    const abilities = ['serves', 'no-live-server', 'cannot-serve'] as const;
    simulation.setAbility(node, abilities[Math.floor(choose() * 3)] ?? 'serves');
  },
  ({ simulation, node, lengthUs }) => {
    simulation.setAbility(node, 'cannot-serve');
    later(simulation, simulation.nowUs + lengthUs, () => simulation.setAbility(node, 'serves'));
  },
  ({ simulation, node }) => simulation.removeByHand(node),
  ({ simulation, node }) => simulation.command(node, 'failover'),
  ({ simulation, node, lengthUs }) => {
    simulation.command(node, 'stop');
    later(simulation, simulation.nowUs + 4 * simulation.intervalUs + lengthUs, () => restart(simulation, node));
  },
  ({ simulation, node, choose }) => {
    for (let packet = 0; packet < 50; packet++) {
      const bytes = new Uint8Array(Math.floor(choose() * 80)).map(() => Math.floor(choose() * 256));
      simulation.arrive(node, bytes);
    }
  },
];

function restart(simulation: Simulation, node: SimulatedNode): void {
  if (node.state === undefined || node.state.stopped) simulation.boot(node);
}

/** The network is whole, everybody is awake; a node that is down comes back, ready at once, or stays down. */
function heal(simulation: Simulation, choose: () => number): void {
  simulation.note('healed');
  simulation.healed = true;
  simulation.lossRatio = 0;
  simulation.duplicateRatio = 0;
  simulation.corruptRatio = 0;
  simulation.cut.fill(false);
  for (const node of simulation.nodes) {
    if (!node.linkUp) simulation.setLink(node, true);
    node.thaw();
    if ((node.state === undefined || node.state.stopped) && choose() < 0.5) simulation.boot(node, 0);
    else if (node.state?.vrrp === 'init' && !node.state.stopped) simulation.setAbility(node, node.ability);
  }
}

/**
 * A down interval plus a skew of RFC 9568, written out here once more so that a wrong timer shows, and what the
 * network and the loop add: packets under way and the lateness of two wake-ups.
 */
function settleUs(simulation: Simulation): number {
  const { intervalUs } = simulation;
  const priority = (node: SimulatedNode): number => (node.ability === 'no-live-server' ? 1 : node.config.priority);
  const skew = (at: number): number => ((256 - at) * intervalUs) / 256;
  const lowest = Math.min(...simulation.nodes.map(priority));
  return 3 * intervalUs + skew(lowest) + skew(lowest) + 2 * simulation.maxDelayUs + 2_000;
}

const stepUs = 1_000;

/** From the moment when the pair must have settled: exactly one owner, and the best one, for ten intervals. */
function watchHealed(simulation: Simulation, healedUs: number): void {
  const untilUs = simulation.nowUs + Math.max(10 * simulation.intervalUs, 500_000);
  let doubleSinceUs = Infinity;
  const graceUs = 3 * simulation.maxDelayUs + 3_000;
  const sampleUs = Math.max(stepUs, simulation.intervalUs / 50);
  while (simulation.nowUs < untilUs && simulation.violations.length === 0) {
    simulation.runUntil(simulation.nowUs + sampleUs);
    const able = simulation.nodes.filter((node) => isAble(node));
    const owners = able.filter((node) => node.state?.vrrp === 'master' && simulation.answers(node));
    if (able.length > 0 && owners.length === 0)
      simulation.violate(`no owner ${(simulation.nowUs - healedUs) / 1000} ms after healing`);
    const strays = simulation.nodes.filter((node) => simulation.answers(node) && !owners.includes(node));
    for (const node of strays)
      if (node.state !== undefined) simulation.violate(`n${node.index} answers in state ${node.state.vrrp}`);
    doubleSinceUs = owners.length > 1 ? Math.min(doubleSinceUs, simulation.nowUs) : Infinity;
    if (simulation.nowUs - doubleSinceUs > graceUs) simulation.violate('two owners on a healed network');
    const serving = able.some((node) => node.ability === 'serves');
    const owner = owners[0];
    if (owners.length === 1 && serving && owner?.ability === 'no-live-server')
      simulation.violate(`n${owner.index} owns without a live server though the other node has one`);
  }
}

/** A minute and a burst later the client's ARP entry points to the owner. */
function checkClient(simulation: Simulation): void {
  simulation.runUntil(simulation.nowUs + 64 * second);
  const owner = simulation.nodes.find((node) => node.state?.vrrp === 'master');
  if (owner !== undefined && simulation.clientArp !== owner.index)
    simulation.violate(`the client still sends to n${simulation.clientArp}`);
}

function isAble(node: SimulatedNode): boolean {
  return node.state !== undefined && !node.state.stopped && node.ability !== 'cannot-serve';
}
