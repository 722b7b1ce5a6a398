// The worker's end of the control channel: takes a new plan in two steps (see WorkerControl) and tells when nothing
// refers to the old one's leftovers any more. Read between two events, also on the ring, whose thread never returns to
// Node's event loop: messages wait in the port until the shared count says that there is one.
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Engine } from '../core/engine.ts';
import { isSettled, replacePlan, type Replacement } from '../core/replace.ts';
import { MapTable, type NamedMap } from '../core/rules/map-table.ts';
import type { MapSource } from '../core/rules/rules-plan.ts';
import { HeaderWord } from '../core/shared.ts';
import type { PlanInput, WorkerControl, WorkerMessage } from '../core/worker-data.ts';

/** How often connections are looked through for what they refer to, ms. */
const SETTLE_INTERVAL_MS = 500;

/** Maps by name, as one plan has them. */
export type PlanMaps = ReadonlyMap<string, MapSource>;

/** A plan that could serve. */
export interface PreparedPlan {
  readonly replacement: Replacement;
  /** The plan's maps, which take the changes of their files once it serves. */
  readonly maps: PlanMaps;
}

export interface WorkerPlansOptions {
  readonly engine: Engine;
  readonly words: Int32Array;
  readonly port: Pick<MessagePort, 'postMessage'>;
  /** Works out what takes the old plan's place. Throws when it cannot. */
  readonly build: (input: PlanInput) => PreparedPlan;
  /** Those of the plan that serves now. */
  readonly maps: PlanMaps;
}

export class WorkerPlans {
  readonly #options: WorkerPlansOptions;
  #messages = 0;
  #maps: PlanMaps;
  #prepared: ({ readonly step: number } & PreparedPlan) | undefined;
  /** Told once the calls of the swap have gone to the kernel: at the turn after it. */
  #committed = -1;
  #unsettled = -1;
  #nextLookMs = 0;

  constructor(options: WorkerPlansOptions) {
    this.#options = options;
    this.#maps = options.maps;
  }

  /** Called at each tick and whenever the worker was woken. */
  poll(nowMs: number): void {
    if (this.#committed >= 0) {
      this.#tell({ type: 'committed', step: this.#committed });
      this.#committed = -1;
    }
    const messages = Atomics.load(this.#options.words, HeaderWord.messages);
    if (messages !== this.#messages) {
      this.#messages = messages;
      this.#read();
    }
    if (this.#unsettled >= 0 && nowMs >= this.#nextLookMs) this.#look(nowMs);
  }

  #read(): void {
    for (;;) {
      const received: { message: WorkerControl } | undefined = receiveMessageOnPort(this.#options.port as MessagePort);
      if (received === undefined) return;
      this.#take(received.message);
    }
  }

  #take(message: WorkerControl): void {
    switch (message.type) {
      case 'prepare':
        this.#prepare(message.step, message.input);
        return;
      case 'commit':
        this.#commit(message.step);
        return;
      case 'abandon':
        this.#prepared = undefined;
        return;
      case 'map':
        this.#takeMap(message.map);
        return;
    }
  }

  #prepare(step: number, input: PlanInput): void {
    try {
      this.#prepared = { step, ...this.#options.build(input) };
      this.#tell({ type: 'prepared', step });
    } catch (error) {
      this.#prepared = undefined;
      this.#tell({ type: 'refused', step, detail: error instanceof Error ? error.message : String(error) });
    }
  }

  #commit(step: number): void {
    if (this.#prepared?.step !== step) return;
    replacePlan(this.#options.engine, this.#prepared.replacement);
    this.#maps = this.#prepared.maps;
    this.#prepared = undefined;
    this.#committed = step;
    this.#unsettled = step;
    this.#nextLookMs = 0;
  }

  /** The file of one of the maps that serve has changed; the main thread watches those of no other plan. */
  #takeMap({ name, match, data }: NamedMap): void {
    const source = this.#maps.get(name);
    if (source !== undefined) source.table = new MapTable(data, match);
  }

  #look(nowMs: number): void {
    this.#nextLookMs = nowMs + SETTLE_INTERVAL_MS;
    if (!isSettled(this.#options.engine)) return;
    this.#tell({ type: 'settled', step: this.#unsettled });
    this.#unsettled = -1;
  }

  #tell(message: WorkerMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#options.port.postMessage(message);
  }
}
