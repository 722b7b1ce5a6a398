// What is said with a server in a check, as pure objects: bytes in, bytes to send and a verdict out. This file has the
// plain connect and the send/expect dialogue; http-conversation.ts and agent.ts have the others. Sockets and time-outs
// are the caller's.
import type { CheckConfig } from '@tospann/config';
import type { Verdict } from './state.ts';

/** Bytes of an answer that a check looks at. */
export const MAX_CHECKED_BYTES = 65_536;

/** What to do next: send something, or end with a verdict. */
export interface Step<Found = Verdict> {
  /** Each character is one byte. */
  readonly send?: string;
  readonly found?: Found;
}

/** One conversation; made anew for each check. */
export interface Conversation<Found = Verdict> {
  connected(): Step<Found>;
  /** Bytes from the server; borrowed. */
  received(bytes: Uint8Array): Step<Found>;
  /** The server has ended its side without a verdict so far. */
  ended(): Found;
}

/** Content with a connection. `detail` of a good verdict gets the time it took from the caller. */
export function connectConversation(): Conversation {
  return {
    connected: () => ({ found: { ok: true, detail: 'connected', code: 'L4OK' } }),
    received: () => ({}),
    ended: () => ({ ok: true, detail: 'connected', code: 'L4OK' }),
  };
}

/** A tcp check's dialogue: sends and expects in order; text that is expected may come in any pieces. */
export class DialogueConversation implements Conversation {
  readonly #steps: NonNullable<CheckConfig['dialogue']>;
  #at = 0;
  /** What has come since the last expected text. */
  #seen: Buffer = Buffer.alloc(0);
  #seenBytes = 0;

  constructor(steps: NonNullable<CheckConfig['dialogue']>) {
    this.#steps = steps;
  }

  connected(): Step {
    return this.#go();
  }

  received(bytes: Uint8Array): Step {
    this.#seenBytes += bytes.length;
    this.#seen = Buffer.concat([this.#seen, bytes]);
    const step = this.#go();
    if (step.found !== undefined || this.#seenBytes <= MAX_CHECKED_BYTES) return step;
    return { found: { ok: false, detail: `no ${this.#wanted()} in the first 64 KiB`, code: 'L7STS' } };
  }

  ended(): Verdict {
    return { ok: false, detail: `closed before ${this.#wanted()} came`, code: 'L7RSP' };
  }

  #go(): Step {
    let send = '';
    for (; this.#at < this.#steps.length; this.#at++) {
      const step = this.#steps[this.#at]!;
      if ('send' in step) {
        send += step.send;
        continue;
      }
      const at = this.#seen.indexOf(step.expect, 0, 'latin1');
      if (at < 0) return send === '' ? {} : { send };
      this.#seen = this.#seen.subarray(at + step.expect.length);
    }
    const found: Verdict = { ok: true, detail: 'answered as wanted', code: 'L7OK' };
    return send === '' ? { found } : { send, found };
  }

  #wanted(): string {
    const step = this.#steps[this.#at];
    return step !== undefined && 'expect' in step ? quoted(step.expect) : 'the end';
  }
}

/** Text in back quotes as a message shows it: short, control characters written out. */
export function quoted(text: string): string {
  const plain = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `\`${plain.length > 60 ? `${plain.slice(0, 57)}...` : plain}\``;
}
