// Asks a server's agent again and again. An agent that does not answer changes nothing: only its own word counts.
import type { AgentConfig } from '@tospann/config';
import { afterAgentLine, AgentConversation, type AgentState } from '../../core/health/agent.ts';
import { withJitter } from '../../core/health/state.ts';
import type { CheckTools } from './health-check.ts';
import { talk } from './talk.ts';

const JITTER_PERCENT = 5;

export interface AgentCheckOptions {
  readonly target: () => { readonly address: string } | null;
  readonly agent: AgentConfig;
  readonly state: AgentState;
  readonly firstInMs: number;
  readonly tools: CheckTools;
  /** Called after each answer and each failure to get one. */
  readonly onAnswer: (state: AgentState) => void;
}

/** Asks until `close`. */
export class AgentCheck {
  readonly #options: AgentCheckOptions;
  #state: AgentState;
  #timer: NodeJS.Timeout;
  #cancel: (() => void) | undefined;

  constructor(options: AgentCheckOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#timer = setTimeout(() => this.#run(), options.firstInMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#cancel?.();
  }

  #run(): void {
    const { agent, tools } = this.#options;
    const target = this.#options.target();
    if (target === null) {
      this.#again();
      return;
    }
    this.#cancel = talk({
      address: target.address,
      port: agent.port,
      conversation: new AgentConversation(agent.send),
      timeoutMs: agent.timeoutMs,
      monotonicMs: tools.monotonicMs,
      gate: tools.gate,
      ended: (end) => {
        this.#cancel = undefined;
        const fault = 'failed' in end ? end.failed : 'fault' in end.found ? end.found.fault : undefined;
        const line = 'found' in end && 'line' in end.found ? end.found.line : '';
        this.#state =
          fault === undefined
            ? afterAgentLine(this.#state, line)
            : { ...this.#state, lastWords: `no answer (${fault})` };
        this.#again();
        this.#options.onAnswer(this.#state);
      },
    });
  }

  #again(): void {
    const { agent, tools } = this.#options;
    this.#timer = setTimeout(() => this.#run(), withJitter(agent.intervalMs, JITTER_PERCENT, tools.random()));
  }
}
