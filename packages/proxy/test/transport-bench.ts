// The engine of the transport compliance suite: notes every event, answers with hooks, and watches the rules of the
// interface (no event after `closed`, no number given out twice, bytes inside one buffer).
import { expect } from 'vitest';
import type { Endpoint, Transport, TransportEvents } from '../src/core/transport.ts';

/** Sizes that a case asks for; small ones make shortage and back-pressure easy to reach. */
export interface ComplianceSizes {
  readonly bufferBytes: number;
  readonly receiveBuffers: number;
  readonly sendBuffers: number;
}

/** One transport and what a test needs around it. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** Opens a listening socket on a free port and calls `transport.listen(fd, listener)`. */
  openListener(listener: number): Endpoint | Promise<Endpoint>;
  /** A place where nobody listens, so that a connect is refused. */
  refusedEndpoint(): Endpoint | Promise<Endpoint>;
  /** A place where, at the latest from the tenth connection on, a connect is not answered. */
  silentEndpoint(): Endpoint | Promise<Endpoint>;
  /** Descriptors that this process has open; 0 where there are none. */
  descriptors(): number;
  /** Runs the loop until `done()` holds after some event; rejects when that takes longer than 20 s. */
  run(done: () => boolean): Promise<void>;
  dispose(): void | Promise<void>;
}

export type TransportFactory = (sizes: ComplianceSizes) => TransportUnderTest | Promise<TransportUnderTest>;

/** Small, but enough for the cases that are not about shortage. */
export const SIZES: ComplianceSizes = { bufferBytes: 4096, receiveBuffers: 64, sendBuffers: 64 };

/** Byte `i` of every test stream: no period that buffers or packets could hide. */
function streamByte(i: number): number {
  return (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
}

/** Checks that bytes are those of a test stream. */
export class StreamCheck {
  bytes = 0;
  wrongAt = -1;

  push(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && this.wrongAt < 0; i++) {
      if (bytes[i] !== streamByte(this.bytes + i)) this.wrongAt = this.bytes + i;
    }
    this.bytes += bytes.length;
  }
}

/** The engine of these tests: notes every event, answers with hooks, and watches the rules of the interface. */
export class Bench {
  readonly test: TransportUnderTest;
  readonly transport: Transport;
  readonly accepted: { handle: number; listener: number }[] = [];
  readonly connected = new Map<number, number>();
  /** Bytes that a relay has passed on, by the handle that they came from. */
  readonly relayed = new Map<number, number>();
  readonly bytes = new Map<number, number[]>();
  readonly ended: number[] = [];
  readonly failed = new Map<number, number>();
  readonly sent = new Map<number, number>();
  readonly closed: number[] = [];
  readonly tickTimes: number[] = [];
  /** Handles between their birth and `closed`. */
  readonly openHandles = new Set<number>();
  readonly violations: string[] = [];
  keepBuffers = false;
  onAccepted: (handle: number) => void = () => {};
  onBytes: (handle: number, bytes: Uint8Array, offset: number) => void = () => {};
  onAgain: () => void = () => this.violations.push('again was not asked for');
  onEnded: (handle: number) => void = () => {};
  onFailed: (handle: number) => void = () => {};
  onTick: () => void = () => {};
  #onSent = new Map<number, () => void>();
  #servers = new Set<number>();
  #sending = new Map<number, number>();

  static async open(factory: TransportFactory, sizes: ComplianceSizes = SIZES): Promise<Bench> {
    return new Bench(await factory(sizes));
  }

