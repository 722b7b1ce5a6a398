// The supervisor: opens the listeners, starts the three children, restarts each alone, passes on what they say,
// reloads and stops. It touches no packet and no request: it must be too simple to fail.
// See docs/architecture.md and docs/adr/0004.
import type { Operation, OperationReport } from '@tospann/api';
import { diffConfigs, type PairConfig } from '@tospann/config';
import { isTospannError, TospannError } from '@tospann/errors';
import { monotonicMs, notifySystemd } from '@tospann/linux';
import type { ProxySnapshot } from '@tospann/proxy';
import type { VrrpState } from '@tospann/vrrp';
import {
  type ChildReport,
  type ConfigurationState,
  type FailoverAnswer,
  type FromChild,
  type MoveMessage,
  type NodeState,
  type ReloadAnswer,
  type ReloadMessage,
  type Role,
  roles,
  type ServerAnswer,
} from '../ipc.ts';
import type { Logger } from '../log.ts';
import { childEvent, faultyChildEvent } from '../core/event-texts.ts';
import { type Child, FIRST_LISTENER_FD } from './child.ts';
import { EventRelay } from './event-relay.ts';
import { type Handover, Predecessors } from './handover.ts';
import { keyOf, Listeners } from './listeners.ts';
import { knownAddresses, ServerStore } from './server-store.ts';
import { makeDirectory, type RunDir } from './run-dir.ts';
import { Slot } from './slot.ts';
import { closeOldBinds, reloadProxy } from './reload.ts';
import { stopChildren } from './stop.ts';

export interface SupervisorOptions {
  readonly config: PairConfig;
  readonly node: string;
  readonly runDir: RunDir;
  readonly stateDir: string;
  readonly log: Logger;
  /** Does what an operator has asked for through the admin child. */
  readonly operate: (operation: Operation, options: { readonly force: boolean }) => Promise<OperationReport>;
  /** What the program before has left to this one, after an upgrade. */
  readonly handover?: Handover | undefined;
  /** Called once when the node cannot start: the message has been logged. */
  readonly failed: (code: string) => void;
}

/** How often `admin` is told the state of the node, ms. */
const STATE_INTERVAL_MS = 500;
/** How often it is looked whether the run directory is there, ms. */
const RUN_DIR_INTERVAL_MS = 5000;

