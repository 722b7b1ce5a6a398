// The supervisor's part of the event stream: takes events of all children and its own to the admin child, which keeps
// them, and those that hooks can ask for to the failover agent. While the admin child is dead or hangs they wait here,
// bounded.
import type { EventDraft } from '@tospann/api';
import type { HookEvent } from '@tospann/config';
import { monotonicMs } from '@tospann/linux';
import type { ToChild } from '../ipc.ts';

/** Events that wait for the admin child; older ones go first. */
const waitingLimit = 1000;
/** Events on their way to an admin child that has not said that it keeps them: one that hangs costs no memory. */
const underWayLimit = 100;
/** How long an upgrade waits for events to be kept, ms; what is not by then is in the log only. */
const settleLimitMs = 1000;
const hookKinds: ReadonlySet<string> = new Set<HookEvent>([
  'vrrp-state',
  'vrrp-notice',
  'vrrp-problem',
  'track',
  'handover',
  'maintenance',
  'tuner',
]);

export interface EventRelayOptions {
  /** Sends to the admin child, if it is ready. */
  readonly toAdmin: (message: ToChild) => void;
  /** Sends to the failover agent, if there is one. */
  readonly toAgent: (message: ToChild) => void;
}

export class EventRelay {
  readonly #options: EventRelayOptions;
  /** Not yet told to be kept, oldest first; `id` grows by one. */
  #waiting: { readonly id: number; readonly event: EventDraft }[] = [];
  #lastId = 0;
  /** Sent to this admin child, which has not said that it keeps them; those that are lost meanwhile count. */
  #underWay: number[] = [];
  /** The last one that was sent to this admin child. */
  #sentId = 0;
  #lost = 0;

  constructor(options: EventRelayOptions) {
    this.#options = options;
  }

  /** Something that this process or a child without hooks has seen, with its time. */
  note(event: EventDraft): void {
    if (hookKinds.has(event.event)) this.#options.toAgent({ type: 'event', event });
    this.keep(event);
  }

  /** Something that has happened now. */
  tell(event: Omit<EventDraft, 'timeMs' | 'monotonicMs'>): void {
    this.note({ timeMs: Date.now(), monotonicMs: monotonicMs(), ...event });
  }

  /** What the agent has told: its hooks know it already. */
  keep(event: EventDraft): void {
    this.#waiting.push({ id: ++this.#lastId, event });
    if (this.#waiting.length > waitingLimit) {
      this.#waiting.shift();
      this.#lost += 1;
    }
    this.#send();
  }

  /** The admin child has kept all up to this one. */
  kept(id: number): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.id > id);
    this.#underWay = this.#underWay.filter((sent) => sent > id);
    this.#send();
    // Now there is room to tell it.
    this.#tellLost();
  }

  /** A new admin child is ready: it gets what its predecessor has not kept for sure. */
  adminReady(): void {
    this.#sentId = 0;
    this.#underWay = [];
    this.#send();
  }

  /** Resolves when the admin child has kept all, or after a moment in which it has not. */
  async settled(): Promise<void> {
    const deadlineMs = monotonicMs() + settleLimitMs;
    while (this.#waiting.length > 0 && monotonicMs() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #send(): void {
    for (const { id, event } of this.#waiting) {
      if (id <= this.#sentId) continue;
      if (this.#underWay.length >= underWayLimit) return;
      this.#sentId = id;
      this.#underWay.push(id);
      this.#options.toAdmin({ type: 'keep-event', id, event });
    }
  }

  #tellLost(): void {
    const lost = this.#lost;
    if (lost === 0) return;
    this.#lost = 0;
    const text = `${lost} events were lost while the admin process did not answer; the log has them`;
    this.tell({ event: 'events', severity: 'alarm', text, evidence: { lost } });
  }
}
