// When the connection guard stands: armed while the other node owns the address (no packet for it comes here then, so
// it costs nothing and is there in the very moment of a planned hand-over), kept for the drain when the old owner lives, gone
// at once after a crash, where the connections are dead and a reset is the honest answer. Side effect: nft.
import { spawn } from 'node:child_process';
import { guardRules, noGuard, type GuardTarget } from '../../core/guard-rules.ts';
import { takeover } from '../../core/machine-actions.ts';
import type { VrrpStateEvent } from '../messages.ts';

/** A flap of states costs no run of nft. */
const armAfterMs = 200;
/** An old owner that drains says so within milliseconds; one in fault does not, and its connections are dead. */
const lastWordMs = 300;

const livingReasons: ReadonlySet<string> = new Set(Object.values(takeover));

export interface GuardOptions extends Omit<GuardTarget, 'addresses'> {
  /** Address of each VIP by name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly drainSeconds: number;
  /** Called once when the guard cannot be had, with the reason. */
  readonly onUnavailable: (detail: string) => void;
}

export class ConnectionGuard {
  readonly #options: GuardOptions;
  readonly #guarded = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #pending: Promise<void>;
  #available = true;

  constructor(options: GuardOptions) {
    this.#options = options;
    // What an earlier agent left would stand against this one.
    this.#pending = this.#run(noGuard);
  }

  onState(event: VrrpStateEvent): void {
    const { vip, to, reason } = event;
    clearTimeout(this.#timers.get(vip));
    const keep = to === 'master' && livingReasons.has(reason);
    if (!keep) this.#set(vip, false);
    if (keep) this.#later(vip, { guard: false, afterMs: lastWordMs });
    if (to === 'backup') this.#later(vip, { guard: true, afterMs: armAfterMs });
  }

  /** The old owner has said that it drains: the guard stands until the end of that. */
  onDrain(vip: string): void {
    clearTimeout(this.#timers.get(vip));
    this.#later(vip, { guard: false, afterMs: this.#options.drainSeconds * 1000 });
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const stood = this.#guarded.size > 0;
    this.#guarded.clear();
    if (stood) this.#apply();
    await this.#pending;
  }

  #later(vip: string, change: { readonly guard: boolean; readonly afterMs: number }): void {
    this.#timers.set(
      vip,
      setTimeout(() => this.#set(vip, change.guard), change.afterMs),
    );
  }

  #set(vip: string, guard: boolean): void {
    if (this.#guarded.has(vip) === guard) return;
    if (guard) this.#guarded.add(vip);
    else this.#guarded.delete(vip);
    this.#apply();
  }

  #apply(): void {
    const { addresses, ...target } = this.#options;
    const script = guardRules({
      ...target,
      addresses: [...this.#guarded].map((vip) => addresses[vip] ?? ''),
    });
    this.#pending = this.#pending.then(() => this.#run(script));
  }

  /** Runs one script; a failure switches the guard off for good and is told once. */
  async #run(script: string): Promise<void> {
    if (!this.#available) return;
    const failure = await nft(script);
    if (failure === '') return;
    this.#available = false;
    this.#options.onUnavailable(failure);
  }
}

/** @returns Empty, or why it failed. */
function nft(script: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? '' : (stderr.split('\n')[0] ?? `exit code ${code}`)));
    child.stdin.on('error', () => {});
    child.stdin.end(script);
  });
}
