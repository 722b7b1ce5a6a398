// One child process of the supervisor: this program again, in another role. Starts it, speaks with it over IPC,
// ends it. Does not decide when to start another one: slot.ts does.
import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { closeFd, closeFdChannel, monotonicMs, openFdChannel, sendFd } from '@tospann/linux';
import { ownCommand } from '../assets.ts';
import { beginSilence, HUNG_AFTER, heard, look, LOOK_MS, SILENT_AFTER, type Silence } from '../core/silence.ts';
import type { ChildReport, FromChild, Role, ToChild } from '../ipc.ts';
import { ChildChannel } from './child-channel.ts';
import { waitsForDisk } from './process-identity.ts';

/** The first descriptor number that a child inherits listeners at: 0, 1, 2 are standard, 3 is the IPC channel. */
export const FIRST_INHERITED_FD = 4;
/** In the proxy child the first one is the channel over which it gets further sockets. */
export const FIRST_LISTENER_FD = 5;

/** The descriptor of the channel in the child; Node opens it there by this variable. */
const CHANNEL = { NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' } as const;

export interface ChildEvents {
  message(child: Child, message: ChildReport): void;
  /** The child is not to be trusted, or hangs: it has been killed. */
  faulty(child: Child, why: string): void;
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
  readonly #channel: ChildChannel;
  readonly #events: ChildEvents;
  /** From its first word on; a program from before does not say one each second. */
  #silence: Silence | undefined;
  #watch: NodeJS.Timeout | undefined;
  /** Why this supervisor has ended it. */
  #fault = '';
  /** Our end of the descriptor channel; -1: none. */
  #fdChannel = -1;
  #gone = false;

  /** Starts the process. `fds` become FIRST_INHERITED_FD, +1, ... in the child. */
  constructor(role: Role, fds: readonly number[], events: ChildEvents) {
    const command = ownCommand();
    this.role = role;
    this.#events = events;
    this.startedMs = monotonicMs();
    const channel = role === 'proxy' ? openFdChannel() : undefined;
    try {
      this.#process = spawn(command.file, command.args, {
        env: { ...process.env, ...CHANNEL, TOSPANN_ROLE: role },
        stdio: ['ignore', 'inherit', 'inherit', 'pipe', ...(channel === undefined ? [] : [channel[1]]), ...fds],
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
    const socket = this.#process.stdio[3] ?? new Socket(); // none: it has not been started, which "error" tells
    this.#channel = new ChildChannel(socket as Socket, role, {
      message: (message) => this.#heard(message),
      fault: (why) => this.#fail(why),
    });
    this.#process.on('error', (error) => this.#end(`cannot be started: ${error.message}`));
    this.#process.on('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      this.#end(this.#fault === '' ? how : `${how}: ${this.#fault}`);
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** It has said nothing for some seconds in which this process did not stand still. */
  get isSilent(): boolean {
    return (this.#silence?.looks ?? 0) >= SILENT_AFTER;
  }

  /** Sends a message; one to a child that is gone is dropped, its exit is reported by itself. */
  send(message: ToChild): void {
    if (!this.#gone) this.#channel.send(message);
  }

  /** Sends a message; true when it is on its way to the child, or nobody is left who needs it; false: not within `limitMs`. */
  async deliver(message: ToChild, limitMs: number): Promise<boolean> {
    if (this.#gone) return true;
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#channel.send(message, () => {
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

  #heard(message: FromChild): void {
    if (message.type !== 'alive') {
      if (this.#silence !== undefined) this.#silence = heard(this.#silence);
      this.#events.message(this, message);
      return;
    }
    this.#silence = this.#silence === undefined ? beginSilence(monotonicMs()) : heard(this.#silence);
    this.#watch ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** A child that is still starting may work at one thing for long. */
  #look(): void {
    if (this.#silence === undefined) return;
    this.#silence = look(this.#silence, monotonicMs());
    const hangs = this.ready && this.#silence.looks >= HUNG_AFTER;
    // To kill one that waits for a disk would end its threads that do not, and start none in its place.
    if (hangs && !waitsForDisk(this.pid)) this.#fail(`it has said nothing for ${HUNG_AFTER} s`);
  }

  #fail(why: string): void {
    if (this.#gone || this.#fault !== '') return;
    this.#fault = why;
    this.kill('SIGKILL');
    this.#events.faulty(this, why);
  }

  #end(how: string): void {
    if (this.#gone) return;
    this.#gone = true;
    clearInterval(this.#watch);
    this.#channel.close();
    if (this.#fdChannel >= 0) closeFd(this.#fdChannel);
    this.#events.exited(this, how);
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
