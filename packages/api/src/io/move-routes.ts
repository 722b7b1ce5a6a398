// The routes of planned moves: failover and maintenance. Checks first (core/failover-plan.ts), then the agent moves, then the
// new owner is asked when its first answer came; the report has all of it in ms.
import { TospannError } from '@tospann/errors';
import {
  failoverRequest,
  maintenanceRequest,
  type EventDraft,
  type FailoverReport,
  type FailoverRequest,
  type MaintenanceReport,
  type MaintenanceRequest,
  type NodeStatus,
  type PairStatus,
} from '../contract.ts';
import { planFailover, planMaintenance } from '../core/failover-plan.ts';
import type { ApiApp } from './listener.ts';

/** What the agent says of a move of this node's addresses. */
export interface AgentMove {
  readonly vips: readonly string[];
  /** From priority 0 until the other node was heard as owner. */
  readonly durationMs: number;
  /** From the order to priority 0. */
  readonly detectionMs: number;
  readonly connections: number;
  readonly detail: string;
}

/** An order to the agent; without `maintenance` a plain failover. */
export interface MoveOrder {
  readonly to: string;
  readonly maintenance?: { readonly on: boolean; readonly reason: string; readonly force: boolean };
}

/** The node behind these routes. */
export interface MoveNode {
  readonly nodeName: string;
  readonly pair: () => PairStatus;
  /** Gives this node's addresses up. @throws {TospannError} LB_API_FAILOVER_REFUSED. */
  readonly resign: (order: MoveOrder) => Promise<AgentMove>;
  /** Asks the peer to give its addresses up to this node. */
  readonly askPeer: (wish: { readonly to: string; readonly force: boolean }) => Promise<FailoverReport>;
  /** The peer's status as it is now; undefined: it does not answer. */
  readonly freshPeer: () => Promise<NodeStatus | undefined>;
  /** Puts something into the event stream of this node. */
  readonly tellEvent: (event: Omit<EventDraft, 'timeMs' | 'monotonicMs'>) => void;
}

/** How long the new owner may take to tell when its first answer came. */
const firstAnswerLimitMs = 3000;
const askAgainMs = 50;

/** Puts the routes on a listener. `isSocket`: only there the peer's route is missing. */
export function addMoveRoutes(app: ApiApp, node: MoveNode, options: { readonly isSocket: boolean }): void {
  const moves = new Moves(node);
  app.post('/api/v1/failover', { schema: { body: failoverRequest.nullish() } }, async (request, reply) =>
    reply.header('cache-control', 'no-store').send(await moves.failover({ ...request.body }, true)),
  );
  app.put('/api/v1/maintenance', { schema: { body: maintenanceRequest } }, async (request, reply) =>
    reply.header('cache-control', 'no-store').send(await moves.maintain(request.body)),
  );
  // Only the peer's proof opens this one, and the control socket has none.
  if (options.isSocket) return;
  const forPeer = { config: { access: 'peer' }, schema: { body: failoverRequest } } as const;
  app.post('/api/v1/node/failover', forPeer, async (request, reply) =>
    reply.header('cache-control', 'no-store').send(await moves.failover(request.body, false)),
  );
}

class Moves {
  readonly #node: MoveNode;
  #isMoving = false;

  constructor(node: MoveNode) {
    this.#node = node;
  }

