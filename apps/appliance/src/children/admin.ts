// The admin child: API, console, metrics and the link to the other node. It only shows and passes on; when it
// dies, no packet and no request notices.
import { join } from 'node:path';
import {
  type EventDraft,
  type EventStore,
  type AgentMove,
  loadClusterKey,
  type MoveOrder,
  type NodeStatus,
  type Operation,
  openEventStore,
  type OperationReport,
  type RunningApi,
  type ServerChangeReport,
  startApi,
} from '@tospann/api';
import type { PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { dropPrivileges, monotonicMs } from '@tospann/linux';
import type { ServerOrder } from '@tospann/proxy';
import { SOCKET_NAME } from '../cli/control.ts';
import { consoleAsset } from '../console-assets.ts';
import { adminBinds, adminPeers, unaskedNodes } from '../core/admin-addresses.ts';
import { toNodeStatus, unknownState } from '../core/node-status.ts';
import { beginSilence, heard, look, LOOK_MS, SILENT_AFTER } from '../core/silence.ts';
import { usersFor } from '../core/users.ts';
import type { FailoverAnswer, NodeState, ServerAnswer, StartMessage } from '../ipc.ts';
import { localAddresses } from '../local-addresses.ts';
import { makeLog } from '../log.ts';
import { version } from '../version.ts';
import { confine, fail, openChannel, tell } from './channel.ts';

/** How long the proxy may take to do what an operator wants of a server, ms. */
const SERVER_ANSWER_MS = 4000;

export function runAdminChild(): void {
  const admin = new Admin();
  openChannel({
    message: (message) => {
      if (message.type === 'start') admin.start(message).then(() => tell({ type: 'ready' }), fail);
      if (message.type === 'node-state') admin.hear(message.state);
      if (message.type === 'failover-answer') admin.answered(message.id, message.answer);
      if (message.type === 'operation-answer') admin.reported(message.id, message.report);
      if (message.type === 'server-answer') admin.serverAnswered(message.id, message.answer);
      if (message.type === 'keep-event') admin.keepEvent(message.id, message.event);
      if (message.type === 'new-config') admin.config = message.config;
      if (message.type === 'stop') void admin.stop();
    },
    orphaned: () => process.exit(0),
  });
}

class Admin {
  #state: NodeState | undefined;
  /** Of the supervisor: what it has told last is old when it hangs. */
  #silence = beginSilence(monotonicMs());
  config: PairConfig | undefined;
  #api: RunningApi | undefined;
  #events: EventStore | undefined;
  /** Of the last event that is not told to be kept yet; 0: none. */
  #unkept = 0;
  #waiting = new Map<number, (answer: FailoverAnswer) => void>();
  #operations = new Map<number, (report: OperationReport) => void>();
  readonly #serverWaiting = new Map<number, (answer: ServerAnswer) => void>();
  #nextId = 1;

  async start(message: StartMessage): Promise<void> {
    const { config, node, runDir, stateDir } = message;
    const log = makeLog(node, 'admin');
    this.config = config;
    setInterval(() => (this.#silence = look(this.#silence, monotonicMs())), LOOK_MS);
    const { stats } = config.admin;
    this.#events = openEventStore({ node, stateDir, log });
    this.#api = await startApi({
      nodeName: node,
      peers: adminPeers(config, node),
      binds: adminBinds(config, localAddresses()),
      socketPath: join(runDir, SOCKET_NAME),
      stateDir,
      clusterKey: loadClusterKey(stateDir, (error) =>
        log.error({ event: 'cluster-key', err: error }, 'Without the cluster key no token and no other node is let in'),
      ),
      consoleAssets: consoleAsset,
      getStatus: () => this.#status(message),
      events: this.#events,
      move: (order) => this.#move(order),
      onSpare: (problem) => tell({ type: 'spare', problem }),
      tellEvent: (event) =>
        tell({ type: 'event', event: { timeMs: Date.now(), monotonicMs: monotonicMs(), ...event } }),
      operate: (operation, { force }) => this.#operate(operation, force),
      runningConfig: () => this.config ?? config,
      changeServer: (order) => this.#changeServer(order),
      ...(stats === undefined
        ? {}
        : {
            stats: {
              binds: adminBinds({ admin: stats }, localAddresses()),
              path: stats.path,
              ...(stats.auth === undefined ? {} : { login: stats.auth }),
              config: () => this.config ?? config,
            },
          }),
      log,
    });
    const user = dropPrivileges(usersFor(config.proxy.user));
    confine(log);
    log.info({ event: 'admin-ready', user: user.name, addresses: this.#api.addresses() }, 'The admin API answers');
  }

  /** What the supervisor knows of the node now. */
  hear(state: NodeState): void {
    this.#state = state;
    this.#silence = heard(this.#silence);
  }

  async stop(): Promise<void> {
    // The socket's directory belongs to root: the supervisor removes what close() may not.
    await this.#api?.close().catch(() => undefined);
    this.#events?.close();
    process.exit(0);
  }

  /** Keeps an event; all of one turn of the loop are written and acknowledged together. */
  keepEvent(id: number, event: EventDraft): void {
    this.#events?.append(event);
    if (this.#unkept === 0) {
      setImmediate(() => {
        this.#events?.flush();
        tell({ type: 'events-kept', id: this.#unkept });
        this.#unkept = 0;
      });
    }
    this.#unkept = id;
  }

  answered(id: number, answer: FailoverAnswer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  reported(id: number, report: OperationReport): void {
    this.#operations.get(id)?.(report);
    this.#operations.delete(id);
  }

  async #operate(operation: Operation, force: boolean): Promise<OperationReport> {
    const id = this.#nextId++;
    return await new Promise<OperationReport>((resolve) => {
      this.#operations.set(id, resolve);
      tell({ type: 'operation', id, operation, force });
    });
  }

  serverAnswered(id: number, answer: ServerAnswer): void {
    this.#serverWaiting.get(id)?.(answer);
    this.#serverWaiting.delete(id);
  }

  #status({ config, node }: StartMessage): NodeStatus {
    const empty: NodeState = { startedMs: monotonicMs(), configHash: config.hash, children: [] };
    const known = this.#state ?? empty;
    return toNodeStatus(this.#silence.looks < SILENT_AFTER ? known : unknownState(known), {
      node,
      cluster: config.cluster.name,
      version,
      nodes: config.cluster.nodes.map(({ name }) => name),
      unasked: unaskedNodes(this.config ?? config, node),
      timeMs: Date.now(),
      monotonicMs: monotonicMs(),
    });
  }

  /** Asks the failover agent, through the supervisor, to give up this node's addresses. */
  async #move({ to, maintenance }: MoveOrder): Promise<AgentMove> {
    const id = this.#nextId++;
    const askedMs = monotonicMs();
    const answer = await new Promise<FailoverAnswer>((resolve) => {
      this.#waiting.set(id, resolve);
      tell({ type: 'failover', id, ...(maintenance === undefined ? {} : { maintenance }) });
    });
    if (answer.outcome === 'refused') throw new TospannError('LB_API_FAILOVER_REFUSED', { to, detail: answer.message });
    const { vips, durationMs, detail, startedAtMs, connections } = answer;
    return { vips, durationMs, detail, connections, detectionMs: Math.max(0, startedAtMs - askedMs) };
  }

  /** Asks the proxy, through the supervisor, which keeps it. */
  async #changeServer(order: ServerOrder): Promise<ServerChangeReport> {
    const id = this.#nextId++;
    const answer = await new Promise<ServerAnswer>((resolve) => {
      this.#serverWaiting.set(id, resolve);
      // A proxy that ends in between never answers; what was asked is kept, and its successor does it.
      setTimeout(() => this.serverAnswered(id, { outcome: 'no-proxy' }), SERVER_ANSWER_MS);
      tell({ type: 'server-order', id, order });
    });
    if (answer.outcome === 'done') return answer.report;
    const name = `${order.backend}/${order.server}`;
    if (answer.outcome === 'unknown-server') throw new TospannError('LB_API_UNKNOWN_SERVER', { name });
    if (answer.outcome === 'no-proxy') throw new TospannError('LB_API_NO_PROXY');
    throw new TospannError('LB_API_STATE_FILE', { file: 'servers.json', detail: answer.detail });
  }
}
