// The supervisor's end of the channel to one child: lines of JSON over a pair of unix sockets, in the form in which Node's own
// channel speaks at the child's end. This end is our own because Node's believes its children: a line that is no JSON, one
// without an end, or a message of Node's own kind would end the supervisor. Bounded in both directions.
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { monotonicMs } from '@tospann/linux';
import { type Allowance, fullAllowance, judgeMessage, spend } from '../core/child-messages.ts';
import type { FromChild, Role, ToChild } from '../ipc.ts';

/** Longest message of a child, characters: the figures of 10 000 servers are half of it. */
const LINE_LIMIT = 16 * 1024 * 1024;
/** What may wait for a child that does not read, bytes: some configurations of the largest size. */
const WAITING_LIMIT = 64 * 1024 * 1024;
/** Figures are not sent to a child that has not read the last ones. */
const FIGURES_LIMIT = 1024 * 1024;

export interface ChannelEvents {
  message(message: FromChild): void;
  /** The child says what it must not, or does not read: it is to be ended. */
  fault(why: string): void;
}

export class ChildChannel {
  readonly #socket: Socket;
  readonly #role: Role;
  readonly #events: ChannelEvents;
  readonly #decoder = new StringDecoder('utf8');
  /** Pieces of a line without its end. */
  #pieces: string[] = [];
  #length = 0;
  #allowance: Allowance = fullAllowance(monotonicMs());
  #isOpen = true;

  constructor(socket: Socket, role: Role, events: ChannelEvents) {
    this.#socket = socket;
    this.#role = role;
    this.#events = events;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    // Its end is told by the process's.
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  /** Sends a message; to a child that is gone it is dropped. `sent` is called when the kernel has all of it. */
  send(message: ToChild, sent?: () => void): void {
    if (!this.#isOpen) return sent?.();
    const waiting = this.#socket.writableLength;
    if (message.type === 'node-state' && waiting > FIGURES_LIMIT) return;
    if (waiting > WAITING_LIMIT) return this.#fail('it does not read what it is told');
    this.#socket.write(`${JSON.stringify(message)}\n`, () => sent?.());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pieces = [];
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    let text = this.#decoder.write(bytes);
    for (;;) {
      const end = text.indexOf('\n');
      this.#pieces.push(end === -1 ? text : text.slice(0, end));
      this.#length += end === -1 ? text.length : end;
      if (this.#length > LINE_LIMIT) return this.#fail(`a message has more than ${LINE_LIMIT} characters`);
      if (end === -1) return;
      const line = this.#pieces.join('');
      [this.#pieces, this.#length] = [[], 0];
      text = text.slice(end + 1);
      this.#take(line);
      // Whoever took it may have ended the child.
      if (!this.#isOpen) return;
    }
  }

  #take(line: string): void {
    const left = spend(this.#allowance, line.length, monotonicMs());
    if (left === undefined) return this.#fail('it says too much');
    this.#allowance = left;
    const judged = judgeMessage(this.#role, parse(line));
    if ('fault' in judged) this.#fail(`a message is not believed: ${judged.fault}`);
    else this.#events.message(judged.message);
  }

  #fail(why: string): void {
    if (!this.#isOpen) return;
    this.close();
    this.#events.fault(why);
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
