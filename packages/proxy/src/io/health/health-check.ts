// Active checks of one server, in the main thread: talks with it again and again, feeds each verdict to the pure state
// machine (core/health/state.ts), and tells what came of it. Owns one timer and at most one socket.
import type { CheckConfig } from '@tospann/config';
import { connectConversation, DialogueConversation, type Conversation } from '../../core/health/conversation.ts';
import { HttpConversation, type CheckHeadParser } from '../../core/health/http-conversation.ts';
import { afterCheck, nextCheckInMs, notAsked, withJitter, type Health, type Verdict } from '../../core/health/state.ts';
import { talk, type SocketGate, type TalkEnd } from './talk.ts';

const DEFAULT_JITTER_PERCENT = 5;

/** What all checks of a process share. */
export interface CheckTools {
  readonly gate: SocketGate;
  readonly parser: CheckHeadParser;
  readonly monotonicMs: () => number;
  /** From [0, 1), for jitter. */
  readonly random: () => number;
}

export interface HealthCheckOptions {
  /** Where to ask now; null: there is no address, the check waits. */
  readonly target: () => { readonly address: string; readonly port: number } | null;
  /** `ADDRESS:PORT` for the Host field of an http check that names no host. */
  readonly host: string;
  readonly check: CheckConfig;
  /** The server's own; a check on another port is plain. */
  readonly sendProxy?: 'v1' | 'v2' | undefined;
  readonly health: Health;
  /** Ms before the first check: spreads the load at the start. Absent: it begins with `soon`. */
  readonly firstInMs?: number;
  /** Asks only while the server is down: for one that is observed and has no checks. */
  readonly onlyWhileDown?: boolean;
  readonly tools: CheckTools;
  /** Called after every check. */
  readonly onResult: (health: Health) => void;
}

/** Checks a server again and again until `close`. */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  #health: Health;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #cancel: (() => void) | undefined;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
    this.#health = options.health;
    if (options.firstInMs !== undefined) this.#schedule(options.firstInMs);
  }

  get health(): Health {
    return this.#health;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Takes another state from outside (passive health), and checks after so long at the latest. */
  soon(health: Health, inMs: number): void {
    this.#health = health;
    if (this.#cancel !== undefined) return;
    const now = this.#options.tools.monotonicMs();
    if (now + inMs < this.#dueMs) this.#schedule(inMs);
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    this.#dueMs = this.#options.tools.monotonicMs() + inMs;
    this.#timer = setTimeout(() => this.#run(), inMs);
  }

  #run(): void {
    const { check, tools } = this.#options;
    const target = this.#options.target();
    this.#dueMs = Infinity;
    if (target === null) {
      this.#schedule(check.fastIntervalMs);
      return;
    }
    this.#cancel = talk({
      address: target.address,
      port: check.port ?? target.port,
      sendProxy: check.port === undefined ? this.#options.sendProxy : undefined,
      conversation: this.#conversation(),
      timeoutMs: check.timeoutMs,
      monotonicMs: tools.monotonicMs,
      gate: tools.gate,
      ended: (end) => this.#took(end),
    });
  }

  #conversation(): Conversation {
    const { check, host, tools } = this.#options;
    if (check.type === 'http') return new HttpConversation(check, { parser: tools.parser, host });
    return check.dialogue === undefined || check.dialogue.length === 0
      ? connectConversation()
      : new DialogueConversation(check.dialogue);
  }

  #took(end: TalkEnd<Verdict>): void {
    const { check, tools } = this.#options;
    this.#cancel = undefined;
    const nowMs = tools.monotonicMs();
    this.#health =
      'failed' in end && end.how === 'local'
        ? notAsked(this.#health, end.failed)
        : afterCheck(this.#health, { ...verdictOf(end), nowMs }, check);
    if (this.#options.onlyWhileDown !== true || this.#health.state === 'down') {
      const intervalMs = nextCheckInMs(this.#health, check);
      this.#schedule(withJitter(intervalMs, check.jitterPercent ?? DEFAULT_JITTER_PERCENT, tools.random()));
    }
    this.#options.onResult(this.#health);
  }
}

function verdictOf(end: TalkEnd<Verdict>): Verdict {
  if ('found' in end) {
    const { ok, detail, code } = end.found;
    return { ok, code, detail: ok ? `${detail} in ${end.ms} ms` : detail };
  }
  const layer = end.wasConnected ? 'L7' : 'L4';
  if (end.how === 'time-out') return { ok: false, detail: end.failed, code: `${layer}TOUT` };
  return { ok: false, detail: end.failed, code: end.wasConnected ? 'L7RSP' : 'L4CON' };
}
