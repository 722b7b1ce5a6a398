// When the connection guard stands: armed while the other node owns the address (no packet for it comes here then, so
// it costs nothing and is there in the very moment of a planned hand-over), kept for the drain when the old owner lives, gone
// at once after a crash, where the connections are dead and a reset is the honest answer. What somebody else removes (a
// restart of nftables flushes every table) is put back as soon as the kernel tells of it. Side effect: nft.
import { spawn } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { isTospannError } from '@tospann/errors';
import { countRules } from '@tospann/linux';
import { guardChain, guardChains, guardRules, guardTable, noGuard, type GuardTarget } from '../../core/guard-rules.ts';
import { takeover } from '../../core/machine-actions.ts';
import type { VrrpStateEvent } from '../messages.ts';

/** A flap of states costs no run of nft. */
const armAfterMs = 200;
/** An old owner that drains says so within milliseconds; one in fault does not, and its connections are dead. */
const lastWordMs = 300;
/** Looked at without news too: news may be lost, and what failed is tried again. */
const lookEveryMs = 10_000;

const livingReasons: ReadonlySet<string> = new Set(Object.values(takeover));

export interface GuardOptions extends Omit<GuardTarget, 'addresses'> {
  /** Address of each VIP by name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly drainSeconds: number;
  /** Called when the guard cannot be had, with the reason; again only after it could. */
  readonly onUnavailable: (detail: string) => void;
  /** Somebody had removed it, and it is back. */
  readonly onRestored: () => void;
}

export class ConnectionGuard {
  readonly #options: GuardOptions;
  readonly #guarded = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #timer: NodeJS.Timeout;
  #pending: Promise<void>;
  #checking = false;
  /** A run is planned that makes what is wanted now. */
  #applying = false;
  /** Why the last script failed; empty: it did not. */
  #failure = '';

  constructor(options: GuardOptions) {
    this.#options = options;
    // What an earlier agent left would stand against this one.
    this.#pending = this.#run(noGuard);
    this.#timer = setInterval(() => this.check(), lookEveryMs);
    this.#timer.unref();
  }

  /** Why connections under way would break now, though the guard ought to stand; empty: they would not. */
  problem(): string {
    if (this.#failure !== '') return this.#failure;
    if (this.#applying || this.#stands()) return '';
    this.check();
    return 'its rules were removed, and are being put back';
  }

  /** Somebody may have changed the rules: what is missing is put back. */
  check(): void {
    if (this.#checking || this.#guarded.size === 0) return;
    this.#checking = true;
    this.#pending = this.#pending.then(async () => {
      this.#checking = false;
      if (this.#stands()) return;
      await this.#run(this.#script());
      if (this.#failure === '' && this.#stands()) this.#options.onRestored();
    });
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
    clearInterval(this.#timer);
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

  /** All addresses of an election change together, each with an event of its own: one run for all of them. */
  #apply(): void {
    if (this.#applying) return;
    this.#applying = true;
    this.#pending = this.#pending.then(async () => {
      await setImmediate();
      this.#applying = false;
      await this.#run(this.#script());
    });
  }

  #target(): GuardTarget {
    const { addresses, ...target } = this.#options;
    return { ...target, addresses: [...this.#guarded].map((vip) => addresses[vip] ?? '') };
  }

  #script(): string {
    return guardRules(this.#target());
  }

  /** Whether the kernel has what was made; a kernel that cannot be asked is believed to. */
  #stands(): boolean {
    try {
      return guardChains(this.#target()).every(
        (family) => countRules({ family, table: guardTable, chain: guardChain }) === 1,
      );
    } catch (error) {
      if (isTospannError(error)) return true;
      throw error;
    }
  }

  /** Runs one script; a failure is told once, and what was wanted is tried again with the next look. */
  async #run(script: string): Promise<void> {
    const failure = await nft(script);
    if (failure !== '' && this.#failure === '') this.#options.onUnavailable(failure);
    this.#failure = failure;
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
