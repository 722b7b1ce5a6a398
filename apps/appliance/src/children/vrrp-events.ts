// What the failover agent has to tell, on its process's main thread: to the supervisor for the event stream, and to
// those who act on it here (movers, the FIFO, hooks), so that they work while every other process of the node is dead.
import type { EventDraft } from '@tospann/api';
import { groupsOf, type EventsConfig, type PairConfig } from '@tospann/config';
import type { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import {
  type AgentReport,
  Hooks,
  makeMovers,
  type Mover,
  NotifyFifo,
  NotifyLines,
  StealMeter,
  type VrrpLogLine,
  type VrrpStateEvent,
} from '@tospann/vrrp';
import { type EventTime, lineEvent, stateEvent } from '../core/event-texts.ts';
import type { StartMessage } from '../ipc.ts';
import type { Logger } from '../log.ts';
import { tell } from './channel.ts';

/** How long hooks may take for what happened last, when the agent ends, ms: within what the supervisor grants it. */
const CLOSE_LIMIT_MS = 2000;
const NOTHING: EventsConfig = { hooks: [] };

export class AgentEvents {
  readonly #node: string;
  readonly #log: Logger;
  readonly #hooks: Hooks;
  readonly #lines: NotifyLines;
  readonly #movers: ReadonlyMap<string, Mover>;
  readonly #steal = new StealMeter();
  #fifo: NotifyFifo | undefined;

  constructor(message: Pick<StartMessage, 'config' | 'node'>, log: Logger) {
    const { config, node } = message;
    this.#node = node;
    this.#log = log;
    const report = (event: AgentReport): void => this.#report(event);
    this.#hooks = new Hooks({ node, report });
    this.#lines = new NotifyLines(groupsOf(config), node);
    // Elections change at a restart only, and so do their movers.
    this.#movers = makeMovers(config, { node, report, changed: () => this.#tellMovers() });
    this.#tellMovers();
    this.configure(config);
  }

  /** Takes what a reload has changed of hooks and FIFO. */
  configure({ events = NOTHING }: Pick<PairConfig, 'events'>): void {
    this.#hooks.configure(events.hooks);
    if (events.fifo === this.#fifo?.path) return;
    this.#fifo?.close();
    const problem = (error: TospannError): void => this.#problem(error);
    this.#fifo = events.fifo === undefined ? undefined : new NotifyFifo({ path: events.fifo, problem });
  }

  /** A change of an address's state. `isOut`: this node is in maintenance. */
  state(event: VrrpStateEvent, isOut: boolean): void {
    const mover = this.#movers.get(event.group);
    if (event.to === 'master') mover?.taken(Number(event.evidence['term'] ?? 0));
    else mover?.lost();
    this.#fifo?.write(this.#lines.of(event));
    const stolen = this.#steal.percent();
    const evidence = stolen === undefined ? event.evidence : { ...event.evidence, stealPercent: stolen };
    this.#emit(stateEvent({ ...event, evidence }, { node: this.#node, isOut }, timeOf(event.monotonicMs)));
  }

  /** What the agent noticed. */
  line(line: VrrpLogLine): void {
    this.#emit(lineEvent(line, timeOf(line.monotonicMs)));
  }

  /** Something else that has happened in this process now. */
  tell(event: AgentReport): void {
    this.#emit({ ...timeOf(monotonicMs()), ...event });
  }

  /** What others have seen: they have told the stream already. */
  take(event: EventDraft): void {
    this.#hooks.take(event);
  }

  /** Ends calls of movers at once, and gives hooks a moment for what happened last. */
  async close(): Promise<void> {
    await Promise.all([...this.#movers.values()].map(async (mover) => await mover.close()));
    await this.#hooks.close(CLOSE_LIMIT_MS);
    this.#fifo?.close();
    this.#steal.close();
  }

  #emit(event: EventDraft): void {
    tell({ type: 'event', event });
    this.#hooks.take(event);
  }

  #report(report: AgentReport): void {
    const { event, severity, text, vip, group, evidence } = report;
    const write = severity === 'info' ? 'info' : severity === 'warning' ? 'warn' : 'error';
    this.#log[write]({ event, vip, group, ...evidence }, text);
    this.tell(report);
  }

  #problem({ code, message, hint }: TospannError): void {
    this.#report({ event: 'hook', severity: 'alarm', text: `${message}. ${hint}`, evidence: { code } });
  }

  #tellMovers(): void {
    if (this.#movers.size === 0) return;
    tell({ type: 'movers', results: [...this.#movers.values()].flatMap((mover) => mover.results()) });
  }
}

/** Both clocks at a monotonic time that is not long ago. */
function timeOf(atMs: number): EventTime {
  return { timeMs: Math.round(Date.now() - (monotonicMs() - atMs)), monotonicMs: atMs };
}
