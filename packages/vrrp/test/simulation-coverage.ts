// What the histories were about: how often each event came in each state, and how often each decision was taken.
import type { VrrpState } from '../src/core/snapshot.ts';
import type { Effect, MachineEvent } from '../src/core/state.ts';
import { eventName } from './simulation-node.ts';

export class Coverage {
  readonly pairs: Record<VrrpState, Record<string, number>> = { init: {}, backup: {}, master: {}, fault: {} };
  /** Reasons of changes, notices and ends of hand-overs; what varies in them is cut off. */
  readonly decisions: Record<string, number> = {};

  event(state: VrrpState, event: MachineEvent): void {
    const row = this.pairs[state];
    const name = eventName(event);
    row[name] = (row[name] ?? 0) + 1;
  }

  effect(effect: Extract<Effect, { type: 'changed' | 'notice' | 'handover-ended' }>): void {
    const name = decisionName(effect);
    this.decisions[name] = (this.decisions[name] ?? 0) + 1;
  }

  /** Adds what another one counted. */
  add(other: { readonly pairs: Coverage['pairs']; readonly decisions: Coverage['decisions'] }): void {
    for (const state of ['init', 'backup', 'master', 'fault'] as const)
      for (const [name, count] of Object.entries(other.pairs[state]))
        this.pairs[state][name] = (this.pairs[state][name] ?? 0) + count;
    for (const [name, count] of Object.entries(other.decisions))
      this.decisions[name] = (this.decisions[name] ?? 0) + count;
  }
}

function decisionName(effect: Extract<Effect, { type: 'changed' | 'notice' | 'handover-ended' }>): string {
  if (effect.type === 'notice') return `notice ${effect.what}`;
  if (effect.type === 'changed') return `${effect.from} -> ${effect.to}: ${effect.reason}`;
  return `${effect.purpose}: ${effect.detail}`;
}
