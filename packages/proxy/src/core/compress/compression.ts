// Compression of one worker: who compresses now, and how much of that is done in one turn of the loop. A body is
// compressed in slices; what a turn may spend on slices is bounded, and those that wait take turns, so that neither
// a large answer nor many of them hold up everybody else's small ones.
import { Chain } from '../buffers.ts';
import type { Client } from '../connection.ts';
import { AnswerHeadEditor } from './answer-head.ts';
import { CompressorPool, type Lent, type MakeCompressor } from './compressors.ts';
import type { ResponseHeadParser } from '@tospann/http';

/** Received bytes that are compressed without a look at the clock and at others. */
export const SLICE_BYTES = 16_384;
/** What one turn of the loop may spend, by the table of costs. */
const TURN_NS = 1_000_000;

/** An answer that is being compressed. Made once and used again. */
export class Encoding {
  client: Client | null = null;
  lent: Lent | null = null;
  /** Received from the server and not compressed yet. */
  readonly raw = new Chain();
  /** The server's connection is at its end (FIN); what is in `raw` is still good. */
  ended = false;
  /** It broke: what is in `raw` is the last that comes. */
  broken = false;
  /** The last piece that came did not fill its buffer: nothing more was there at that moment. */
  paused = false;
  /** Bytes went in since the last flush. */
  dirty = false;
  /** Waits for its turn. */
  queued = false;
  next: Encoding | null = null;
  previous: Encoding | null = null;
}

/** What a worker's engine knows of compression. */
export class Compression {
  readonly pool: CompressorPool;
  readonly editor: AnswerHeadEditor;
  /** A further turn has been asked for. */
  askedAgain = false;
  first: Encoding | null = null;
  #last: Encoding | null = null;
  readonly #free: Encoding[] = [];
  #left = TURN_NS;
  #turnMs = 0;

  constructor(make: MakeCompressor, answerHead: ResponseHeadParser) {
    this.pool = new CompressorPool(make);
    this.editor = new AnswerHeadEditor(answerHead);
  }

  /** Begins; null when there is no compressor. */
  begin(client: Client, coding: number, level: number): Encoding | null {
    const lent = this.pool.take(coding, level);
    if (lent === null) return null;
    const encoding = this.#free.pop() ?? new Encoding();
    encoding.client = client;
    encoding.lent = lent;
    encoding.ended = false;
    encoding.broken = false;
    encoding.paused = false;
    encoding.dirty = false;
    return encoding;
  }

  /** Gives everything back; `raw` is empty. */
  end(encoding: Encoding): void {
    if (encoding.queued) this.remove(encoding);
    this.pool.give(encoding.lent!);
    encoding.lent = null;
    encoding.client = null;
    this.#free.push(encoding);
  }

  /** Whether something may still be spent in this turn; the time is the transport's, which stands still in one. */
  mayWork(nowMs: number): boolean {
    if (nowMs !== this.#turnMs) {
      this.#turnMs = nowMs;
      this.#left = TURN_NS;
    }
    return this.#left > 0;
  }

  /** A new turn has begun, whatever the clock says. */
  newTurn(): void {
    this.#left = TURN_NS;
  }

  spend(encoding: Encoding, bytes: number): void {
    this.#left -= (bytes + 1024) * encoding.lent!.costPerByte;
  }

  push(encoding: Encoding): void {
    encoding.queued = true;
    encoding.previous = this.#last;
    encoding.next = null;
    if (this.#last === null) this.first = encoding;
    else this.#last.next = encoding;
    this.#last = encoding;
  }

  remove(encoding: Encoding): void {
    if (encoding.previous === null) this.first = encoding.next;
    else encoding.previous.next = encoding.next;
    if (encoding.next === null) this.#last = encoding.previous;
    else encoding.next.previous = encoding.previous;
    encoding.next = null;
    encoding.previous = null;
    encoding.queued = false;
  }
}
