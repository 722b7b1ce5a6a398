// The last events of a node in their order, and readers that each go through them at their own pace: who falls behind
// what is held is told which numbers it has missed. Pure: files and connections are elsewhere.
import { plainText } from '@tospann/errors';
import type { EventDraft, EventLine, NodeEvent } from '../contract.ts';

/** The kinds of this version; each has a line in docs/events.md. */
export const EVENT_KINDS = [
  'vrrp-state',
  'vrrp-notice',
  'vrrp-problem',
  'track',
  'handover',
  'maintenance',
  'server-state',
  'config',
  'child',
  'node',
  'hook',
  'mover',
  'tuner',
  'events',
] as const;

/** Events in memory: days of a quiet pair, minutes of one that flaps. */
export const EVENTS_HELD = 2000;

/** Longest sentence and longest text of one piece of evidence, characters; most pieces. */
const textLimit = 1000;
const pieceLimit = 500;
const piecesLimit = 40;

/** A bounded list of events, oldest first. */
export class EventLog {
  readonly #node: string;
  readonly #limit: number;
  #events: NodeEvent[];
  #newest: number;

  /** @param kept What is known from before: in order, numbers growing. */
  constructor(node: string, options: { readonly kept?: readonly NodeEvent[]; readonly limit?: number } = {}) {
    const { kept = [], limit = EVENTS_HELD } = options;
    this.#node = node;
    this.#limit = limit;
    this.#events = kept.slice(-limit);
    this.#newest = kept.at(-1)?.seq ?? 0;
  }

  /** The number of the last event; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  get node(): string {
    return this.#node;
  }

  /** Gives an event its number. */
  append(draft: EventDraft): NodeEvent {
    this.#newest += 1;
    const event: NodeEvent = { seq: this.#newest, node: this.#node, ...bounded(draft) };
    this.#events.push(event);
    if (this.#events.length > this.#limit) this.#events.shift();
    return event;
  }

  /** At most `limit` events whose number is greater than `seq`, oldest first. */
  after(seq: number, limit: number): readonly NodeEvent[] {
    let from = this.#events.length;
    while (from > 0 && (this.#events[from - 1]?.seq ?? 0) > seq) from -= 1;
    return this.#events.slice(from, from + limit);
  }

  /** The last `count` events, oldest first. */
  last(count: number): readonly NodeEvent[] {
    return count <= 0 ? [] : this.#events.slice(-count);
  }
}

/** One reader's place in the log. */
export class EventReader {
  readonly #log: EventLog;
  readonly #kinds: ReadonlySet<string>;
  /** The last number that was read or told as missing; undefined: begins with what is held. */
  #at: number | undefined;

  /**
   * @param options.since The last number that the reader has; negative: the last so many events; absent, or larger
   * than any of this node: all that is held.
   * @param options.kinds Only these; empty: all.
   */
  constructor(log: EventLog, options: { readonly since?: number; readonly kinds?: readonly string[] } = {}) {
    const { since = 0, kinds = [] } = options;
    this.#log = log;
    this.#kinds = new Set(kinds);
    if (since < 0) this.#at = (log.last(-since)[0]?.seq ?? 1) - 1;
    else if (since > 0 && since <= log.newest) this.#at = since;
  }

  /**
   * The next lines, and what is missing between them.
   *
   * @param limit Events to look at, at most.
   * @returns undefined when nothing new is there; an empty list when nothing new is of these kinds.
   */
  next(limit: number): readonly EventLine[] | undefined {
    const events = this.#log.after(this.#at ?? 0, limit);
    if (events.length === 0) return undefined;
    const lines: EventLine[] = [];
    for (const event of events) {
      if (this.#at !== undefined && event.seq > this.#at + 1) {
        lines.push({ event: 'gap', node: this.#log.node, from: this.#at + 1, to: event.seq - 1 });
      }
      this.#at = event.seq;
      if (this.#kinds.size === 0 || this.#kinds.has(event.event)) lines.push(event);
    }
    return lines;
  }
}

/** An event without its evidence: for lists that are sent often. */
export function inShort({ evidence: _evidence, ...rest }: NodeEvent): NodeEvent {
  return rest;
}

/** An event as it is kept: foreign words plain, everything bounded. */
export function bounded(draft: EventDraft): EventDraft {
  const { evidence, text, ...rest } = draft;
  const pieces = Object.entries(evidence ?? {}).slice(0, piecesLimit);
  const cut = pieces.map(([key, value]) => [key, typeof value === 'string' ? plainText(value, pieceLimit) : value]);
  return {
    ...rest,
    text: plainText(text, textLimit),
    ...(evidence === undefined ? {} : { evidence: Object.fromEntries(cut) as EventDraft['evidence'] }), // same values, shorter
  };
}
