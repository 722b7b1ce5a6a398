// What the simulation runs on: a list of jobs in the order of their time, and numbers from a seed. No clock.
import type { Job } from './simulation-node.ts';

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A binary heap; jobs of the same time run in the order in which they came. */
export class JobList {
  readonly #heap: Job[] = [];
  #order = 0;

  add(atUs: number, run: () => void): void {
    const heap = this.#heap;
    const job = { atUs, order: this.#order++, run };
    let hole = heap.length;
    heap.push(job);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] as Job; // inside: parent is less than hole
      // A new job is the last one of its time.
      if (above.atUs <= atUs) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = job;
  }

  /** Takes the first job that is not later. */
  take(untilUs: number): Job | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atUs > untilUs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(job: Job): void {
    const heap = this.#heap;
    const { length } = heap;
    let hole = 0;
    for (let child = 1; child < length; child = 2 * hole + 1) {
      let least = heap[child] as Job; // inside: child is less than length
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, least)) {
        least = right;
        child++;
      }
      if (!earlier(least, job)) break;
      heap[hole] = least;
      hole = child;
    }
    heap[hole] = job;
  }
}

function earlier(a: Job, b: Job): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
