// The text agent beside a server (HAProxy's agent-check): what a line of it means, and what it does to what was known.
// Words of one line are separate statements; what a line does not mention stays as it was. Pure.
import type { Conversation, Step } from './conversation.ts';

/** Longer lines are cut there. */
const MAX_LINE_BYTES = 2048;
const MAX_PERCENT = 10_000;

/** What the agent has said so far. */
export interface AgentState {
  /** Of the configured weight. */
  readonly percent: number;
  readonly admin: 'ready' | 'drain' | 'maint';
  /** The agent itself said down, and not yet up. */
  readonly down: boolean;
  /** 0: as configured. */
  readonly maxConnections: number;
  /** The last line, or why there was none. Empty: not asked yet. */
  readonly lastWords: string;
}

export const initialAgent: AgentState = { percent: 100, admin: 'ready', down: false, maxConnections: 0, lastWords: '' };

/** Takes one line of the agent. Words that are not known are passed over, as HAProxy does. */
export function afterAgentLine(before: AgentState, line: string): AgentState {
  const hash = line.indexOf('#');
  const words = (hash < 0 ? line : line.slice(0, hash))
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  let state: AgentState = { ...before, lastWords: line.trim() };
  for (const word of words) state = afterWord(state, word);
  return state;
}

function afterWord(state: AgentState, word: string): AgentState {
  const percent = /^(\d{1,5})%$/.exec(word)?.[1];
  if (percent !== undefined) return { ...state, percent: Math.min(Number(percent), MAX_PERCENT) };
  const maxConnections = /^maxconn:(\d{1,7})$/.exec(word)?.[1];
  if (maxConnections !== undefined) return { ...state, maxConnections: Number(maxConnections) };
  switch (word) {
    case 'ready':
    case 'drain':
    case 'maint':
      return { ...state, admin: word };
    case 'up':
      return { ...state, down: false };
    case 'down':
    case 'fail':
    case 'stopped':
      return { ...state, down: true };
    default:
      return state;
  }
}

/** What came of one question: a line, or why there is none. An agent that does not answer changes nothing. */
export type AgentAnswer = { readonly line: string } | { readonly fault: string };

/** Asks the agent once: sends what is configured, reads one line, which the end of the connection ends too. */
export class AgentConversation implements Conversation<AgentAnswer> {
  readonly #send: string;
  #text = '';

  constructor(send: string | undefined) {
    this.#send = send ?? '';
  }

  connected(): Step<AgentAnswer> {
    return this.#send === '' ? {} : { send: this.#send };
  }

  received(bytes: Uint8Array): Step<AgentAnswer> {
    this.#text += Buffer.from(bytes).toString('latin1');
    const end = this.#text.search(/[\r\n]/);
    if (end >= 0) return { found: { line: this.#text.slice(0, end) } };
    return this.#text.length > MAX_LINE_BYTES ? { found: { fault: 'a line that does not end' } } : {};
  }

  ended(): AgentAnswer {
    return this.#text === '' ? { fault: 'closed without a word' } : { line: this.#text };
  }
}
