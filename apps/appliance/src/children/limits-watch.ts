// The watch over the kernel's limits, in the vrrp child: the one process of the node that may look at all of them. It
// tells the event stream, the status, and the conditions when a table of this node drops users. A watch that breaks is said once and is over.
import type { HostStatus } from '@tospann/api';
import { tunerOf, type PairConfig } from '@tospann/config';
import { Watch } from '@tospann/tuner';
import { droppingNow, limitsEvent, limitsStatus } from '../core/limits-status.ts';
import { tell } from './channel.ts';
import type { AgentEvents } from './vrrp-events.ts';

export class LimitsWatch {
  readonly #node: string;
  readonly #events: AgentEvents;
  readonly #onDropping: (sentence: string) => void;
  #watch: Watch | undefined;

  /** @param onDropping Told once a second what drops users now that the other node may not drop; empty: nothing. */
  constructor(node: string, events: AgentEvents, onDropping: (sentence: string) => void) {
    this.#node = node;
    this.#events = events;
    this.#onDropping = onDropping;
  }

  /** Watches with the thresholds of this configuration from now on. */
  configure(config: Pick<PairConfig, 'tuner'>): void {
    this.#watch?.close();
    this.#watch = new Watch({
      ...tunerOf(config),
      onNews: (news) => this.#events.tell(limitsEvent(news, this.#node)),
      onView: (view) => {
        this.#onDropping(droppingNow(view));
        this.#show(limitsStatus(view));
      },
    });
  }

  close(): void {
    this.#watch?.close();
  }

  #show(limits: HostStatus): void {
    tell({ type: 'limits', limits });
  }
}