  async failover({ dryRun, ...wish }: FailoverRequest, mayAskPeer: boolean): Promise<FailoverReport> {
    const startMs = performance.now();
    const plan = planFailover(this.#node.pair(), wish);
    if (plan.action === 'unknown-node') {
      throw new TospannError('LB_API_UNKNOWN_NODE', { name: plan.to, known: plan.known.join(' and ') });
    }
    if (plan.action === 'refuse') throw refused(plan.to, plan.detail);
    if (plan.action === 'nothing') {
      const detail = `${plan.to} owns ${plan.vips.join(', ')} already`;
      const dry = dryRun === true ? { dryRun } : {};
      return { from: plan.to, to: plan.to, vips: [], durationMs: 0, detail, ...dry };
    }
    const { from, to, vips, notPromised } = plan;
    if (dryRun === true)
      return { from, to, vips: [...vips], durationMs: 0, detail: '', notPromised: [...notPromised], dryRun };
    if (plan.action === 'ask-peer') {
      if (!mayAskPeer) throw refused(to, 'this node owns nothing that it could give up');
      return await this.#alone(to, async () => await this.#node.askPeer({ to, force: wish.force === true }));
    }
    return await this.#alone(to, async () => await this.#give({ order: { to }, notPromised, startMs }));
  }

  async maintain({ on, reason = '', force = false }: MaintenanceRequest): Promise<MaintenanceReport> {
    const startMs = performance.now();
    const pair = this.#node.pair();
    const changed = (pair.self.vrrp?.maintenance !== undefined) !== on;
    const node = pair.self.node;
    const plan = on ? planMaintenance(pair, force) : ({ action: 'go', to: node, notPromised: [] } as const);
    if (plan.action === 'refuse') throw new TospannError('LB_API_MAINTENANCE_REFUSED', { node, detail: plan.detail });
    const { to, notPromised } = plan;
    const order = { to, maintenance: { on, reason, force } };
    const moved = await this.#alone(to, async () => await this.#give({ order, notPromised, startMs }));
    // Who ends maintenance gives nothing away: what it owns by then, it never gave.
    return { node, on, changed, ...(!on || moved.vips.length === 0 ? {} : { moved }) };
  }

  /** One move at a time: a second one would measure and check what the first is changing. */
  async #alone<T>(to: string, move: () => Promise<T>): Promise<T> {
    if (this.#isMoving) throw refused(to, 'another move is under way');
    this.#isMoving = true;
    try {
      return await move();
    } finally {
      this.#isMoving = false;
    }
  }

  async #give(job: Job): Promise<FailoverReport> {
    const { order, notPromised, startMs } = job;
    const checkedMs = performance.now() - startMs;
    const move = await this.#node.resign(order);
    const { vips, durationMs, detail, connections } = move;
    const base = { from: this.#node.nodeName, to: order.to, vips: [...vips], durationMs, detail };
    if (vips.length === 0) return base;
    const firstAnswerMs = await this.#firstAnswer(vips);
    const report = {
      ...base,
      detectionMs: checkedMs + move.detectionMs,
      ...(firstAnswerMs === undefined ? {} : { firstAnswerMs }),
      connections,
      notPromised: [...notPromised],
    };
    this.#tell(report);
    return report;
  }

  /** The slowest of the addresses; undefined when one of them has not answered in time. */
  async #firstAnswer(vips: readonly string[]): Promise<number | undefined> {
    const endMs = performance.now() + firstAnswerLimitMs;
    while (performance.now() < endMs) {
      const status = await this.#node.freshPeer();
      const answers = vips.map((name) => status?.vrrp?.vips.find((vip) => vip.name === name)?.firstAnswerMs);
      const known = answers.filter((answer) => answer !== undefined);
      if (known.length === vips.length) return Math.max(...known);
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
    return undefined;
  }

  #tell({ from, to, vips, durationMs, detectionMs, firstAnswerMs, connections }: FailoverReport): void {
    const text = `${vips.join(', ')} moved from ${from} to ${to} in ${Math.round(durationMs)} ms, as planned`;
    const evidence = {
      outcome: 'done',
      from,
      to,
      vips: vips.join(' '),
      detectionMs: round(detectionMs ?? 0),
      moveMs: round(durationMs),
      connections: connections ?? 0,
      ...(firstAnswerMs === undefined ? {} : { firstAnswerMs: round(firstAnswerMs) }),
    };
    this.#node.tellEvent({ event: 'handover', severity: 'info', text, evidence });
  }
}

interface Job {
  readonly order: MoveOrder;
  readonly notPromised: readonly string[];
  readonly startMs: number;
}

function refused(to: string, detail: string): TospannError {
  return new TospannError('LB_API_FAILOVER_REFUSED', { to, detail });
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
