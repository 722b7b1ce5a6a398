// The node transport: the same contract as the ring's, over node:net. For kernels and containers without io_uring.
// Bytes are copied between libuv's buffers and the transport's memory; that is its price. Events come from the event
// loop, never from inside a call; results that are known at once are put off with setImmediate.
import net from 'node:net';
import { closeFd, duplicateFd, hasSomethingToRead, monotonicMs, setResetOnClose, setShortReach } from '@tospann/linux';
import { Errno, type Endpoint, type Transport, type TransportEvents } from '../core/transport.ts';

export interface NodeTransportOptions {
  /** Bytes of one buffer, a power of two. @default 16384 */
  readonly bufferBytes?: number;
  /** Buffers that bytes are received into. @default 2048 */
  readonly receiveBuffers?: number;
  /** Buffers for `takeBuffer`. @default 2048 */
  readonly sendBuffers?: number;
  /** Ms between ticks. @default 50 */
  readonly tickMs?: number;
}

interface Connection {
  readonly handle: number;
  readonly socket: net.Socket;
  /** Bytes that came while nobody took them, or when no buffer was free. */
  waiting: Buffer[];
  wanted: boolean;
  ended: boolean;
  endTold: boolean;
  failure: number;
  failureTold: boolean;
  connecting: boolean;
  closing: boolean;
}

const ERRNO_BY_CODE: Readonly<Record<string, number>> = {
  ECONNREFUSED: Errno.ECONNREFUSED,
  ECONNRESET: Errno.ECONNRESET,
  ETIMEDOUT: Errno.ETIMEDOUT,
  EHOSTUNREACH: Errno.EHOSTUNREACH,
  EPIPE: Errno.EPIPE,
  ENETUNREACH: 101,
  EAGAIN: Errno.EAGAIN,
  EMFILE: Errno.EMFILE,
  ENFILE: Errno.ENFILE,
  ENOBUFS: Errno.ENOBUFS,
  ENOMEM: Errno.ENOMEM,
  EADDRNOTAVAIL: Errno.EADDRNOTAVAIL,
};

/** node:net does not tell it; -1 once the socket is closed. */
function descriptorOf(socket: net.Socket | undefined): number {
  const own = socket as unknown as { _handle?: { fd?: number } | null } | undefined;
  return own?._handle?.fd ?? -1;
}

/** See `Transport`. `run` starts the ticks; `stop` ends everything at once. */
export class NodeTransport implements Transport {
  readonly kind = 'node';
  readonly memory: Uint8Array;
  readonly bufferBytes: number;
  readonly bufferCount: number;
  readonly tickMs: number;
  readonly receiveCount: number;
  readonly #freeReceives: number[];
  readonly #freeSends: number[];
  readonly #connections: (Connection | undefined)[] = [];
  readonly #freeHandles: number[] = [];
  readonly #servers: (net.Server | undefined)[] = [];
  /** Connections with bytes that wait for a buffer. */
  readonly #starved = new Set<Connection>();
  #events: TransportEvents | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #receiveMost: number;

  constructor(options: NodeTransportOptions = {}) {
    this.bufferBytes = options.bufferBytes ?? 16_384;
    this.#receiveMost = this.bufferBytes;
    this.receiveCount = options.receiveBuffers ?? 2048;
    const sends = options.sendBuffers ?? 2048;
    this.bufferCount = this.receiveCount + sends;
    this.tickMs = options.tickMs ?? 50;
    this.memory = new Uint8Array(this.bufferBytes * this.bufferCount);
    this.#freeReceives = Array.from({ length: this.receiveCount }, (_, i) => i);
    this.#freeSends = Array.from({ length: sends }, (_, i) => this.receiveCount + i);
  }

  attach(events: TransportEvents): void {
    this.#events = events;
  }

  nowMs(): number {
    return monotonicMs();
  }

