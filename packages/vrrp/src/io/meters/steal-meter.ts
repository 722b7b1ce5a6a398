// How much processor time the hypervisor took in the last seconds: evidence for every change of an election, whether or
// not a limit is configured for it (track/watch-pressure.ts). Side effects: a timer, /proc/stat.
import { readCpuTimes, stealRatio, type CpuTimes } from '@tospann/linux';

const everyMs = 1000;
/** The time that the figure covers, in samples: the down interval of 1 s adverts and a little. */
const samplesKept = 5;

export class StealMeter {
  readonly #read: () => CpuTimes | undefined;
  readonly #timer: NodeJS.Timeout;
  #samples: CpuTimes[] = [];

  /** @param read The times of now; for tests. */
  constructor(read: () => CpuTimes | undefined = readCpuTimes) {
    this.#read = read;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), everyMs);
    this.#timer.unref();
  }

  /** Percent over the last seconds; undefined where the kernel does not say. */
  percent(): number | undefined {
    const now = this.#read();
    const [before] = this.#samples;
    return now === undefined || before === undefined ? undefined : 100 * (stealRatio(before, now) ?? 0);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const now = this.#read();
    if (now !== undefined) this.#samples = [...this.#samples.slice(1 - samplesKept), now];
  }
}
