// Test helper: how late an owner's adverts reach the other node, by the kernel's time stamps there (tcpdump), and what its
// agent costs, by the scheduler's accounts of its threads. Both for spans, so that two of one run can be compared.
import { readdirSync, readFileSync } from 'node:fs';
import { nodeAddress, type AgentProcess, type Lab, type LabProcess, type Place } from './lab.ts';

export interface Span {
  readonly adverts: number;
  /** Behind the earliest one of an even beat. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  /** Of one processor: the loop's thread, and all threads of the process. */
  readonly loopPercent: number;
  readonly processPercent: number;
}

export class AdvertMeter {
  readonly #capture: LabProcess;
  readonly #pid: number;
  readonly #intervalMs: number;

  /** @param from Where the owner runs. @param to Where its adverts are timed. */
  constructor(
    lab: Lab,
    owner: AgentProcess,
    path: { readonly from: 'a' | 'b'; readonly to: Place; readonly intervalMs: number },
  ) {
    const filter = `ip proto 112 and src host ${nodeAddress[path.from]}`;
    this.#capture = lab.start(path.to, ['tcpdump', '-i', 'eth0', '-nn', '-tt', '-l', '--immediate-mode', filter]);
    this.#pid = owner.child.pid ?? 0;
    this.#intervalMs = path.intervalMs;
  }

  /** Waits for the first advert. */
  async starts(): Promise<void> {
    await this.#capture.line((line) => line.includes('VRRP'), { withinMs: 20_000 });
  }

  /** Measures while `action` runs. */
  async span(action: () => Promise<void>): Promise<Span> {
    const from = this.#capture.lines.length;
    const before = threadTimes(this.#pid);
    const startMs = performance.now();
    await action();
    const elapsedMs = performance.now() - startMs;
    const after = threadTimes(this.#pid);
    const late = lateness(this.#capture.lines.slice(from).flatMap(stampOf), this.#intervalMs).toSorted((a, b) => a - b);
    const rank = (share: number): number =>
      late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? Infinity;
    const used = [...after].map(([thread, ms]) => ({ thread, ms: ms - (before.get(thread) ?? 0) }));
    const share = (ms: number): number => (100 * ms) / elapsedMs;
    return {
      adverts: late.length,
      p50Ms: rank(0.5),
      p90Ms: rank(0.9),
      maxMs: late.at(-1) ?? Infinity,
      loopPercent: share(used.find(({ thread }) => thread === loopOf(this.#pid))?.ms ?? NaN),
      processPercent: share(used.reduce((sum, { ms }) => sum + ms, 0)),
    };
  }
}

/** How late each is on the beat that it is on: one more than an interval late begins a new beat. */
function lateness(stampsMs: readonly number[], intervalMs: number): number[] {
  const beats: number[][] = [];
  let dueMs = -Infinity;
  for (const stampMs of stampsMs) {
    dueMs += intervalMs;
    if (stampMs - dueMs > intervalMs) {
      beats.push([]);
      // Nothing is known of how late the first one of a beat after a gap is but that it is late.
      if (dueMs > 0) beats.at(-1)?.push(stampMs - dueMs);
      dueMs = stampMs;
    }
    beats.at(-1)?.push(stampMs - dueMs);
  }
  return beats.flatMap((beat) => beat.map((ms) => ms - Math.min(...beat)));
}

function stampOf(line: string): number[] {
  const seconds = Number(/^(\d+\.\d+) IP/.exec(line)?.[1]);
  return Number.isNaN(seconds) ? [] : [seconds * 1000];
}

/** Ms on a processor since its start, by thread. */
function threadTimes(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return new Map(threads.map((thread) => [thread, onProcessorMs(pid, thread)]));
}

function onProcessorMs(pid: number, thread: number): number {
  const [ns = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
  return Number(ns) / 1e6;
}

/** The thread whose priority was raised (proc(5), stat: 18 priority, below 0 for real time; 19 nice). */
function loopOf(pid: number): number {
  const raised = readdirSync(`/proc/${pid}/task`).find((thread) => {
    const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[15]) < 0 || Number(fields[16]) === -20;
  });
  return Number(raised ?? NaN);
}
