// Which elections have an address of the agent's earlier life that only lingers (core/lingering.ts), and until when.
// It holds times and touches no address: the loop releases what ends.
import { mayLinger } from '../../core/lingering.ts';
import type { MachineState } from '../../core/state.ts';

export class Lingering {
  /** By election, monotonic µs. */
  readonly #untilUs = new Map<number, number>();

  begin(index: number, untilUs: number): void {
    this.#untilUs.set(index, untilUs);
  }

  /** Whether the address of this election stays, though its machine does not own it. */
  keeps(index: number, state: MachineState, nowUs: number): boolean {
    const untilUs = this.#untilUs.get(index);
    return untilUs !== undefined && nowUs < untilUs && mayLinger(state);
  }

  /** Elections whose addresses linger no more; each is told once. */
  takeEnded(states: readonly MachineState[], nowUs: number): number[] {
    const ended = [...this.#untilUs.keys()].filter((index) => {
      const state = states[index];
      return state === undefined || !this.keeps(index, state, nowUs);
    });
    for (const index of ended) this.#untilUs.delete(index);
    return ended;
  }

  /** When `takeEnded` wants to be called at the latest; Infinity when nothing lingers. */
  get dueUs(): number {
    return Math.min(Infinity, ...this.#untilUs.values());
  }
}
