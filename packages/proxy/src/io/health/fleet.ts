// All servers of the data plane in the main thread: one watch for each, the operator's settings, passive health's flags
// and addresses by name. It alone writes the servers' state words; workers read them when the generation changes.
import type { PairConfig, ServerConfig } from '@tospann/config';
import { writeAddress } from '../../core/health/endpoint.ts';
import { CheckHeadParser } from '../../core/health/http-conversation.ts';
import { defaultSetting, type ServerSetting } from '../../core/health/standing.ts';
import { HeaderWord, ServerAdmin, serverWord, ServerWord } from '../../core/shared.ts';
import type { SlotMap } from '../../core/slots.ts';
import type { ServerHealthSnapshot, ServerStatusWord } from '../../core/snapshot.ts';
import type { CheckTools } from './health-check.ts';
import { NameWatch, type NameResolver } from './name-watch.ts';
import { ServerWatch, type StandingChange } from './server-watch.ts';
import { SocketGate } from './talk.ts';

/** Sockets that checks of all servers may hold at one time. */
const MAX_CHECK_SOCKETS = 256;
/** How often the flags of passive health are looked at: as soon as a person could notice, and next to no work. */
const FAULT_POLL_MS = 50;
const ADMIN_WORDS = { ready: ServerAdmin.READY, drain: ServerAdmin.DRAIN, maint: ServerAdmin.MAINT } as const;

/** A server has changed what it is. */
export interface ServerEvent {
  readonly event: 'server-state';
  readonly backend: string;
  readonly server: string;
  readonly from: ServerStatusWord;
  readonly to: ServerStatusWord;
  /** What the check saw, or what somebody wanted. */
  readonly reason: string;
  /** Who made the change. */
  readonly by: StandingChange['by'];
}

/** What an operator wants of one server; what is absent stays as it is. */
export interface ServerOrder {
  readonly backend: string;
  readonly server: string;
  readonly state?: ServerSetting['state'] | undefined;
  /** 0..256; null: as configured. */
  readonly weight?: number | null | undefined;
}

/** The address that a server by name had. */
export interface KnownAddress {
  readonly backend: string;
  readonly server: string;
  readonly hostName: string;
  readonly address: string;
}

