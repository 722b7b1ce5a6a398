// An engine whose plan is replaced as the main thread does it: slots assigned, words written, freed slots cleared.
import type { PairConfig } from '@tospann/config';
import { initialWords, makePlan } from '../src/core/plan.ts';
import { isSettled, replacePlan } from '../src/core/replace.ts';
import { capacityFor, SlotTable, type SlotMap } from '../src/core/slots.ts';
import { layoutFor, type SharedLayout } from '../src/core/shared.ts';
import { clearSlots } from '../src/io/running.ts';
import { EngineBench, LISTENER, type BenchOptions } from './engine-bench.ts';

export class ReloadBench extends EngineBench {
  config: PairConfig;
  slots: SlotMap;
  readonly layout: SharedLayout;
  /** Slots given back since the start. */
  freed = 0;
  readonly #table: SlotTable;
  #step = 0;

  constructor(options: BenchOptions & { readonly start: PairConfig }) {
    super({ ...options, configure: () => options.start });
    this.config = options.start;
    const capacity = capacityFor(options.start);
    this.layout = layoutFor(capacity);
    this.#table = new SlotTable(capacity);
    this.slots = this.#table.assign(options.start)!;
  }

  /** Puts a configuration in the old one's place; `listens` names the frontend of the one listening socket. */
  reload(next: PairConfig, listens: string | null = next.frontends[0]!.name): void {
    const slots = this.#table.assign(next);
    if (slots === null) throw new Error('no slot is free');
    const plan = makePlan(next, { capacity: this.layout, slots });
    initialWords(next, this.words, slots);
    this.config = next;
    this.slots = slots;
    this.#table.retire(next, ++this.#step);
    const frontend = slots.frontends[next.frontends.findIndex(({ name }) => name === listens)];
    replacePlan(this.engine, {
      plan,
      settings: { ...this.engine.options, timeouts: next.timeouts, http: next.http },
      listeners: frontend === undefined ? [] : [{ fd: LISTENER, frontend }],
    });
    this.transport.settle();
  }

  /** Gives slots back if nothing refers to them any more. */
  settleSlots(): boolean {
    if (!isSettled(this.engine)) return false;
    const freed = this.#table.free(this.#step);
    this.freed += freed.servers.length + freed.backends.length + freed.frontends.length;
    clearSlots({ layout: this.layout, words: this.words, counters: [this.counters] }, freed);
    return true;
  }

  /** Slot of a server. */
  slotOf(backend: string, server: string): number {
    const b = this.config.backends.findIndex(({ name }) => name === backend);
    return this.slots.servers[b]![this.config.backends[b]!.servers.findIndex(({ name }) => name === server)]!;
  }
}
