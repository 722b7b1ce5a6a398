// An event as hooks see it: its shape is that of the node's event stream. What of it goes to a hook: JSON, and the same
// in environment variables for scripts that have no JSON parser. Pure.

/** One thing that happened. `evidence` is flat; keys name their unit. */
export interface AgentEvent {
  /** Wall clock, ms since 1970. */
  readonly timeMs: number;
  readonly monotonicMs: number;
  readonly event: string;
  readonly severity: 'info' | 'warning' | 'alarm';
  readonly vip?: string | undefined;
  readonly group?: string | undefined;
  readonly text: string;
  readonly evidence?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a hook or a mover reports about its own work: the caller adds the time. */
export type AgentReport = Omit<AgentEvent, 'timeMs' | 'monotonicMs'>;

/** The body of a web hook and the standard input of a program. */
export function hookInput(event: AgentEvent, node: string): string {
  return JSON.stringify({ node, ...event });
}

/** `TOSPANN_EVENT`, `TOSPANN_NODE`, and where they mean something `_VIP`, `_GROUP`, `_STATE`, `_FROM`, `_REASON`. */
export function hookEnvironment(event: AgentEvent, node: string): Readonly<Record<string, string>> {
  const { evidence = {}, vip, group } = event;
  const known = {
    EVENT: event.event,
    NODE: node,
    SEVERITY: event.severity,
    TEXT: event.text,
    TIME_MS: String(event.timeMs),
    VIP: vip,
    GROUP: group,
    STATE: stateWord(evidence['to']),
    FROM: stateWord(evidence['from']),
    REASON: evidence['reason'],
    TERM: evidence['term'],
  };
  const given = Object.entries(known).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(given.map(([key, value]) => [`TOSPANN_${key}`, harmless(String(value))]));
}

/** Texts of servers and of the network: with a NUL in one, or 128 KiB, a program cannot be started (execve(2)). */
function harmless(value: string): string {
  return value.slice(0, 1000).replaceAll('\0', ' ');
}

function stateWord(value: string | number | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value.toUpperCase() : undefined;
}