export class Supervisor {
  readonly listeners = new Listeners();
  readonly slots: Readonly<Record<Role, Slot>>;
  readonly log: Logger;
  /** Proxies that end what they have after a reload. */
  readonly retiring = new Set<Child>();
  /** Children of the program that this one has replaced. */
  readonly predecessors: Predecessors;
  /** What happened here goes through it to the admin child and to hooks. */
  readonly events = new EventRelay({
    toAdmin: (message) => {
      const admin = this.slots.admin.child;
      if (admin?.ready === true) admin.send(message);
    },
    toAgent: (message) => this.slots.vrrp.child?.send(message),
  });
  readonly #options: SupervisorOptions;
  readonly #startedMs = monotonicMs();
  readonly #servers: ServerStore;
  #config: PairConfig;
  #state: Pick<NodeState, 'proxy' | 'vrrp' | 'able' | 'limits' | 'movers' | 'configuration'> = {};
  /** By events, which come before the snapshots that show them. */
  readonly #vipStates = new Map<string, VrrpState>();
  #announcedReady = false;
  /** Why the other node could not take over; empty: it could, or there is none to ask. */
  #spareProblem = '';
  #stopping = false;
  /** The proxy's last figures had a frontend whose places are all taken. */
  #someFull = false;
  #timer: NodeJS.Timeout | undefined;
  #runDirTimer: NodeJS.Timeout | undefined;
  /** Who waits for the proxy child's answer to a new configuration. */
  readonly #reloads = new Map<number, (answer: ReloadAnswer) => void>();
  #nextId = 1;
  /** Children that were ended because of what they said, or because they said nothing. */
  #faultsTotal = 0;
  /** Said once for each fault. */
  readonly #directoryProblems = new Set<string>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.log = options.log;
    this.predecessors = new Predecessors(options.handover, options.log);
    this.#servers = new ServerStore({ stateDir: options.stateDir, log: options.log, wallMs: Date.now });
    const slot = (role: Role): Slot =>
      new Slot({
        role,
        log: options.log,
        config: () => this.#config,
        prepare: () => void this.#makeDirectories(),
        fds: (config) => (role === 'proxy' ? this.listeners.of(config).map((listener) => listener.fd) : []),
        started: (child, config) => this.#sendStart(child, config),
        message: (child, message) => this.#heard(child, message),
        faulty: (child, why) => this.#faulty(child, why),
        died: (ended) => {
          this.events.note(childEvent(ended, { timeMs: Date.now(), monotonicMs: monotonicMs() }));
          this.#announceReady();
        },
      });
    this.slots = { proxy: slot('proxy'), vrrp: slot('vrrp'), admin: slot('admin') };
  }

  /** Names of the addresses that this node owns. */
  get owned(): readonly string[] {
    return [...this.#vipStates].flatMap(([vip, state]) => (state === 'master' ? [vip] : []));
  }

  get runDir(): RunDir {
    return this.#options.runDir;
  }

  /** All children are ready, or were. */
  get isReady(): boolean {
    return this.#announcedReady;
  }

  get config(): PairConfig {
    return this.#config;
  }

  /** The roles of a node: the vrrp child watches the kernel's limits also where there is no virtual address. */
  roles(): readonly Role[] {
    return roles;
  }

  /** Opens the listeners and starts the children. Throws what opening a listener throws. */
  start(): void {
    this.listeners.adopt(this.#options.handover?.listeners ?? []);
    this.listeners.open(this.#config);
    for (const role of this.roles()) this.slots[role].start();
    this.#timer = setInterval(() => this.#pushState(), STATE_INTERVAL_MS);
    this.#runDirTimer = setInterval(() => this.#keepRunDir(), RUN_DIR_INTERVAL_MS);
  }

  /**
   * Takes a new configuration without losing a request; see reload.ts for what it refuses.
   *
   * @returns How it was brought to the data plane, in words.
   */
  async reload(next: PairConfig): Promise<string> {
    const changed = diffConfigs(this.#config, next);
    const how = await reloadProxy(this, { next, changed });
    this.#config = next;
    // A proxy that was ready before it came into its place.
    this.#announceReady();
    this.slots.vrrp.child?.send({ type: 'new-config', config: next });
    if (changed.includes('admin')) this.slots.admin.child?.send({ type: 'stop' });
    else this.slots.admin.child?.send({ type: 'new-config', config: next });
    this.#pushState();
    this.log.info({ event: 'reloaded', configHash: next.hash, how }, 'The new configuration serves');
    const evidence = { changed: changed.join(' '), configHash: next.hash, how };
    this.events.tell({ event: 'config', severity: 'info', text: `The new configuration serves (${how})`, evidence });
    await closeOldBinds(this);
    return how;
  }

  /** Asks the proxy child to take a configuration; one that dies or says nothing needs another process. */
  async askProxy(child: Child, request: Omit<ReloadMessage, 'type' | 'id'>, limitMs: number): Promise<ReloadAnswer> {
    const id = this.#nextId++;
    const answer = new Promise<ReloadAnswer>((resolve) => this.#reloads.set(id, resolve));
    child.send({ type: 'reload', id, ...request });
    const silent = child.ended(limitMs).then((ended): ReloadAnswer => {
      return {
        outcome: 'needs-process',
        reason: ended ? 'the proxy process died' : 'the proxy process does not answer',
      };
    });
    const first = await Promise.race([answer, silent]);
    this.#reloads.delete(id);
    return first;
  }

  /** What is known of the file on disk. */
  noteConfiguration(configuration: ConfigurationState): void {
    this.#state = { ...this.#state, configuration };
    this.#pushState();
  }

  reopenLogs(): void {
    this.slots.proxy.child?.send({ type: 'reopen-logs' });
  }

  /** Gives up the addresses, ends what is under way, ends the children. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#warnOfStop();
    clearInterval(this.#timer);
    clearInterval(this.#runDirTimer);
    tellSystemd('STOPPING=1');
    for (const slot of Object.values(this.slots)) slot.close();
    await stopChildren(this.slots, this.#config);
    if (this.#config.vips.length > 0) await this.#leaveInterfaces();
    this.predecessors.kill();
  }

  /** No connection lives any more that would need the interfaces as the agent made them. */
  async #leaveInterfaces(): Promise<void> {
    const { stateDir, node } = this.#options;
    const { putBackSettings } = await import('@tospann/vrrp');
    try {
      putBackSettings(stateDir, { config: this.#config, node });
    } catch (error) {
      if (!isTospannError(error)) throw error;
      this.log.warn({ event: 'interface-settings', code: error.code }, error.message);
    }
  }

  /** An operator who stops a node wants it stopped; but what clients lose by it is said. */
  #warnOfStop(): void {
    if (this.owned.length === 0 || this.#spareProblem === '') return;
    const fields = { event: 'stop-without-spare', vips: this.owned, problem: this.#spareProblem };
    this.log.warn(fields, 'The other node cannot take over: clients lose the service with this stop');
  }

  /** Ends at once: the failover agent releases its addresses when it sees the channel close. */
  stopNow(): void {
    this.predecessors.kill();
    for (const role of ['proxy', 'admin'] as const) this.slots[role].child?.kill('SIGKILL');
  }

  /** The control socket went with the directory: the admin process, which no request notices, makes another one. */
  #keepRunDir(): void {
    if (this.#makeDirectories()) this.slots.admin.child?.send({ type: 'stop' });
  }

  /** What children need, made again when somebody has removed it: whether the run directory was. What cannot be made is theirs to tell. */
  #makeDirectories(): boolean {
    const { runDir, stateDir } = this.#options;
    const made = this.#tryDirectory(() => runDir.ensure()) ?? false;
    if (made)
      this.log.warn({ event: 'run-dir', path: runDir.path }, 'The run directory was gone and has been made again');
    this.#tryDirectory(() => makeDirectory(stateDir, 0o750));
    return made;
  }

  #tryDirectory<T>(make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!this.#directoryProblems.has(text)) this.log.error({ event: 'directory', err: error }, text);
      this.#directoryProblems.add(text);
      return undefined;
    }
  }

  #sendStart(child: Child, config: PairConfig): void {
    const listeners = child.role === 'proxy' ? this.listeners.of(config) : [];
    const { node, runDir, stateDir } = this.#options;
    child.send({
      type: 'start',
      config,
      node,
      runDir: runDir.path,
      stateDir,
      listeners: listeners.map((listener, i) => ({ ...listener, fd: FIRST_LISTENER_FD + i })),
      orders: child.role === 'proxy' ? this.#servers.orders() : [],
      addresses: child.role === 'proxy' ? knownAddresses(this.#state.proxy) : [],
    });
    for (const listener of listeners) child.sockets.add(keyOf(listener));
  }

  // oxlint-disable-next-line complexity -- long: one case for each message
  #heard(child: Child, message: ChildReport): void {
    switch (message.type) {
      case 'ready':
        child.ready = true;
        if (child.role === 'proxy') this.#proxyReady(child);
        if (child.role === 'admin') this.events.adminReady();
        this.#pushState();
        this.#announceReady();
        return;
      case 'fatal':
        this.#childFailed(child, message);
        return;
      case 'proxy-snapshot':
        if (child === this.slots.proxy.child) this.#proxyCounted(message.snapshot);
        return;
      case 'vrrp-state':
        this.#vipChanged(message.vip, message.state);
        return;
      case 'vrrp-snapshot':
        this.#state = { ...this.#state, vrrp: message.snapshot, able: message.able };
        this.#pushState();
        return;
      case 'limits':
        this.#state = { ...this.#state, limits: message.limits };
        return;
      case 'server-order':
        this.#orderServer(message);
        return;
      case 'server-answer':
        this.#pushState();
        this.#answerServer(message.id, message.answer);
        return;
      case 'event':
        if (child.role === 'vrrp') this.events.keep(message.event);
        else this.events.note(message.event);
        return;
      case 'movers':
        this.#state = { ...this.#state, movers: message.results };
        return;
      case 'events-kept':
        this.events.kept(message.id);
        return;
      case 'failover':
        this.#failover(message);
        return;
      case 'failover-answer':
        this.#answerFailover(message.id, message.answer);
        return;
      case 'reload-answer':
        this.#reloads.get(message.id)?.(message.answer);
        return;
      case 'spare':
        this.#spareProblem = message.problem;
        return;
      case 'operation':
        void this.#operate(child, message);
        return;
    }
  }

  #proxyCounted(proxy: ProxySnapshot): void {
    this.#state = { ...this.#state, proxy };
    const frontends = proxy.frontends.flatMap(({ name, full }) => (full === undefined ? [] : [{ name, ...full }]));
    // Said again as long as it is so: what the agent has heard counts for a moment only.
    if (frontends.length > 0 || this.#someFull) this.slots.vrrp.child?.send({ type: 'full-frontends', frontends });
    this.#someFull = frontends.length > 0;
  }

  #faulty({ role, pid }: Child, why: string): void {
    this.#faultsTotal += 1;
    const faulty = { role, pid, why, faultsTotal: this.#faultsTotal };
    this.log.error({ event: 'child-faulty', ...faulty }, `The ${role} child is ended: ${why}`);
    this.events.note(faultyChildEvent(faulty, { timeMs: Date.now(), monotonicMs: monotonicMs() }));
    this.#pushState();
  }

  #vipChanged(vip: string, state: VrrpState): void {
    this.#vipStates.set(vip, state);
    this.predecessors.followAgent(this.#vipStates, this.#config.vips.length);
    if (this.slots.proxy.child !== undefined) this.#tellStandby(this.slots.proxy.child);
  }

  #proxyReady(proxy: Child): void {
    this.#tellStandby(proxy);
    // With it goes what was open for the configuration before.
    if (this.predecessors.retireProxy()) this.listeners.closeUnused(this.#config);
  }

  #childFailed(child: Child, message: Extract<FromChild, { readonly type: 'fatal' }>): void {
    const { code, hint } = message;
    this.log.error({ event: 'child-failed', child: child.role, code, hint }, message.message);
    if (child.role !== 'admin' && !this.#announcedReady && !this.#stopping) this.#options.failed(code);
  }

  #announceReady(): void {
    if (this.#announcedReady) return;
    // Traffic does not wait for the admin process: where it cannot start, it is tried again.
    const isUp = (role: Role): boolean =>
      this.slots[role].child?.ready === true || (role === 'admin' && this.slots.admin.info().restartsTotal > 0);
    if (!this.roles().every(isUp)) return;
    this.#announcedReady = true;
    const listeners = this.listeners.list().map((listener) => `${listener.address}:${listener.port}`);
    this.log.info({ event: 'ready', listeners, configHash: this.#config.hash }, 'All listeners accept');
    tellSystemd('READY=1');
  }

  /** A node that owns no address ends connections with their answers: clients that keep one open must move too. */
  #tellStandby(proxy: Child): void {
    const states = [...this.#vipStates.values()];
    proxy.send({
      type: 'standby',
      on: states.length > 0 && states.every((state) => state === 'backup' || state === 'fault'),
    });
  }

  #pushState(): void {
    this.slots.admin.child?.send({
      type: 'node-state',
      state: {
        startedMs: this.#startedMs,
        configHash: this.#config.hash,
        children: this.roles().map((role) => this.slots[role].info()),
        ...this.#state,
      },
    });
  }

  #failover(message: MoveMessage): void {
    const vrrp = this.slots.vrrp.child;
    if (this.#config.vips.length === 0 || vrrp === undefined || vrrp.gone || !vrrp.ready) {
      const { code, message: text, hint } = new TospannError('LB_OPERATION_NO_AGENT');
      this.#answerFailover(message.id, { outcome: 'refused', code, message: text, hint });
      return;
    }
    vrrp.send(message);
  }

  async #operate(child: Child, message: Extract<FromChild, { readonly type: 'operation' }>): Promise<void> {
    const { id, operation, force } = message;
    child.send({
      type: 'operation-answer',
      id,
      report: await this.#options.operate(operation, { force: force ?? false }),
    });
  }

  /** Keeps what an operator wants of a server before it is done: whatever dies in between, it is not forgotten. */
  #orderServer({ id, order }: Extract<FromChild, { readonly type: 'server-order' }>): void {
    const servers = this.#config.backends.find(({ name }) => name === order.backend)?.servers ?? [];
    if (!servers.some(({ name }) => name === order.server)) {
      this.#answerServer(id, { outcome: 'unknown-server' });
      return;
    }
    try {
      this.#servers.keep(order, this.#config);
    } catch (error) {
      this.#answerServer(id, { outcome: 'not-kept', detail: error instanceof Error ? error.message : String(error) });
      return;
    }
    const proxy = this.slots.proxy.child;
    if (proxy === undefined || proxy.gone || !proxy.ready) this.#answerServer(id, { outcome: 'no-proxy' });
    else proxy.send({ type: 'server-order', id, order });
  }

  #answerServer(id: number, answer: ServerAnswer): void {
    this.slots.admin.child?.send({ type: 'server-answer', id, answer });
  }

  #answerFailover(id: number, answer: FailoverAnswer): void {
    this.slots.admin.child?.send({ type: 'failover-answer', id, answer });
  }
}

function tellSystemd(state: string): void {
  notifySystemd(state, process.env['NOTIFY_SOCKET']);
}
