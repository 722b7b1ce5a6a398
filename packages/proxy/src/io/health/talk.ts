// Holds one conversation of a check on a plain socket, within one time-out for all of it. How many sockets checks may
// hold at one time is bounded by a gate that all of them share; waiting there is not part of the time-out, and neither
// is the time in which this process stood still.
import net from 'node:net';
import { afterRunning } from '@tospann/linux';
import type { Conversation, Step } from '../../core/health/conversation.ts';
import { checkProxyHeader } from '../../core/proxy-protocol/encode.ts';

/** How a conversation ended: what it found, or how far it came before the time was over or the socket broke. */
export type TalkEnd<Found> = { readonly found: Found; readonly ms: number } | (TalkFailure & { readonly ms: number });

export interface TalkFailure {
  readonly failed: string;
  /** `local`: this node lacks something (a port, a descriptor, memory); that says nothing of the server. */
  readonly how: 'time-out' | 'broken' | 'local';
  readonly wasConnected: boolean;
}

export interface TalkOptions<Found> {
  readonly address: string;
  readonly port: number;
  /** Version of the PROXY protocol header to begin with; absent: none. */
  readonly sendProxy?: 'v1' | 'v2' | undefined;
  readonly conversation: Conversation<Found>;
  readonly timeoutMs: number;
  readonly monotonicMs: () => number;
  readonly gate: SocketGate;
  /** Called once, never after `cancel`. */
  readonly ended: (end: TalkEnd<Found>) => void;
}

/** Bounds the sockets that all checks of a process hold at one time; the rest wait in the order in which they came. */
export class SocketGate {
  readonly #limit: number;
  #open = 0;
  #peak = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The most sockets that were open at one time. */
  get peak(): number {
    return this.#peak;
  }

  /** Calls `begin` when there is room; each begin is followed by one `leave`. Returns what takes it out of the queue. */
  enter(begin: () => void): () => void {
    if (this.#open < this.#limit) {
      this.#begin(begin);
      return () => undefined;
    }
    this.#waiting.add(begin);
    return () => this.#waiting.delete(begin);
  }

  leave(): void {
    this.#open--;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#begin(next);
  }

  #begin(begin: () => void): void {
    this.#open++;
    this.#peak = Math.max(this.#peak, this.#open);
    begin();
  }
}

/** Talks once. Returns what breaks it off without a word to `ended`. */
export function talk<Found>(options: TalkOptions<Found>): () => void {
  let cancelTalk: (() => void) | undefined;
  const leaveQueue = options.gate.enter(() => (cancelTalk = talkNow(options)));
  return () => {
    leaveQueue();
    cancelTalk?.();
  };
}

function talkNow<Found>(options: TalkOptions<Found>): () => void {
  const { conversation, monotonicMs, timeoutMs, gate } = options;
  const startMs = monotonicMs();
  const socket = net.connect({ host: options.address, port: options.port });
  let isOver = false;
  let wasConnected = false;
  const close = (): boolean => {
    if (isOver) return false;
    isOver = true;
    stopTimer();
    // Neither waits for the other side nor leaves TIME_WAIT behind.
    if (wasConnected) socket.resetAndDestroy();
    else socket.destroy();
    gate.leave();
    return true;
  };
  const end = (how: { found: Found } | Omit<TalkFailure, 'wasConnected'>): void => {
    if (!close()) return;
    const ms = Math.round(monotonicMs() - startMs);
    options.ended('found' in how ? { ...how, ms } : { ...how, wasConnected, ms });
  };
  const take = (step: Step<Found>): void => {
    if (isOver) return;
    // The last words of a conversation are not waited for: the verdict stands. Each character is one byte.
    if (step.send !== undefined) socket.write(step.send, 'latin1');
    if (step.found !== undefined) end({ found: step.found });
  };
  const stopTimer = afterRunning(timeoutMs, () => {
    const what = wasConnected ? 'no answer' : 'no connection';
    end({ failed: `${what} in ${timeoutMs} ms`, how: 'time-out' });
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end(brokenBy(error)));
  socket.on('connect', () => {
    wasConnected = true;
    if (options.sendProxy !== undefined) socket.write(checkProxyHeader(options.sendProxy));
    take(conversation.connected());
  });
  socket.on('data', (bytes: Buffer) => take(conversation.received(bytes)));
  socket.on('end', () => take({ found: conversation.ended() }));
  return close;
}

/** What this node lacks, by the code of the error. */
const LOCAL_TEXTS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'no local port is left',
  EAGAIN: 'no local port is left',
  EMFILE: 'no descriptor is left',
  ENFILE: 'no descriptor is left on this machine',
  ENOBUFS: 'no memory for sockets',
  ENOMEM: 'no memory for sockets',
};

function brokenBy(error: NodeJS.ErrnoException): Omit<TalkFailure, 'wasConnected'> {
  const code = error.code ?? '';
  const lacks = LOCAL_TEXTS[code];
  if (lacks !== undefined) return { failed: `${lacks} here (${code})`, how: 'local' };
  return { failed: ERROR_TEXTS[code] ?? error.code ?? error.message, how: 'broken' };
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'no route to network',
};
