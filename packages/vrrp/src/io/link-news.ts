// What stands in the way of the elections on this node: links, own addresses, addresses that the kernel refused. Tells each
// problem once, and the machines what follows from it. It looks through network.ts and decides nothing.
import type { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import type { MachineEvent } from '../core/state.ts';
import type { VrrpProblem } from './messages.ts';
import type { LinkReport, VipNetwork } from './network.ts';

type LinkEvent = Extract<MachineEvent, { type: 'link' | 'own-failed' }>;

export class LinkNews {
  readonly #emit: (problem: VrrpProblem) => void;
  /** What stands in the way now, so that each problem is told once. */
  #problems: ReadonlySet<string> = new Set();
  #reports: readonly LinkReport[] = [];
  /** By election: addresses that the kernel refused though it took others. */
  readonly #refused = new Map<number, string>();

  constructor(emit: (problem: VrrpProblem) => void) {
    this.#emit = emit;
  }

  /** In sentences; empty: nothing. */
  get problem(): string {
    return [...this.#problems].join('; ');
  }

  /** A whole election cannot be served here. */
  get isDown(): boolean {
    return this.#reports.some(({ up }) => !up);
  }

  /** Looks again. @param owns Whether this node owns the addresses of an election. */
  refresh(network: VipNetwork, owns: (election: number) => boolean): void {
    this.#reports = network.refreshLinks();
    const problems = new Set<string>();
    for (const error of this.#reports.flatMap((report) => (report.up ? report.lacks : report.error))) {
      const { message } = error;
      if (!this.#problems.has(message) && !problems.has(message)) this.#tell(error);
      problems.add(message);
    }
    this.#problems = problems;
    // What it was refused as an owner it may be given next time.
    for (const index of this.#refused.keys()) if (!owns(index)) this.#refused.delete(index);
  }

  /** What the machine of an election is to know. */
  event(index: number, nowUs: number): LinkEvent {
    const report = this.#reports[index];
    const up = report?.up === true;
    const reason = report?.up === false ? report.error.message : '';
    const lacks = [...(up ? report.lacks : []).map(({ message }) => message), this.#refused.get(index) ?? ''];
    return { type: 'link', nowUs, up, reason, lacks: lacks.filter((text) => text !== '').join('; ') };
  }

  /** The kernel refused some of an election's addresses, or all of them. @returns What follows from it, if it is news. */
  refused(
    index: number,
    { errors, all, nowUs }: { readonly errors: readonly TospannError[]; readonly all: boolean; readonly nowUs: number },
  ): readonly LinkEvent[] {
    const text = errors.map(({ message }) => message).join('; ');
    if (text === (this.#refused.get(index) ?? '')) return [];
    for (const error of errors) this.#tell(error);
    if (all) return [{ type: 'own-failed', nowUs, reason: errors[0]?.message ?? '' }];
    this.#refused.set(index, text);
    return [this.event(index, nowUs)];
  }

  #tell({ code, message, hint }: TospannError): void {
    this.#emit({ event: 'vrrp-problem', code, message, hint, monotonicMs: monotonicMs() });
  }
}