export interface FleetOptions {
  readonly words: Int32Array;
  /** Wakes all workers. */
  readonly wake: () => void;
  readonly monotonicMs: () => number;
  readonly onEvent: (event: ServerEvent) => void;
  /** Settings from before a restart. */
  readonly orders?: readonly ServerOrder[];
  /** Of servers by name, from before a restart. */
  readonly addresses?: readonly KnownAddress[];
  /** @default Math.random */
  readonly random?: () => number;
  readonly resolver?: NameResolver;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #tools: CheckTools;
  readonly #gate = new SocketGate(MAX_CHECK_SOCKETS);
  readonly #watches = new Map<number, ServerWatch>();
  readonly #slots = new Map<ServerWatch, number>();
  readonly #settings = new Map<string, ServerSetting>();
  #names: NameWatch | undefined;
  #poll: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#tools = {
      gate: this.#gate,
      parser: new CheckHeadParser(),
      monotonicMs: options.monotonicMs,
      random: options.random ?? Math.random,
    };
    for (const order of options.orders ?? []) this.#remember(order);
  }

  /** The most sockets that checks held at one time. */
  get peakSockets(): number {
    return this.#gate.peak;
  }

  /**
   * Watches the servers of a configuration from now on. A server that is configured as before goes on undisturbed;
   * one whose settings changed keeps its health; the others are closed. Writes the words of all of them.
   */
  apply(config: Pick<PairConfig, 'backends'>, slots: SlotMap): void {
    const stays = new Set<number>();
    const total = Math.max(
      1,
      config.backends.reduce((sum, backend) => sum + backend.servers.length, 0),
    );
    let place = 0;
    config.backends.forEach((backend, b) =>
      backend.servers.forEach((server, s) => {
        const slot = slots.servers[b]![s]!;
        stays.add(slot);
        const phase = place++ / total;
        const before = this.#watches.get(slot);
        if (before !== undefined && isSame(before, { backend, server })) return;
        before?.close();
        const setting = this.#settings.get(`${backend.name}/${server.name}`) ?? defaultSetting;
        const onChange = (watch: ServerWatch, change: StandingChange): void => this.#changed(watch, change);
        const tools = this.#tools;
        const options = { backend, server, setting, phase, tools, onChange, ...this.#known(backend.name, server) };
        const watch = new ServerWatch(before === undefined ? options : { ...options, before });
        if (before !== undefined) this.#slots.delete(before);
        this.#watches.set(slot, watch);
        this.#slots.set(watch, slot);
        this.#write(slot, watch, before === undefined);
      }),
    );
    for (const [slot, watch] of this.#watches) if (!stays.has(slot)) this.#drop(slot, watch);
    this.#followNames();
    this.#followFaults();
    this.#publish();
  }

  /** What is known of the server in a slot. */
  snapshotOf(slot: number): ServerHealthSnapshot {
    const watch = this.#watches.get(slot);
    if (watch === undefined) throw new RangeError(`no server in slot ${slot}`);
    const { standing, health, server, resolution } = watch;
    const resolved = resolution === undefined ? {} : { hostName: server.address, resolution };
    return {
      ...resolved,
      address: watch.address === '' ? server.address : watch.address,
      state: standing.state,
      status: standing.status,
      admin: standing.admin,
      weight: standing.weight,
      effectiveWeight: standing.effectiveWeight,
      sinceMs: watch.sinceMs,
      lastCheck: health.lastCheck,
      checkStatus: health.code,
      checkDetail: watch.detail,
      checkFailuresTotal: health.failuresTotal,
    };
  }

  /** Does what the operator wants; false: there is no such server. */
  order(order: ServerOrder): boolean {
    const known = [...this.#watches.values()].filter(
      ({ backend, server }) => backend.name === order.backend && server.name === order.server,
    );
    if (known.length === 0) return false;
    const setting = this.#remember(order);
    for (const watch of known) watch.set(setting);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    this.#names?.close();
    for (const watch of this.#watches.values()) watch.close();
  }

  #known(backend: string, server: ServerConfig): { readonly address?: string } {
    const known = this.#options.addresses?.find(
      (one) => one.backend === backend && one.server === server.name && one.hostName === server.address,
    );
    return known === undefined ? {} : { address: known.address };
  }

  #remember({ backend, server, state, weight }: ServerOrder): ServerSetting {
    const key = `${backend}/${server}`;
    const before = this.#settings.get(key) ?? defaultSetting;
    const nextWeight = weight === undefined ? before.weight : (weight ?? undefined);
    const setting: ServerSetting = {
      state: state ?? before.state,
      ...(nextWeight === undefined ? {} : { weight: nextWeight }),
    };
    this.#settings.set(key, setting);
    return setting;
  }

  #changed(watch: ServerWatch, { before, by }: StandingChange): void {
    const slot = this.#slots.get(watch);
    if (slot === undefined || this.#isClosed) return;
    if (this.#write(slot, watch, false)) this.#publish();
    const { standing, backend, server } = watch;
    if (before.status === standing.status) return;
    if (watch.health.state === 'down' && by !== 'resolver') this.#names?.soon(server.address);
    this.#options.onEvent({
      event: 'server-state',
      backend: backend.name,
      server: server.name,
      from: before.status,
      to: standing.status,
      reason: reasonOf(watch, by),
      by,
    });
  }

  /** Writes what the workers read of a server; true when anything of it is new. */
  #write(slot: number, watch: ServerWatch, isNew: boolean): boolean {
    const { words } = this.#options;
    const { standing, server } = watch;
    const word = serverWord(slot);
    let changes = 0;
    const put = (at: number, value: number): void => {
      if (Atomics.exchange(words, word + at, value) !== value) changes++;
    };
    if (isNew) {
      put(ServerWord.faults, 0);
      put(ServerWord.tripped, 0);
    }
    if (server.isName === true && watch.address !== '' && (isNew || watch.address !== watch.writtenAddress)) {
      watch.writtenAddress = watch.address;
      writeAddress(words, word, watch.address);
      changes++;
    }
    put(ServerWord.usable, standing.usable ? 1 : 0);
    put(ServerWord.weight, standing.effectiveWeight);
    put(ServerWord.admin, ADMIN_WORDS[standing.admin]);
    put(ServerWord.limit, standing.maxConnections > 0 ? standing.maxConnections : (server.maxConnections ?? 0));
    return changes > 0;
  }

  #publish(): void {
    Atomics.add(this.#options.words, HeaderWord.generation, 1);
    this.#options.wake();
  }

  #drop(slot: number, watch: ServerWatch): void {
    watch.close();
    this.#watches.delete(slot);
    this.#slots.delete(watch);
  }

  #followNames(): void {
    const named = [...this.#watches.values()].filter(({ server }) => server.isName === true);
    if (named.length === 0) {
      this.#names?.close();
      this.#names = undefined;
      return;
    }
    this.#names ??= new NameWatch({ random: this.#tools.random, resolver: this.#options.resolver });
    this.#names.follow(named);
  }

  #followFaults(): void {
    const isObserved = [...this.#watches.values()].some(({ backend }) => backend.observe !== undefined);
    if (!isObserved) {
      clearInterval(this.#poll);
      this.#poll = undefined;
      return;
    }
    this.#poll ??= setInterval(() => this.#lookForFaults(), FAULT_POLL_MS);
  }

  #lookForFaults(): void {
    const { words } = this.#options;
    for (const [slot, watch] of this.#watches) {
      if (watch.backend.observe === undefined) continue;
      const word = serverWord(slot);
      if (words[word + ServerWord.tripped] === 0) continue;
      Atomics.store(words, word + ServerWord.faults, 0);
      Atomics.store(words, word + ServerWord.tripped, 0);
      watch.faulted();
    }
  }
}

/** Whether a watch is of the same configuration; other parts of a backend do not concern it. */
function isSame(watch: ServerWatch, next: Pick<ServerWatch, 'backend' | 'server'>): boolean {
  const parts = ({ backend, server }: Pick<ServerWatch, 'backend' | 'server'>): string =>
    JSON.stringify([server, backend.name, backend.check, backend.observe, backend.agent]);
  return parts(watch) === parts(next);
}

function reasonOf(watch: ServerWatch, by: StandingChange['by']): string {
  if (by === 'operator') return `${watch.standing.admin} by operator`;
  if (by === 'resolver' && watch.address !== '') return `${watch.server.address} is ${watch.address}`;
  if (by === 'agent' || by === 'resolver') return watch.detail;
  return watch.health.lastCheck;
}
