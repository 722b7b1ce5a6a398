// The latest time that this node's signed adverts may have carried, kept on disk: after a restart with a clock that was
// set back (a board without a battery starts in 1970), their sequence begins above it, so that the peer does not take them
// for replays (core/advert/replay.ts). Side effects: one small file, written twice a minute; a failed write is tried again. It waits
// for no disk, as replaceFile() would: words of the peer link leave from the same thread.
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

const everyMs = 30_000;

export class AdvertClock {
  /** Ms since 1970; 0 while the clock is right, which is after what was kept. */
  readonly floorMs: number;
  readonly #file: string;
  readonly #timer: NodeJS.Timeout;

  constructor(file: string) {
    this.#file = file;
    const kept = read(file);
    // Twice the period: the last write may be that old, and the one before may be the one that survived.
    this.floorMs = kept > Date.now() ? kept + 2 * everyMs : 0;
    this.#timer = setInterval(() => void this.#keep(), everyMs);
    this.#timer.unref();
    void this.#keep();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #keep(): Promise<void> {
    const utcMs = Math.max(Date.now(), this.floorMs);
    const temporary = `${this.#file}.${process.pid}.tmp`;
    try {
      const file = await open(temporary, 'w', 0o640);
      try {
        await file.writeFile(`${JSON.stringify({ version: 1, utcMs })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#file);
    } catch {
      // A disk that refuses is told by the terms' file beside this one; here it matters only if the clock goes back too.
    }
  }
}

function read(file: string): number {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const utcMs = typeof kept === 'object' && kept !== null && 'utcMs' in kept ? kept.utcMs : 0;
    return typeof utcMs === 'number' && utcMs > 0 && utcMs < 1e14 ? utcMs : 0;
  } catch {
    return 0;
  }
}
