// The events of the failover bench: what happens to the owner, how long is looked, and what puts the pair in order again.
// Not what they come to (failover-result.ts).
import { monotonicMs, pause, signalAll, until, VIP } from '@tospann/lab';

import { downMs } from './failover-result.ts';
import type { NodeName, System } from './failover-systems.ts';

/** One repetition's place: who owns the address at its beginning. */
export interface Scene {
  readonly system: System;
  readonly advertMs: number;
  readonly owner: NodeName;
  readonly other: NodeName;
}

/** From when on to when it is measured, in monotonic ms, and what puts all in order. */
export interface Happening {
  readonly fromMs: number;
  readonly toMs?: number;
  readonly undo: () => Promise<void>;
}

/** Slack after the last thing that the protocol allows. */
const slackMs = 700;
const freezeMs = 6000;
const longMs = 180_000;
/** keepalived's clients came back after 49 s at most, once they had a neighbour entry that they kept fresh. */
const longestWaitMs = 60_000;

const nothing = async (): Promise<void> => await Promise.resolve();

/** Until somebody else must have taken over. */
async function untilTaken(advertMs: number): Promise<void> {
  await pause(downMs(advertMs) + slackMs);
}

/** A dead node's address has no lease in keepalived: a person has to remove it before the node may start again. */
async function startAgain({ system, owner }: Scene): Promise<void> {
  const node = system.lab.node(owner);
  node.killGroup('SIGKILL');
  await until(`the end of ${owner}`, () => node.pids().length === 0, { timeoutMs: 10_000 });
  node.run(['ip', 'addr', 'flush', 'dev', 'eth0', 'to', `${VIP}/32`]);
  await system.start(owner);
}

/** The lease, whole seconds, and the kernel's lateness: so long two owners are watched. */
function leaseMs(advertMs: number): number {
  return Math.ceil(downMs(advertMs) / 1000) * 1000 + 1000;
}

function loss(percent: number, leastMs = 5000): (scene: Scene) => Promise<Happening> {
  return async ({ system, advertMs }) => {
    const heal = system.lab.faults.loss('lb1', 'lb2', percent);
    const fromMs = monotonicMs();
    await pause(Math.max(leastMs, 10 * advertMs));
    heal();
    await pause(slackMs);
    return { fromMs, undo: nothing };
  };
}

/** Each event happens, waits as long as its consequences may take, and says what is to be measured. */
export const events: Readonly<Record<string, (scene: Scene) => Promise<Happening>>> = {
  crash: async ({ system, owner, advertMs }) => {
    const fromMs = monotonicMs();
    const heal = system.lab.faults.isolate(owner);
    await untilTaken(advertMs);
    const toMs = monotonicMs();
    heal();
    return { fromMs, toMs, undo: nothing };
  },
  'agent-kill': async ({ system, owner, advertMs }) => {
    const pids = system.agentPids(owner);
    if (pids.length === 0) throw new Error(`Cannot kill the agent of ${owner}: there is none`);
    const fromMs = monotonicMs();
    signalAll(pids, 'SIGKILL');
    await pause(2000);
    await untilTaken(advertMs);
    return { fromMs, undo: nothing };
  },
  'node-kill': async (scene) => {
    const fromMs = scene.system.lab.node(scene.owner).killGroup('SIGKILL');
    await pause(leaseMs(scene.advertMs));
    return { fromMs, toMs: monotonicMs(), undo: async () => await startAgain(scene) };
  },
  'node-stop': async (scene) => {
    const fromMs = scene.system.lab.node(scene.owner).freeze();
    await pause(leaseMs(scene.advertMs));
    return { fromMs, toMs: monotonicMs(), undo: async () => await startAgain(scene) };
  },
  graceful: async ({ system, owner, advertMs }) => {
    const fromMs = monotonicMs();
    await system.stop(owner);
    await untilTaken(advertMs);
    return { fromMs, toMs: monotonicMs(), undo: async () => await system.start(owner) };
  },
  'link-down': async ({ system, owner, advertMs }) => {
    const fromMs = monotonicMs();
    const heal = system.lab.faults.linkDown(owner);
    await untilTaken(advertMs);
    const toMs = monotonicMs();
    heal();
    return { fromMs, toMs, undo: nothing };
  },
  'one-way': async ({ system, owner, other, advertMs }) => {
    const fromMs = monotonicMs();
    const heal = system.lab.faults.cutOneWay(owner, other);
    await pause(3 * downMs(advertMs) + slackMs);
    const toMs = monotonicMs();
    heal();
    return { fromMs, toMs, undo: nothing };
  },
  'loss-10': loss(10),
  'loss-20': loss(20),
  'loss-30': loss(30),
  'loss-20-long': loss(20, longMs),
  'loss-30-long': loss(30, longMs),
  split: async ({ system, advertMs }) => {
    const heal = system.lab.faults.cut('lb1', 'lb2');
    await untilTaken(advertMs);
    await pause(1000);
    const fromMs = monotonicMs();
    heal();
    await untilTaken(advertMs);
    return { fromMs, undo: nothing };
  },
  freeze: async ({ system, owner, advertMs }) => {
    const node = system.lab.node(owner);
    const heal = system.lab.faults.isolate(owner);
    node.freeze();
    await pause(Math.max(freezeMs, downMs(advertMs) + slackMs));
    const fromMs = monotonicMs();
    heal();
    node.thaw();
    await untilTaken(advertMs);
    return { fromMs, undo: nothing };
  },
  address: async ({ system, owner, advertMs }) => {
    const fromMs = monotonicMs();
    system.lab.node(owner).run(['ip', 'addr', 'del', `${VIP}/32`, 'dev', 'eth0']);
    await untilTaken(advertMs);
    return { fromMs, undo: async () => await putBack(system, owner) };
  },
  mismatch: async ({ system, other, advertMs }) => {
    await system.stop(other);
    await system.start(other, true);
    const fromMs = monotonicMs();
    await pause(2 * downMs(advertMs) + 2 * slackMs);
    const toMs = monotonicMs();
    await system.stop(other);
    return { fromMs, toMs, undo: async () => await system.start(other) };
  },
};

/** keepalived that has lost its address and does not see it needs a restart. */
async function putBack(system: System, owner: NodeName): Promise<void> {
  if (system.watch.owners.length > 0) return;
  await system.stop(owner);
  await system.start(owner);
}

/** Waits until one node owns the address, it is the home if there is one, and both nodes were ready before. */
export async function settled(system: System, advertMs: number): Promise<NodeName> {
  const calmMs = downMs(advertMs) + slackMs;
  let since = monotonicMs();
  let last = '';
  return await until(
    'one owner',
    () => {
      const now = system.watch.owners.join(' ');
      const wanted = system.home === undefined ? now === 'lb1' || now === 'lb2' : now === system.home;
      if (now !== last || !wanted) since = monotonicMs();
      last = now;
      return monotonicMs() - since > calmMs ? (now as NodeName) : undefined;
    },
    { timeoutMs: longestWaitMs, everyMs: 10 },
  );
}