  private constructor(test: TransportUnderTest) {
    this.test = test;
    this.transport = test.transport;
    const connect = this.transport.connect.bind(this.transport);
    this.transport.connect = (endpoint) => {
      const handle = connect(endpoint);
      if (this.openHandles.has(handle)) this.violations.push(`connect gave ${handle}, which is in use`);
      this.openHandles.add(handle);
      this.connected.delete(handle);
      this.#servers.delete(handle);
      return handle;
    };
    this.transport.attach(this.#events());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test.dispose();
    expect(this.violations).toEqual([]);
  }

  /** Connects to an endpoint and finds the other end. */
  async pair(endpoint: Endpoint): Promise<{ client: number; server: number }> {
    const before = this.accepted.length;
    const client = this.transport.connect(endpoint);
    await this.test.run(() => this.connected.has(client) && this.accepted.length > before);
    return { client, server: this.accepted[before]?.handle ?? -1 };
  }

  async ticks(count: number): Promise<void> {
    const target = this.tickTimes.length + count;
    await this.test.run(() => this.tickTimes.length >= target);
  }

  isServer(handle: number): boolean {
    return this.#servers.has(handle);
  }

  text(handle: number): string {
    return new TextDecoder().decode(Uint8Array.from(this.bytes.get(handle) ?? []));
  }

  sendText(handle: number, text: string): void {
    const offset = this.transport.takeBuffer();
    const bytes = new TextEncoder().encode(text);
    this.transport.memory.set(bytes, offset);
    this.#sending.set(handle, offset);
    this.transport.send(handle, offset, bytes.length, false);
  }

  /** Sends all bytes received so far back to where they came from. */
  echo(handle: number): void {
    this.sendText(handle, this.text(handle));
    this.bytes.set(handle, []);
  }

  /** Sends `total` bytes of the test stream, from its byte `from` on, out of one buffer, each piece when the one before was taken. */
  sendStream(handle: number, total: number, from = 0): { readonly offset: number; sentBytes: number } {
    const offset = this.transport.takeBuffer();
    const stream = { offset, sentBytes: 0 };
    let length = 0;
    const next = (): void => {
      stream.sentBytes += length;
      // Odd sizes, so that pieces and buffers never line up.
      length = Math.min(this.transport.bufferBytes - (stream.sentBytes % 97), total - stream.sentBytes);
      for (let i = 0; i < length; i++) this.transport.memory[offset + i] = streamByte(from + stream.sentBytes + i);
      if (length > 0) this.transport.send(handle, offset, length, stream.sentBytes + length < total);
      else this.#onSent.delete(handle);
    };
    this.#onSent.set(handle, next);
    next();
    return stream;
  }

  #events(): TransportEvents {
    return {
      accepted: (handle, listener) => this.#onAcceptedEvent(handle, listener),
      relayed: (handle, bytes) => {
        this.#mustBeOpen('relayed', handle);
        this.relayed.set(handle, (this.relayed.get(handle) ?? 0) + bytes);
      },
      connected: (handle, errno) => {
        this.#mustBeOpen('connected', handle);
        this.connected.set(handle, errno);
      },
      received: (handle, offset, length) => this.#onReceivedEvent(handle, offset, length),
      ended: (handle) => {
        this.#mustBeOpen('ended', handle);
        this.ended.push(handle);
        this.onEnded(handle);
      },
      failed: (handle, errno) => {
        this.#mustBeOpen('failed', handle);
        this.failed.set(handle, errno);
        this.onFailed(handle);
      },
      sent: (handle) => this.#onSentEvent(handle),
      closed: (handle) => {
        this.#mustBeOpen('closed', handle);
        this.openHandles.delete(handle);
        this.closed.push(handle);
        this.#releaseSend(handle);
      },
      tick: (nowMs) => {
        this.tickTimes.push(nowMs);
        this.onTick();
      },
      again: () => this.onAgain(),
      woken: () => this.violations.push('woken without wake'),
    };
  }

  #onAcceptedEvent(handle: number, listener: number): void {
    if (this.openHandles.has(handle)) this.violations.push(`accepted gave ${handle}, which is in use`);
    this.openHandles.add(handle);
    this.#servers.add(handle);
    this.bytes.set(handle, []);
    this.accepted.push({ handle, listener });
    this.onAccepted(handle);
  }

  #onReceivedEvent(handle: number, offset: number, length: number): void {
    this.#mustBeOpen('received', handle);
    const { bufferBytes, memory } = this.transport;
    if (Math.floor(offset / bufferBytes) !== Math.floor((offset + length - 1) / bufferBytes) || length < 1) {
      this.violations.push(`received ${length} bytes at ${offset}: not inside one buffer`);
    }
    const bytes = memory.slice(offset, offset + length);
    const seen = this.bytes.get(handle) ?? [];
    // Long streams are checked, not kept.
    if (seen.length < 100_000) seen.push(...bytes);
    this.bytes.set(handle, seen);
    this.onBytes(handle, bytes, offset);
    if (!this.keepBuffers) this.transport.releaseBuffer(offset);
  }

  #onSentEvent(handle: number): void {
    this.#mustBeOpen('sent', handle);
    this.sent.set(handle, (this.sent.get(handle) ?? 0) + 1);
    const next = this.#onSent.get(handle);
    if (next === undefined) this.#releaseSend(handle);
    else next();
  }

  #releaseSend(handle: number): void {
    const offset = this.#sending.get(handle);
    if (offset !== undefined) this.transport.releaseBuffer(offset);
    this.#sending.delete(handle);
  }

  #mustBeOpen(event: string, handle: number): void {
    if (!this.openHandles.has(handle)) this.violations.push(`${event} for handle ${handle}, which is closed`);
  }
}
