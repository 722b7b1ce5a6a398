// What signed adverts need to know of an earlier life, kept on disk. Of this node: the latest time that its adverts may have
// carried; after a restart with a clock that was set back (a board without a battery starts in 1970) their sequence begins
// above it, so that the peer does not take them for replays. Of the others: the highest sequence of each sender and when it was
// heard, so that what was recorded before a restart is not believed after it (core/advert/replay.ts). Side effects: one small
// file, written twice a minute, and soon after a sender is heard for the first time; one write at a time, so that a disk that hangs
// holds one; a failed write is tried again. It waits for no disk, as replaceFile() would: words of the peer link leave from
// the same thread.
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { monotonicMs } from '@tospann/linux';
import { readBootId } from '../boot-id.ts';

const everyMs = 30_000;
/** Senders that are new are written no more often. */
const leastMs = 5000;
/** Far more than routers have senders that know a key. */
const marksMost = 1024;

/** The highest sequence of one sender of one router. */
export interface SequenceMark {
  /** `4/51`: family and router id. */
  readonly router: string;
  readonly source: string;
  readonly sequence: bigint;
  /** CLOCK_MONOTONIC; undefined: before the machine was started. */
  readonly heardMs: number | undefined;
  readonly heardUtcMs: number;
}

interface Kept {
  readonly utcMs: number;
  readonly marks: readonly SequenceMark[];
}

export class AdvertClock {
  /** Ms since 1970; 0 while the clock is right, which is after what was kept. */
  readonly floorMs: number;
  /** What an earlier life of this node heard last of each sender. */
  readonly kept: readonly SequenceMark[];
  readonly #file: string;
  readonly #bootId: string;
  readonly #timer: NodeJS.Timeout;
  #marks: readonly SequenceMark[];
  #isWriting = false;
  #writtenMs = -Infinity;
  #soon: NodeJS.Timeout | undefined;

  constructor(file: string, bootId = readBootId()) {
    this.#file = file;
    this.#bootId = bootId;
    const { utcMs, marks } = read(file, bootId);
    // Twice the period: the last write may be that old, and the one before may be the one that survived.
    this.floorMs = utcMs > Date.now() ? utcMs + 2 * everyMs : 0;
    this.kept = marks;
    this.#marks = marks;
    this.#timer = setInterval(() => void this.#keep(), everyMs);
    this.#timer.unref();
    void this.#keep();
  }

  /** What is known of all senders now. */
  note(marks: readonly SequenceMark[]): void {
    const known = new Set(this.#marks.map(({ router, source }) => `${router} ${source}`));
    this.#marks = marks;
    const isNew = marks.some(({ router, source }) => !known.has(`${router} ${source}`));
    if (!isNew || this.#soon !== undefined) return;
    const waitMs = Math.max(0, this.#writtenMs + leastMs - monotonicMs());
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      void this.#keep();
    }, waitMs);
    this.#soon.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
  }

  async #keep(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writtenMs = monotonicMs();
    const utcMs = Math.max(Date.now(), this.floorMs);
    const peers = this.#marks.map((mark) => ({ ...mark, sequence: mark.sequence.toString(16) }));
    const temporary = `${this.#file}.${process.pid}.tmp`;
    try {
      const file = await open(temporary, 'w', 0o640);
      try {
        await file.writeFile(`${JSON.stringify({ version: 1, utcMs, bootId: this.#bootId, peers })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#file);
    } catch {
      // A disk that refuses is told by the terms' file beside this one; here it matters only if the clock goes back too,
      // or if somebody plays a recording: then the first advert after a restart must be of now by our clock.
    } finally {
      this.#isWriting = false;
    }
  }
}

/** Whatever is wrong with the file is nothing kept. */
function read(file: string, bootId: string): Kept {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isRecord(kept)) return { utcMs: 0, marks: [] };
    const { utcMs, peers } = kept;
    const sameBoot = bootId !== '' && kept['bootId'] === bootId;
    const marks = Array.isArray(peers) ? peers.slice(0, marksMost).flatMap((peer) => markOf(peer, sameBoot)) : [];
    return { utcMs: isTime(utcMs) && utcMs < 1e14 ? utcMs : 0, marks };
  } catch {
    return { utcMs: 0, marks: [] };
  }
}

function markOf(value: unknown, sameBoot: boolean): SequenceMark[] {
  if (!isRecord(value)) return [];
  const { router, source, sequence, heardMs, heardUtcMs } = value;
  if (typeof router !== 'string' || typeof source !== 'string' || !isTime(heardUtcMs)) return [];
  if (typeof sequence !== 'string' || !/^[0-9a-f]{1,16}$/.test(sequence)) return [];
  const mark = { router, source, sequence: BigInt(`0x${sequence}`), heardUtcMs };
  return [{ ...mark, heardMs: sameBoot && isTime(heardMs) && heardMs <= monotonicMs() ? heardMs : undefined }];
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
