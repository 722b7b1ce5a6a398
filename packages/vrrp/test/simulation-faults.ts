// The faults and commands of the chaos: what a history does to a node, to the network or to the peer link, and how it
// ends by itself. Not when (simulation-history.ts), not what must hold (simulation-checks.ts).
import { setInterface } from './simulation-history.ts';
import { linkEvent, type SimulatedNode } from './simulation-node.ts';
import type { Simulation } from './simulation.ts';

export interface FaultContext {
  readonly simulation: Simulation;
  readonly node: SimulatedNode;
  readonly choose: () => number;
  readonly lengthUs: number;
}

/** Plans something that happens only while the chaos lasts. */
function later({ simulation, lengthUs }: FaultContext, run: () => void, extraUs = 0): void {
  simulation.at(simulation.nowUs + lengthUs + extraUs, () => {
    if (!simulation.healed) run();
  });
}

function restart({ simulation, node, choose }: FaultContext): void {
  if (node.state === undefined || node.state.stopped) simulation.boot(node, choose() * node.config.intervalUs);
}

function freeze(context: FaultContext, kind: 'stopped' | 'paused', clockStops: boolean): void {
  const { simulation, node, lengthUs } = context;
  if (!node.awake) return;
  simulation.note(`n${node.index} ${kind} for ${lengthUs / 1000} ms`);
  simulation.disturb();
  node.frozen = kind;
  node.tickVersion++;
  node.ableSinceUs = Infinity;
  const startedUs = simulation.nowUs;
  // The kernel of a paused machine does not count either: its lease goes on where it stood.
  const leaseLeftUs = node.kernelUntilUs - 350_000 - startedUs;
  if (kind === 'paused') node.leaseVersion++;
  simulation.checks.refresh();
  node.thaw = () => {
    if (node.frozen !== kind) return;
    simulation.disturb();
    node.frozen = 'no';
    node.thawedUs = simulation.nowUs;
    const pausedUs = simulation.nowUs - startedUs;
    if (kind === 'paused') {
      if (clockStops) {
        node.clockLostUs += pausedUs;
        node.timelessUs = simulation.nowUs;
      }
      const renewedUs = node.renewedUs + pausedUs;
      const { missing } = node;
      if (node.kernelUntilUs > 0) simulation.setLease(node, simulation.nowUs + Math.max(0, leaseLeftUs));
      node.missing = missing;
      node.renewedUs = renewedUs;
      node.lastSentUs += pausedUs;
      node.ownedUs += pausedUs;
    }
    wake(simulation, node);
  };
  simulation.at(simulation.nowUs + lengthUs, () => node.thaw());
}

/** What the loop does after any wait: all packets, then the kernel's news, then the timers. */
function wake(simulation: Simulation, node: SimulatedNode): void {
  if (node.state === undefined) return;
  simulation.note(`n${node.index} wakes`);
  node.waking = true;
  for (const packet of node.inbox.splice(0)) packet();
  const nowUs = simulation.local(node);
  if (node.state.linkUp !== node.interfaceUp || node.state.lacked !== node.lacks)
    simulation.feed(node, linkEvent(node, nowUs));
  if (node.addressNews) simulation.tellAddresses(node);
  node.waking = false;
  simulation.tick(node);
  simulation.tellAbility(node);
  simulation.sendWord(node);
  simulation.checks.refresh();
}

/** Cuts adverts of one node or of both, and the peer link with them or alone. */
function cut(
  context: FaultContext,
  what: { readonly both: boolean; readonly adverts: boolean; readonly link: boolean },
): void {
  const { simulation, node } = context;
  simulation.note(
    `cut ${what.adverts ? (what.both ? 'adverts' : `adverts of n${node.index}`) : ''}${what.link ? ' link' : ''}`,
  );
  simulation.disturb(true);
  if (what.adverts) {
    simulation.cut[node.index] = true;
    if (what.both) simulation.cut.fill(true);
  }
  if (what.link) {
    simulation.linkCut = true;
    for (const each of simulation.nodes) simulation.loseLink(each, simulation.random() * context.lengthUs);
  }
  simulation.checks.refresh();
  later(context, () => {
    simulation.note('cuts mended');
    simulation.disturb(true);
    if (what.adverts) simulation.cut.fill(false);
    if (what.link) simulation.linkCut = false;
    simulation.checks.refresh();
  });
}

/** Something about a node that is on for a while. */
function during(context: FaultContext, set: (node: SimulatedNode, on: boolean) => void): void {
  const { simulation, node } = context;
  const change = (on: boolean): void => {
    simulation.disturb(true);
    set(node, on);
    if (node.awake) simulation.tick(node);
    simulation.checks.refresh();
  };
  change(true);
  later(context, () => change(false));
}

