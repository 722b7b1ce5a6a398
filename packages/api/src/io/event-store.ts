// The events of this node for whoever asks: in memory, on disk, and to those who follow. Opened before the process
// gives up its rights. A disk that fails costs the history of a restart, never the stream.
import type { EventDraft, NodeEvent } from '../contract.ts';
import { bounded, EventLog, EventReader, EVENTS_HELD, inShort } from '../core/event-log.ts';
import { EventFile, type EventFileOptions } from './event-file.ts';
import type { ApiLog } from './log.ts';

export interface EventStoreOptions {
  readonly node: string;
  readonly stateDir: string;
  readonly log: ApiLog;
  /** Overrides for tests. */
  readonly tuning?: { readonly held?: number; readonly fileBytes?: number };
}

/** Events that are compared with one that is told again after this process has died. */
const repeatedAmong = 500;

/** Gives events their numbers, keeps them, and tells followers. */
export class EventStore {
  /** Absent: the disk takes none since the start. */
  readonly #file: EventFile | undefined;
  readonly #log: EventLog;
  readonly #apiLog: ApiLog;
  readonly #followers = new Set<() => void>();
  #unwritten: string[] = [];
  #isScheduled = false;
  #isFailing = false;
  /** What an earlier process has kept: its source may tell it once more, because it has not heard so. */
  readonly #known: ReadonlySet<string>;

  constructor({ node, stateDir, log, tuning = {} }: EventStoreOptions) {
    const { held = EVENTS_HELD, fileBytes } = tuning;
    this.#apiLog = log;
    this.#file = openFile({ stateDir, ...(fileBytes === undefined ? {} : { limitBytes: fileBytes }) }, log);
    this.#isFailing = this.#file === undefined;
    const kept = this.#file?.read(held) ?? [];
    this.#log = new EventLog(node, { kept, limit: held });
    this.#known = new Set(kept.slice(-repeatedAmong).map(identityOf));
  }

  get newest(): number {
    return this.#log.newest;
  }

  /** Keeps an event; undefined when it was kept before. */
  append(told: EventDraft): NodeEvent | undefined {
    // As it will be read back: compared with what an earlier process has kept.
    const draft = bounded(told);
    if (this.#known.has(identityOf(draft))) return undefined;
    const event = this.#log.append(draft);
    this.#unwritten.push(JSON.stringify(event));
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => this.flush());
    }
    for (const follower of this.#followers) follower();
    return event;
  }

  /** A place in the stream; see EventReader. */
  reader(options: { readonly since?: number; readonly kinds?: readonly string[] }): EventReader {
    return new EventReader(this.#log, options);
  }

  /** Calls back after each event, until the returned function is called. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** The last events without their evidence. */
  recent(count: number): readonly NodeEvent[] {
    return this.#log.last(count).map(inShort);
  }

  /** Writes what waits; on its own it is written in the same turn of the loop. */
  flush(): void {
    this.#isScheduled = false;
    const lines = this.#unwritten;
    if (lines.length === 0) return;
    this.#unwritten = [];
    try {
      this.#file?.write(lines);
      this.#isFailing = this.#file === undefined;
    } catch (error) {
      // Once for each fault, not once for each event of it.
      if (!this.#isFailing) this.#apiLog.error({ code: 'LB_API_STATE_FILE', err: error }, 'Events cannot be kept');
      this.#isFailing = true;
    }
  }

  close(): void {
    this.flush();
    this.#file?.close();
  }
}

/** A node whose disk takes no events tells them all the same. */
function openFile(options: EventFileOptions, log: ApiLog): EventFile | undefined {
  try {
    return new EventFile(options);
  } catch (error) {
    log.error({ code: 'LB_API_STATE_FILE', err: error }, 'Events cannot be kept');
    return undefined;
  }
}

/** Opens the events of a node. */
export function openEventStore(options: EventStoreOptions): EventStore {
  return new EventStore(options);
}

function identityOf({ monotonicMs, timeMs, event, text }: EventDraft): string {
  return `${monotonicMs} ${timeMs} ${event} ${text}`;
}
