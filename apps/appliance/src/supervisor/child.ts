// One child process of the supervisor: this program again, in another role. Starts it, speaks with it over IPC,
// ends it. Does not decide when to start another one: slot.ts does.
import { spawn, type ChildProcess } from 'node:child_process';
import { monotonicMs } from '@tospann/linux';
import { ownCommand } from '../assets.ts';
import type { FromChild, Role, ToChild } from '../ipc.ts';

/** The first descriptor number that a child inherits listeners at: 0, 1, 2 are standard, 3 is the IPC channel. */
export const FIRST_INHERITED_FD = 4;

export interface ChildEvents {
  message(child: Child, message: FromChild): void;
  exited(child: Child, how: string): void;
}

export class Child {
  readonly role: Role;
  readonly startedMs: number;
  ready = false;
  draining = false;
  readonly #process: ChildProcess;
  #gone = false;

  /** Starts the process. `fds` become FIRST_INHERITED_FD, +1, ... in the child. */
  constructor(role: Role, fds: readonly number[], events: ChildEvents) {
    const command = ownCommand();
    this.role = role;
    this.startedMs = monotonicMs();
    this.#process = spawn(command.file, command.args, {
      env: { ...process.env, TOSPANN_ROLE: role },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds],
    });
    this.#process.on('message', (message) => events.message(this, message as FromChild)); // only our own child has the channel
    this.#process.on('error', (error) => this.#end(events, `cannot be started: ${error.message}`));
    this.#process.on('exit', (code, signal) =>
      this.#end(events, signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Sends a message; one to a child that is gone is dropped, its exit is reported by itself. */
  send(message: ToChild): void {
    if (this.#gone || !this.#process.connected) return;
    this.#process.send(message, () => undefined);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#gone) this.#process.kill(signal);
  }

  /** Resolves when the process has ended, or after `limitMs`. */
  async ended(limitMs: number): Promise<boolean> {
    if (this.#gone) return true;
    return await new Promise<boolean>((resolve) => {
      const exited = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#process.off('exit', exited);
        resolve(false);
      }, limitMs);
      this.#process.once('exit', exited);
    });
  }

  #end(events: ChildEvents, how: string): void {
    if (this.#gone) return;
    this.#gone = true;
    events.exited(this, how);
  }
}
