// Slots: the stable numbers of frontends, backends and servers in the shared words and counters. A slot belongs to an
// identity (a frontend's name; a backend's name; backend, name and address of a server) and stays with it over reloads,
// so that what is counted and known of it goes on. A slot that no configuration names any more is given to somebody
// else only after `free`: when no connection on any worker refers to it. Pure; lives in the main thread.
import type { PairConfig } from '@tospann/config';

/** What has slots. */
export type Traffic = Pick<PairConfig, 'frontends' | 'backends'>;

/** How many slots there are of each kind; fixed for the life of a process. */
export interface Capacity {
  readonly frontends: number;
  readonly backends: number;
  readonly servers: number;
}

/** Slots of a configuration, in its order. Plain data: it goes to the workers with the configuration. */
export interface SlotMap {
  readonly frontends: readonly number[];
  readonly backends: readonly number[];
  /** For each backend, those of its servers. */
  readonly servers: readonly (readonly number[])[];
}

const KINDS = ['frontends', 'backends', 'servers'] as const;
type Kind = (typeof KINDS)[number];
type Identities = Readonly<Record<Kind, readonly string[]>>;

/** Room for a configuration to grow by reloads: at least twice what it has. */
export function capacityFor(config: Traffic): Capacity {
  const servers = config.backends.reduce((sum, backend) => sum + backend.servers.length, 0);
  return {
    frontends: Math.max(32, 2 * config.frontends.length),
    backends: Math.max(128, 2 * config.backends.length),
    servers: Math.max(512, 2 * servers),
  };
}

/** The slots of a first configuration: counted from 0. */
export function firstSlots(config: Traffic): SlotMap {
  const slots = new SlotTable(capacityFor(config)).assign(config);
  if (slots === null) throw new RangeError('a capacity below its own configuration');
  return slots;
}

/** Who has which slot. */
export class SlotTable {
  readonly #tables: Readonly<Record<Kind, Table>>;

  constructor(capacity: Capacity) {
    this.#tables = {
      frontends: new Table(capacity.frontends),
      backends: new Table(capacity.backends),
      servers: new Table(capacity.servers),
    };
  }

  /**
   * Gives each identity of the configuration the slot that it has, or a free one. Those that it does not name keep
   * theirs until `retire` and `free`.
   *
   * @returns Null when there are not enough free slots; then nothing has changed.
   */
  assign(config: Traffic): SlotMap | null {
    const identities = identitiesOf(config);
    if (KINDS.some((kind) => !this.#tables[kind].hasRoom(identities[kind]))) return null;
    for (const kind of KINDS) this.#tables[kind].assign(identities[kind]);
    let next = 0;
    return {
      frontends: identities.frontends.map((identity) => this.#tables.frontends.of(identity)),
      backends: identities.backends.map((identity) => this.#tables.backends.of(identity)),
      servers: config.backends.map((backend) =>
        backend.servers.map(() => this.#tables.servers.of(identities.servers[next++]!)),
      ),
    };
  }

  /** The configuration serves now: what it does not name leaves at this step (a number that grows). */
  retire(config: Traffic, step: number): void {
    const identities = identitiesOf(config);
    for (const kind of KINDS) this.#tables[kind].retire(new Set(identities[kind]), step);
  }

  /** No connection refers to anything that left at this step or before: gives the slots back, and says which. */
  free(step: number): Readonly<Record<Kind, readonly number[]>> {
    return {
      frontends: this.#tables.frontends.free(step),
      backends: this.#tables.backends.free(step),
      servers: this.#tables.servers.free(step),
    };
  }
}

class Table {
  readonly #slots = new Map<string, number>();
  /** Step at which an identity left. */
  readonly #leaving = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #capacity: number;
  #used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  of(identity: string): number {
    const slot = this.#slots.get(identity);
    if (slot === undefined) throw new RangeError(`no slot for ${identity}`);
    return slot;
  }

  hasRoom(identities: readonly string[]): boolean {
    const fresh = identities.filter((identity) => !this.#slots.has(identity)).length;
    return fresh <= this.#free.length + this.#capacity - this.#used;
  }

  assign(identities: readonly string[]): void {
    for (const identity of identities) {
      this.#leaving.delete(identity);
      if (!this.#slots.has(identity)) this.#slots.set(identity, this.#free.pop() ?? this.#used++);
    }
  }

  retire(stays: ReadonlySet<string>, step: number): void {
    for (const identity of this.#slots.keys()) {
      if (!stays.has(identity) && !this.#leaving.has(identity)) this.#leaving.set(identity, step);
    }
  }

  free(step: number): number[] {
    const freed: number[] = [];
    for (const [identity, left] of this.#leaving) {
      if (left > step) continue;
      freed.push(this.of(identity));
      this.#leaving.delete(identity);
      this.#slots.delete(identity);
    }
    this.#free.push(...freed);
    return freed;
  }
}

function identitiesOf(config: Traffic): Identities {
  return {
    frontends: config.frontends.map(({ name }) => name),
    backends: config.backends.map(({ name }) => name),
    servers: config.backends.flatMap((backend) =>
      backend.servers.map((server) => `${backend.name}/${server.name} ${server.address} ${server.port}`),
    ),
  };
}
