// The place of one role: which child is in it, how often it was restarted, and when the next start is due.
import type { PairConfig } from '@tospann/config';
import { monotonicMs } from '@tospann/linux';
import type { Logger } from '../log.ts';
import { afterDeath, initialRestart, type RestartState } from '../core/restart.ts';
import type { ChildInfo, ChildReport, Role } from '../ipc.ts';
import { Child } from './child.ts';

export interface SlotOptions {
  readonly role: Role;
  readonly log: Logger;
  /** The configuration to start with, asked anew at each start. */
  readonly config: () => PairConfig;
  /** Makes what a child needs, before each start. Never throws. */
  readonly prepare: () => void;
  /** Descriptors that the child inherits. */
  readonly fds: (config: PairConfig) => readonly number[];
  /** Called with each new child, to send its `start` message. */
  readonly started: (child: Child, config: PairConfig) => void;
  readonly message: (child: Child, message: ChildReport) => void;
  readonly faulty: (child: Child, why: string) => void;
  /** Called when a child has ended that was not told to; another one starts in `delayMs`. */
  readonly died: (ended: {
    readonly role: Role;
    readonly pid: number;
    readonly how: string;
    readonly delayMs: number;
  }) => void;
}

export class Slot {
  readonly #options: SlotOptions;
  #child: Child | undefined;
  #restart: RestartState = initialRestart;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #restartsTotal = 0;
  #lastExit = '';

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get child(): Child | undefined {
    return this.#child;
  }

  /** Starts the child of this slot and keeps it running until `close`. What keeps one from starting counts as its death. */
  start(): void {
    try {
      this.#child = this.spawn(this.#options.config());
    } catch (error) {
      this.#child = undefined;
      this.#died({ pid: -1, how: `cannot be started: ${String(error)}`, livedMs: 0 });
    }
  }

  /** Starts a child beside the one in the slot (a reload); `adopt` puts it in. @throws What the system says. */
  spawn(config: PairConfig): Child {
    this.#options.prepare();
    const child = new Child(this.#options.role, this.#options.fds(config), {
      message: this.#options.message,
      faulty: this.#options.faulty,
      exited: (gone, how) => this.#exited(gone, how),
    });
    this.#options.started(child, config);
    return child;
  }

  /** Puts a child that is ready in the slot, and returns the one that was there. */
  adopt(child: Child): Child | undefined {
    const before = this.#child;
    this.#child = child;
    this.#restart = initialRestart;
    return before;
  }

  /** Starts no child again. The one that runs is not touched. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  info(): ChildInfo {
    const child = this.#child;
    const running = child !== undefined && !child.gone;
    return {
      role: this.#options.role,
      state: running ? stateOf(child) : 'waiting',
      pid: running ? child.pid : -1,
      restartsTotal: this.#restartsTotal,
      sinceMs: child?.startedMs ?? 0,
      lastExit: this.#lastExit,
    };
  }

  #exited(child: Child, how: string): void {
    const { log, role } = this.#options;
    if (child !== this.#child || this.#closed) {
      log.info({ event: 'child-exit', child: role, pid: child.pid, how }, `The ${role} child has ended: ${how}`);
      return;
    }
    this.#died({ pid: child.pid, how, livedMs: monotonicMs() - child.startedMs });
  }

  #died({ pid, how, livedMs }: { readonly pid: number; readonly how: string; readonly livedMs: number }): void {
    const { log, role } = this.#options;
    const { state, delayMs } = afterDeath(this.#restart, livedMs);
    this.#restart = state;
    this.#restartsTotal += 1;
    this.#lastExit = how;
    log.error(
      { event: 'child-exit', child: role, pid, how, delayMs },
      `The ${role} child ended (${how}); it starts again in ${delayMs} ms`,
    );
    this.#options.died({ role, pid, how, delayMs });
    // Never in the same turn: the first start of a node may fail, too.
    this.#timer = setTimeout(() => this.start(), delayMs);
  }
}

function stateOf(child: Child): ChildInfo['state'] {
  if (child.isSilent) return 'silent';
  if (child.draining) return 'draining';
  return child.ready ? 'running' : 'starting';
}
