// The live stream's clients: each gets the past at once and then the pair once a second, the same text for all.
// Bounded in number; who does not read, floods, or has lost its session is cut off.
import type { WebSocket } from 'ws';
import type { HistorySample, LiveMessage, PairStatus } from '../contract.ts';

export interface LiveHubOptions {
  readonly nowMs: () => number;
  readonly pair: () => PairStatus;
  readonly history: () => readonly HistorySample[];
  /** @default 64 */
  readonly clientLimit?: number;
}

interface Client {
  readonly socket: WebSocket;
  readonly isAllowed: () => boolean;
  heardAtMs: number;
  framesInWindow: number;
  windowStartMs: number;
}

// About twenty seconds of a large pair's messages.
const unsentLimitBytes = 2 * 1024 * 1024;
// Clients have nothing to say; a few frames are forgiven.
const framesAllowed = 20;
const framesWindowMs = 10_000;
const pingAfterMs = 15_000;
const silentForMs = 40_000;

/** Sends the pair to all clients. */
export class LiveHub {
  readonly #options: LiveHubOptions;
  readonly #clients = new Set<Client>();
  readonly clientLimit: number;
  #seq = 0;

  constructor(options: LiveHubOptions) {
    this.#options = options;
    this.clientLimit = options.clientLimit ?? 64;
  }

  get isFull(): boolean {
    return this.#clients.size >= this.clientLimit;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Takes a client in; `isAllowed` is asked every second. */
  add(socket: WebSocket, isAllowed: () => boolean): void {
    const now = this.#options.nowMs();
    const client: Client = { socket, isAllowed, heardAtMs: now, framesInWindow: 0, windowStartMs: now };
    const leave = (): void => void this.#clients.delete(client);
    socket.on('close', leave);
    socket.on('error', () => {
      leave();
      socket.terminate();
    });
    socket.on('pong', () => (client.heardAtMs = this.#options.nowMs()));
    socket.on('message', () => this.#count(client));
    socket.on('ping', () => this.#count(client));
    if (this.isFull) return socket.close(1013, 'too many clients');
    this.#clients.add(client);
    socket.send(this.#encode({ topic: 'history', seq: this.#next(), data: [...this.#options.history()] }));
    socket.send(this.#encode({ topic: 'pair', seq: this.#next(), data: this.#options.pair() }));
  }

  /** Sends the pair; to be called once a second. */
  tick(): void {
    if (this.#clients.size === 0) return;
    const text = this.#encode({ topic: 'pair', seq: this.#next(), data: this.#options.pair() });
    const now = this.#options.nowMs();
    for (const client of this.#clients) this.#serve(client, text, now);
  }

  /** Says goodbye to all. */
  close(): void {
    for (const { socket } of this.#clients) socket.close(1001, 'the node stops');
    this.#clients.clear();
  }

  #serve(client: Client, text: string, nowMs: number): void {
    const { socket } = client;
    if (!client.isAllowed()) return socket.close(1008, 'the session has ended');
    if (socket.bufferedAmount > unsentLimitBytes || nowMs - client.heardAtMs > silentForMs) return this.#cut(client);
    if (nowMs - client.heardAtMs > pingAfterMs) socket.ping();
    socket.send(text);
  }

  #count(client: Client): void {
    const now = this.#options.nowMs();
    client.heardAtMs = now;
    if (now - client.windowStartMs > framesWindowMs) {
      client.windowStartMs = now;
      client.framesInWindow = 0;
    }
    client.framesInWindow += 1;
    if (client.framesInWindow > framesAllowed) this.#cut(client);
  }

  #cut(client: Client): void {
    this.#clients.delete(client);
    client.socket.terminate();
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  #encode(message: LiveMessage): string {
    return JSON.stringify(message);
  }
}
