// What the failover agent has to tell, on its process's main thread: to the supervisor for the event stream, and to
// those who act on it here, so that they work while every other process of the node is dead.
import type { EventDraft } from '@tospann/api';
import { monotonicMs } from '@tospann/linux';
import type { VrrpLogLine, VrrpStateEvent } from '@tospann/vrrp';
import { type EventTime, lineEvent, stateEvent } from '../core/event-texts.ts';
import type { StartMessage } from '../ipc.ts';
import type { Logger } from '../log.ts';
import { tell } from './channel.ts';

export class AgentEvents {
  readonly #node: string;

  constructor(message: StartMessage, _log: Logger) {
    this.#node = message.node;
  }

  /** A change of an address's state. */
  state(event: VrrpStateEvent): void {
    this.#emit(stateEvent(event, this.#node, timeOf(event.monotonicMs)));
  }

  /** What the agent noticed. */
  line(line: VrrpLogLine): void {
    this.#emit(lineEvent(line, timeOf(line.monotonicMs)));
  }

  /** Something else that has happened in this process now. */
  tell(event: Omit<EventDraft, 'timeMs' | 'monotonicMs'>): void {
    this.#emit({ ...timeOf(monotonicMs()), ...event });
  }

  /** What others have seen: they have told the stream already. */
  take(_event: EventDraft): void {}

  #emit(event: EventDraft): void {
    tell({ type: 'event', event });
    this.take(event);
  }
}

/** Both clocks at a monotonic time that is not long ago. */
function timeOf(atMs: number): EventTime {
  return { timeMs: Math.round(Date.now() - (monotonicMs() - atMs)), monotonicMs: atMs };
}
