// Hooks: programs and web addresses that are told what happens. Each has a queue and one call at a time, so that it
// hears events in their order; nothing here is waited for by anybody, least of all by the election.
import type { HookConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { hookEnvironment, hookInput, type AgentEvent, type AgentReport } from '../../core/agent-event.ts';
import { type CallResult, problemOf, type RunningCall, startCall } from './call.ts';

/** Events that wait for one hook; older ones go first. */
const queueLimit = 64;
/** Waits before a web address is asked again, ms. */
const webRetryWaitsMs = [500, 1000, 2000] as const;

export interface HooksOptions {
  readonly node: string;
  /** What hooks could not do: for the log and the event stream. */
  readonly report: (report: AgentReport) => void;
}

/** All hooks of a node. */
export class Hooks {
  readonly #options: HooksOptions;
  #hooks: readonly Hook[] = [];

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** Takes the hooks of a configuration; one that is as it was goes on with its queue. */
  configure(hooks: readonly HookConfig[]): void {
    const before = this.#hooks;
    const same = (config: HookConfig): Hook | undefined => before.find((hook) => hook.isOf(config));
    this.#hooks = hooks.map((config) => same(config) ?? new Hook(config, this.#options));
    for (const hook of before) if (!this.#hooks.includes(hook)) hook.retire();
  }

  /** Tells the hooks that ask for it. */
  take(event: AgentEvent): void {
    for (const hook of this.#hooks) hook.take(event);
  }

  /** Lets hooks end what they have, for so long; then ends them. */
  async close(limitMs: number): Promise<void> {
    await Promise.all(this.#hooks.map(async (hook) => await hook.close(limitMs)));
  }
}

class Hook {
  readonly #config: HookConfig;
  readonly #key: string;
  readonly #options: HooksOptions;
  readonly #kinds: ReadonlySet<string>;
  #queue: AgentEvent[] = [];
  #dropped = 0;
  #work: Promise<void> | undefined;
  #call: RunningCall | undefined;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(config: HookConfig, options: HooksOptions) {
    this.#config = config;
    this.#key = JSON.stringify(config);
    this.#options = options;
    this.#kinds = new Set(config.on);
  }

  isOf(config: HookConfig): boolean {
    return JSON.stringify(config) === this.#key;
  }

  take(event: AgentEvent): void {
    if (this.#isClosed || !this.#kinds.has(event.event)) return;
    this.#queue.push(event);
    if (this.#queue.length > queueLimit) {
      this.#queue.shift();
      this.#dropped += 1;
      // Told now, and how many there were once the hook answers again.
      if (this.#dropped === 1) this.#tellDropped();
    }
    this.#work ??= this.#run();
  }

  /** It is not configured any more: what waits is not told. */
  retire(): void {
    this.#isClosed = true;
    this.#queue = [];
  }

  async close(limitMs: number): Promise<void> {
    const limit = setTimeout(() => {
      this.retire();
      this.#call?.cancel();
      this.#wake?.();
    }, limitMs);
    await this.#work;
    clearTimeout(limit);
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    // Who has told the event goes on first.
    await Promise.resolve();
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const result = await this.#deliver(event);
      this.#tell(event, result);
      if (this.#dropped > 1 && this.#queue.length < queueLimit / 2) this.#tellDropped();
      if (this.#queue.length < queueLimit / 2) this.#dropped = 0;
    }
    this.#work = undefined;
  }

  async #deliver(event: AgentEvent): Promise<CallResult> {
    const { node } = this.#options;
    const input = { body: hookInput(event, node), environment: hookEnvironment(event, node) };
    const waitsMs = this.#config.call.url === undefined ? [] : webRetryWaitsMs;
    for (let attempt = 0; ; attempt++) {
      this.#call = startCall(this.#config.call, input);
      const result = await this.#call.result;
      this.#call = undefined;
      const waitMs = waitsMs[attempt];
      if (result.outcome.type === 'done' || !result.mayRetry || waitMs === undefined || this.#isClosed) return result;
      await this.#pause(waitMs);
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #tell(event: AgentEvent, result: CallResult): void {
    const { outcome, output } = result;
    const { name } = this.#config;
    const about = { hook: name, of: event.event };
    if (outcome.type === 'done') return;
    if (outcome.type === 'failed') {
      return this.#report(new TospannError('LB_VRRP_HOOK_FAILED', { ...about, how: outcome.how }), {
        ...about,
        output,
      });
    }
    if (outcome.type === 'timed-out') {
      const error = new TospannError('LB_VRRP_HOOK_TIMED_OUT', { ...about, limitMs: outcome.afterMs });
      return this.#report(error, { ...about, output });
    }
    const detail = outcome.type === 'not-started' ? outcome.why : problemOf(result);
    this.#report(new TospannError('LB_VRRP_HOOK_NOT_STARTED', { ...about, detail }), about);
  }

  #tellDropped(): void {
    const { name: hook } = this.#config;
    const dropped = this.#dropped;
    this.#report(new TospannError('LB_VRRP_HOOK_DROPPED', { hook, dropped, limit: queueLimit }), { hook, dropped });
  }

  #report(error: TospannError, evidence: Readonly<Record<string, string | number>>): void {
    const text = `${error.message}. ${error.hint}`;
    this.#options.report({ event: 'hook', severity: 'alarm', text, evidence: { code: error.code, ...evidence } });
  }
}
