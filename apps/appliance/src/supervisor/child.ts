// One child process of the supervisor: this program again, in another role. Starts it, speaks with it over IPC,
// ends it. Does not decide when to start another one: slot.ts does.
import { spawn, type ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { closeFd, closeFdChannel, monotonicMs, openFdChannel, sendFd } from '@tospann/linux';
import { ownCommand } from '../assets.ts';
import type { FromChild, Role, ToChild } from '../ipc.ts';

/** The first descriptor number that a child inherits listeners at: 0, 1, 2 are standard, 3 is the IPC channel. */
export const FIRST_INHERITED_FD = 4;
/** In the proxy child the first one is the channel over which it gets further sockets. */
export const FIRST_LISTENER_FD = 5;

export interface ChildEvents {
  message(child: Child, message: FromChild): void;
  exited(child: Child, how: string): void;
}

export class Child {
  readonly role: Role;
  readonly startedMs: number;
  ready = false;
  draining = false;
  /** Sockets that the child has, as `keyOf` names them. */
  readonly sockets = new Set<string>();
  readonly #process: ChildProcess;
  /** Our end of the descriptor channel; -1: none. */
  #fdChannel = -1;
  #gone = false;

  /** Starts the process. `fds` become FIRST_INHERITED_FD, +1, ... in the child. */
  constructor(role: Role, fds: readonly number[], events: ChildEvents) {
    const command = ownCommand();
    this.role = role;
    this.startedMs = monotonicMs();
    const channel = role === 'proxy' ? openFdChannel() : undefined;
    try {
      this.#process = spawn(command.file, command.args, {
        env: { ...process.env, TOSPANN_ROLE: role },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(channel === undefined ? [] : [channel[1]]), ...fds],
      });
    } catch (error) {
      if (channel !== undefined) closeFdChannel(channel);
      throw error;
    }
    if (role === 'vrrp') hurry(this.pid);
    if (channel !== undefined) {
      this.#fdChannel = channel[0];
      closeFd(channel[1]);
    }
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

  /** Sends a message; true when it is on its way to the child, or nobody is left who needs it; false: not within `limitMs`. */
  async deliver(message: ToChild, limitMs: number): Promise<boolean> {
    if (this.#gone || !this.#process.connected) return true;
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#process.send(message, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Gives the child a socket; a `reload` message that names it must follow. @throws {TospannError} LB_KERNEL_CALL. */
  pass(fd: number): void {
    sendFd(this.#fdChannel, fd);
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
    if (this.#fdChannel >= 0) closeFd(this.#fdChannel);
    events.exited(this, how);
  }
}

/** While an agent starts, its address has no keeper: it is not to queue behind what loads the machine. It ends this itself. */
function hurry(pid: number): void {
  if (pid < 0) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Without CAP_SYS_NICE it starts like any other.
  }
}