function lasting(context: FaultContext): FaultContext {
  return { ...context, lengthUs: 6 * context.lengthUs };
}

const abilities = ['serves', 'impaired', 'no-live-server', 'cannot-serve'] as const;

/** By name; each is as likely as the others. */
export const faults: Readonly<Record<string, (context: FaultContext) => void>> = {
  loss: (context) => {
    const { simulation, choose } = context;
    simulation.note('loss');
    simulation.disturb(true);
    simulation.lossRatio = 0.05 + choose() * 0.5;
    later(context, () => {
      simulation.disturb(true);
      simulation.lossRatio = 0;
      simulation.checks.refresh();
    });
  },
  duplicates: ({ simulation, choose }) => {
    simulation.duplicateRatio = choose() * 0.5;
  },
  crash: (context) => {
    context.simulation.crash(context.node);
    later(context, () => restart(context));
  },
  // The supervisor starts a killed agent again at once.
  kill: (context) => {
    context.simulation.crash(context.node);
    later({ ...context, lengthUs: context.lengthUs / 20 }, () => restart(context));
  },
  power: (context) => {
    context.simulation.crash(context.node, true);
    later(context, () => restart(context));
  },
  'power off': ({ simulation, node }) => simulation.crash(node, true),
  stopped: (context) => freeze(context, 'stopped', false),
  paused: (context) => freeze(context, 'paused', context.choose() < 0.5),
  interface: (context) => {
    setInterface(context.simulation, context.node, false);
    const short = context.choose() < 0.3;
    later(short ? { ...context, lengthUs: context.lengthUs / 20 } : context, () =>
      setInterface(context.simulation, context.node, true),
    );
  },
  'one way': (context) => cut(context, { both: false, adverts: true, link: false }),
  adverts: (context) => cut(context, { both: true, adverts: true, link: false }),
  // Long enough for the rules of the second path and of the unheard master.
  'one way long': (context) => cut(lasting(context), { both: false, adverts: true, link: context.choose() < 0.5 }),
  'adverts long': (context) => cut(lasting(context), { both: true, adverts: true, link: false }),
  split: (context) => cut(context, { both: true, adverts: true, link: true }),
  'peer link': (context) => cut(context, { both: false, adverts: false, link: true }),
  ability: ({ simulation, node, choose }) =>
    simulation.setAbility(node, abilities[Math.floor(choose() * 4)] ?? 'serves'),
  'ability for a while': (context) => {
    const { simulation, node, choose } = context;
    simulation.setAbility(node, abilities[1 + Math.floor(choose() * 3)] ?? 'cannot-serve');
    later(context, () => simulation.setAbility(node, 'serves'));
  },
  'address gone': ({ simulation, node, choose }) => {
    if (node.kernelUntilUs <= simulation.nowUs) return;
    simulation.note(`n${node.index} an address removed by hand`);
    simulation.disturb();
    simulation.loseAddress(node, choose() < 0.3 ? (1 << simulation.world.addresses) - 1 : 1);
  },
  'address foreign': ({ simulation, node }) => {
    if (node.state === undefined || node.state.vrrp === 'master') return;
    node.foreign |= 1;
    if (node.awake) simulation.tellAddresses(node);
  },
  failover: ({ simulation, node }) => simulation.command(node, 'failover'),
  'failover again': ({ simulation, node }) => simulation.command(node, 'failover'),
  stop: (context) => {
    context.simulation.command(context.node, 'stop');
    later(context, () => restart(context), 4 * context.node.config.intervalUs + 60_000);
  },
  maintenance: (context) => {
    const { simulation, node, choose } = context;
    simulation.setMaintenance(node, true, choose() < 0.4);
    later(context, () => simulation.setMaintenance(node, false, false), 4 * node.config.intervalUs + 60_000);
  },
  stranger: (context) => {
    const { simulation, node, lengthUs } = context;
    const untilUs = simulation.nowUs + lengthUs;
    const again = (): void => {
      simulation.stranger(node);
      if (simulation.nowUs < untilUs && !simulation.healed)
        simulation.at(simulation.nowUs + node.config.intervalUs, again);
    };
    again();
  },
  'other key': (context) => {
    context.simulation.keysDiffered = true;
    during(context, (node, on) => {
      node.otherKey = on;
    });
  },
  'send fails': (context) =>
    during(context, (node, on) => {
      node.sendFails = on;
    }),
  // A second interface, a family, one address of several.
  part: (context) =>
    during(context, (node, on) => {
      node.lacks = on ? 'a part' : '';
      if (node.awake) context.simulation.feed(node, linkEvent(node, context.simulation.local(node)));
    }),
  'kernel refuses': (context) =>
    during(context, (node, on) => {
      node.kernelRefuses = on;
    }),
};
