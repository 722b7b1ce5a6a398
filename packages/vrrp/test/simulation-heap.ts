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
    heap.push({ atUs, order: this.#order++, run });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!earlier(heap[child], heap[parent])) break;
      swap(heap, child, parent);
      child = parent;
    }
  }

  /** Takes the first job that is not later. */
  take(untilUs: number): Job | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atUs > untilUs) return undefined;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      let least = earlier(heap[left], heap[parent]) ? left : parent;
      if (earlier(heap[left + 1], heap[least])) least = left + 1;
      if (least === parent) return first;
      swap(heap, parent, least);
      parent = least;
    }
  }
}

function earlier(a: Job | undefined, b: Job | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}

function swap(heap: Job[], a: number, b: number): void {
  const first = heap[a] as Job; // both indices are inside: the callers compared them
  heap[a] = heap[b] as Job;
  heap[b] = first;
}
