// How much processor time the hypervisor took in the last seconds: evidence for every change of an election, whether or
// not a limit is configured for it (track/watch-pressure.ts). Side effects: a timer, /proc/stat.
import { readFileSync } from 'node:fs';
import { decodeCpuTimes, stealPercent, type CpuTimes } from '../../core/track/proc-stat.ts';

const everyMs = 1000;
/** The time that the figure covers, in samples: the down interval of 1 s adverts and a little. */
const samplesKept = 5;

export class StealMeter {
  readonly #read: () => string;
  readonly #timer: NodeJS.Timeout;
  #samples: CpuTimes[] = [];

  /** @param read Text of /proc/stat; for tests. */
  constructor(read: () => string = readProcStat) {
    this.#read = read;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), everyMs);
    this.#timer.unref();
  }

  /** Percent over the last seconds; undefined where the kernel does not say. */
  percent(): number | undefined {
    const now = decodeCpuTimes(this.#read());
    const [before] = this.#samples;
    return now === undefined || before === undefined ? undefined : stealPercent(before, now);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const now = decodeCpuTimes(this.#read());
    if (now !== undefined) this.#samples = [...this.#samples.slice(1 - samplesKept), now];
  }
}

function readProcStat(): string {
  try {
    return readFileSync('/proc/stat', 'utf8');
  } catch {
    return '';
  }
}