  run(): void {
    this.#timer = setInterval(() => this.#events?.tick(this.nowMs()), this.tickMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const server of this.#servers) server?.close();
    for (const connection of this.#connections) connection?.socket.destroy();
  }

  again(): void {
    setImmediate(() => {
      if (!this.#stopped) this.#events?.again();
    });
  }

  takeBuffer(): number {
    const id = this.#freeSends.pop();
    return id === undefined ? -1 : id * this.bufferBytes;
  }

  releaseBuffer(offset: number): void {
    const id = Math.floor(offset / this.bufferBytes);
    if (id >= this.receiveCount) {
      this.#freeSends.push(id);
      return;
    }
    this.#freeReceives.push(id);
    if (this.#starved.size > 0 && this.#freeReceives.length === 1) setImmediate(() => this.#feedStarved());
  }

  listen(fd: number, listener: number): void {
    const own = duplicateFd(fd);
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#servers[listener] = server;
    server.on('connection', (socket) => this.#accepted(socket, listener));
    server.on('error', () => closeFd(own));
    server.listen({ fd: own });
  }

  stopListening(listener: number): void {
    this.#servers[listener]?.close();
    this.#servers[listener] = undefined;
  }

  connect(endpoint: Endpoint): number {
    const socket = net.connect({ host: endpoint.address, port: endpoint.port, allowHalfOpen: true, noDelay: true });
    const connection = this.#add(socket, true);
    socket.once('connect', () => {
      connection.connecting = false;
      if (!connection.closing) this.#events?.connected(connection.handle, 0);
    });
    return connection.handle;
  }

  peerAddress(handle: number): string {
    const address = this.#connections[handle]?.socket.remoteAddress ?? '';
    return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  }

  peerPort(handle: number): number {
    return this.#connections[handle]?.socket.remotePort ?? 0;
  }

  localEndpoint(handle: number): Endpoint | null {
    const socket = this.#connections[handle]?.socket;
    if (socket?.localAddress === undefined || socket.localPort === undefined) return null;
    return { address: socket.localAddress, port: socket.localPort };
  }

  receive(handle: number, on: boolean): void {
    const connection = this.#connections[handle];
    if (connection === undefined || connection.closing) return;
    connection.wanted = on;
    if (!on) {
      connection.socket.pause();
      return;
    }
    connection.socket.resume();
    if (connection.waiting.length > 0 || connection.ended || connection.failure !== 0) {
      setImmediate(() => this.#feed(connection));
    }
  }

  expectMuch(): void {
    // node:net reads one buffer at a time anyway.
  }

  receiveAtMost(bytes: number): void {
    this.#receiveMost = bytes === 0 ? this.bufferBytes : bytes;
  }

  // oxlint-disable-next-line max-params -- the Transport interface
  send(handle: number, offset: number, length: number, _more: boolean): void {
    const connection = this.#connections[handle];
    if (connection === undefined) return;
    // A view, not a copy: the memory stays as it is until `sent` or `closed`.
    connection.socket.write(this.memory.subarray(offset, offset + length), (error) => {
      if (error || connection.closing) return; // `error` and `close` follow
      this.#events?.sent(handle);
    });
  }

  shutdownSend(handle: number): void {
    this.#connections[handle]?.socket.end();
  }

  relay(): boolean {
    return false;
  }

  silence(handle: number): void {
    // node:net has no way to set a hop limit; the descriptor is there all the same.
    const fd = descriptorOf(this.#connections[handle]?.socket);
    if (fd >= 0) setShortReach(fd);
  }

  isSilent(handle: number): boolean {
    const connection = this.#connections[handle];
    if (connection === undefined || connection.waiting.length > 0) return false;
    if (connection.ended || connection.failure !== 0 || connection.socket.readableLength > 0) return false;
    // What libuv has not read yet: it goes on behind this call where a read has filled its buffer.
    const fd = descriptorOf(connection.socket);
    return fd >= 0 && !hasSomethingToRead(fd);
  }

  close(handle: number, reset: boolean): void {
    const connection = this.#connections[handle];
    if (connection === undefined || connection.closing) return;
    connection.closing = true;
    connection.waiting = [];
    this.#starved.delete(connection);
    const { socket } = connection;
    if (socket.destroyed) {
      setImmediate(() => this.#closed(connection));
      return;
    }
    // Not resetAndDestroy: that waits for a connect and for what is still to be sent, and after FIN it fails and keeps
    // the descriptor.
    const fd = descriptorOf(socket);
    if (reset && fd >= 0) setResetOnClose(fd);
    socket.destroy();
  }

  #accepted(socket: net.Socket, listener: number): void {
    if (this.#stopped) {
      socket.destroy();
      return;
    }
    const connection = this.#add(socket, false);
    this.#events?.accepted(connection.handle, listener);
  }

  #add(socket: net.Socket, connecting: boolean): Connection {
    const handle = this.#freeHandles.pop() ?? this.#connections.length;
    const connection: Connection = {
      handle,
      socket,
      waiting: [],
      wanted: false,
      ended: false,
      endTold: false,
      failure: 0,
      failureTold: false,
      connecting,
      closing: false,
    };
    this.#connections[handle] = connection;
    socket.on('data', (bytes: Buffer) => {
      connection.waiting.push(bytes);
      this.#feed(connection);
    });
    socket.on('end', () => {
      connection.ended = true;
      this.#feed(connection);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      connection.failure = ERRNO_BY_CODE[error.code ?? ''] ?? Errno.ECONNRESET;
      this.#feed(connection);
    });
    socket.on('close', () => {
      if (connection.closing) this.#closed(connection);
      else if (connection.failure === 0 && !connection.ended) {
        connection.failure = Errno.ECONNRESET;
        this.#feed(connection);
      }
    });
    // Without a reader node:net does not read; 'data' would start it, so it is stopped until `receive`.
    socket.pause();
    return connection;
  }

  /** Hands out what waits: bytes, then FIN, then a failure (which alone does not wait for `receive`). */
  #feed(connection: Connection): void {
    const events = this.#events;
    if (connection.closing || events === undefined) return;
    if (connection.failure !== 0) {
      this.#tellFailure(connection, events);
      return;
    }
    while (connection.waiting.length > 0 && connection.wanted && !connection.closing) {
      const bytes = connection.waiting[0]!;
      const id = this.#freeReceives.pop();
      if (id === undefined) {
        this.#starved.add(connection);
        connection.socket.pause();
        return;
      }
      const offset = id * this.bufferBytes;
      const length = Math.min(bytes.length, this.#receiveMost);
      this.memory.set(length === bytes.length ? bytes : bytes.subarray(0, length), offset);
      if (length === bytes.length) connection.waiting.shift();
      else connection.waiting[0] = bytes.subarray(length);
      events.received(connection.handle, offset, length);
    }
    if (connection.ended && !connection.endTold && connection.waiting.length === 0 && !connection.closing) {
      connection.endTold = true;
      events.ended(connection.handle);
    }
  }

  #tellFailure(connection: Connection, events: TransportEvents): void {
    if (connection.failureTold) return;
    connection.failureTold = true;
    connection.waiting = [];
    if (connection.connecting) events.connected(connection.handle, connection.failure);
    else events.failed(connection.handle, connection.failure);
  }

  #feedStarved(): void {
    for (const connection of this.#starved) {
      if (this.#freeReceives.length === 0) return;
      this.#starved.delete(connection);
      if (connection.wanted && !connection.closing) connection.socket.resume();
      this.#feed(connection);
    }
  }

  #closed(connection: Connection): void {
    if (this.#connections[connection.handle] !== connection) return;
    this.#connections[connection.handle] = undefined;
    this.#freeHandles.push(connection.handle);
    this.#events?.closed(connection.handle);
  }
}
