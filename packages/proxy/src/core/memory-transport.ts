// The memory transport: the same contract as ring and node without any operating system. Deterministic: everything that
// happens waits in one queue and happens in order, time passes only when told. A test or simulation plays the clients
// and servers through `MemoryPeer`. It copies TCP where that matters to a proxy: bounded socket buffers, FIN behind
// the last bytes, RST that destroys what was not read, RST when a side closes with unread bytes.
import { emptySide, MemoryPeer, type Side } from './memory-peer.ts';
import { Errno, type Endpoint, type Transport, type TransportEvents } from './transport.ts';

export { MemoryPeer } from './memory-peer.ts';

export interface MemoryTransportOptions {
  /** A power of two. @default 4096 */
  readonly bufferBytes?: number;
  /** @default 64 */
  readonly receiveBuffers?: number;
  /** @default 64 */
  readonly sendBuffers?: number;
  /** @default 10 */
  readonly tickMs?: number;
  /** Most bytes that one `received` delivers: 1 splits everything everywhere. @default bufferBytes */
  readonly segmentBytes?: number;
  /** Bytes that a connection holds in each direction before its sender stalls. @default 65536 */
  readonly socketBytes?: number;
  /** Connections that are still accepted after `stopListening`, as on the ring. @default 0 */
  readonly lateAccepts?: number;
  /** Pieces that still come after `receive(handle, false)`, as on the ring. @default 0 */
  readonly latePieces?: number;
}

/** See the top of the file. */
export class MemoryTransport implements Transport {
  readonly kind = 'memory';
  readonly memory: Uint8Array;
  readonly bufferBytes: number;
  readonly bufferCount: number;
  readonly tickMs: number;
  readonly #latePieces: number;
  readonly #lateAccepts: number;
  readonly #segmentBytes: number;
  readonly #socketBytes: number;
  readonly receiveCount: number;
  readonly #freeReceives: number[];
  readonly #freeSends: number[];
  readonly #sides: (Side | undefined)[] = [];
  readonly #freeHandles: number[] = [];
  readonly #queue: (() => void)[] = [];
  readonly #listeners = new Map<number, { listener: number; on: boolean; late: number; backlog: Side[] }>();
  readonly #origins = new Map<string, (peer: MemoryPeer) => void>();
  /** What connecting there comes to; 0: nothing ever. */
  readonly #faults = new Map<string, number>();
  readonly #starved: Side[] = [];
  #events: TransportEvents | undefined;
  #nowMs = 1000;
  #receiveMost = Infinity;
  #address = '192.0.2.1';

  constructor(options: MemoryTransportOptions = {}) {
    this.bufferBytes = options.bufferBytes ?? 4096;
    this.receiveCount = options.receiveBuffers ?? 64;
    const sends = options.sendBuffers ?? 64;
    this.bufferCount = this.receiveCount + sends;
    this.tickMs = options.tickMs ?? 10;
    this.#latePieces = options.latePieces ?? 0;
    this.#lateAccepts = options.lateAccepts ?? 0;
    this.#segmentBytes = options.segmentBytes ?? this.bufferBytes;
    this.#socketBytes = options.socketBytes ?? 65_536;
    this.memory = new Uint8Array(this.bufferCount * this.bufferBytes);
    this.#freeReceives = Array.from({ length: this.receiveCount }, (_, i) => i);
    this.#freeSends = Array.from({ length: sends }, (_, i) => this.receiveCount + i);
  }

  /** Free buffers of both kinds: all of them when nothing is under way. */
  get freeBuffers(): number {
    return this.#freeReceives.length + this.#freeSends.length;
  }

  // ---- what a test does

  /** Connects as a client to the listening socket `fd`. */
  dial(fd: number, address = '192.0.2.1'): MemoryPeer {
    this.#address = address;
    const [near, far] = this.#pair();
    far.peer = null; // what it sends while nobody accepts it waits
    this.#arrive(fd, far);
    return near.peer!;
  }

  /** Plays the server at `address:port`: `onConnection` gets each new connection. */
  serve(endpoint: Endpoint, onConnection: (peer: MemoryPeer) => void): void {
    this.#origins.set(nameOf(endpoint), onConnection);
  }

  /** Nobody listens there any more: connecting is refused. */
  unserve(endpoint: Endpoint): void {
    this.#origins.delete(nameOf(endpoint));
  }

  /** Connecting there fails with this errno from now on; 0: is never answered; null: works again. */
  fault(endpoint: Endpoint, errno: number | null): void {
    if (errno === null) this.#faults.delete(nameOf(endpoint));
    else this.#faults.set(nameOf(endpoint), errno);
  }

  /** Lets everything happen that waits, without time passing. @throws {Error} after a million steps. */
  settle(): void {
    for (let steps = 0; this.#queue.length > 0; steps++) {
      if (steps > 1_000_000) throw new Error('the memory transport does not come to rest');
      this.#queue.shift()!();
    }
  }

  /** Lets time pass, tick by tick, with all that happens meanwhile. */
  advance(ms: number): void {
    this.settle();
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + this.tickMs);
      this.#events?.tick(this.#nowMs);
      this.settle();
    }
  }

  /** This process stands still: what comes meanwhile is found after the tick that was due. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.#events?.tick(this.#nowMs);
    this.settle();
  }

  // ---- Transport

  attach(events: TransportEvents): void {
    this.#events = events;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  takeBuffer(): number {
    const id = this.#freeSends.pop();
    return id === undefined ? -1 : id * this.bufferBytes;
  }

  releaseBuffer(offset: number): void {
    const id = Math.floor(offset / this.bufferBytes);
    const list = id < this.receiveCount ? this.#freeReceives : this.#freeSends;
    if (list.includes(id)) throw new Error(`buffer ${id} was released twice`);
    list.push(id);
    // Whatever still reads it after this is a fault that shows.
    this.memory.fill(0x21, id * this.bufferBytes, (id + 1) * this.bufferBytes);
    for (const side of this.#starved.splice(0)) this.#later(() => this.#deliver(side));
  }

  listen(fd: number, listener: number): void {
    const known = this.#listeners.get(fd);
    this.#listeners.set(fd, { listener, on: true, late: 0, backlog: [] });
    for (const side of known?.backlog ?? []) this.#arrive(fd, side);
  }

  stopListening(listener: number): void {
    for (const entry of this.#listeners.values()) {
      if (entry.listener !== listener || !entry.on) continue;
      entry.on = false;
      entry.late = this.#lateAccepts;
    }
  }

  connect(endpoint: Endpoint): number {
    const [near, far] = this.#pair();
    near.peer = null;
    near.port = endpoint.port;
    this.#give(near);
    const name = nameOf(endpoint);
    const fault = this.#faults.get(name);
    if (fault === 0) return near.handle;
    const connected = (errno: number): void => {
      if (!near.closed) this.#events?.connected(near.handle, errno);
    };
    const origin = this.#origins.get(name);
    if (fault !== undefined) this.#later(() => connected(fault));
    else if (origin !== undefined) {
      this.#later(() => {
        if (near.closed) return;
        connected(0);
        origin(far.peer!);
      });
    } else if (this.#listeners.has(endpoint.port)) {
      far.peer = null;
      this.#later(() => connected(0));
      this.#arrive(endpoint.port, far);
    } else this.#later(() => connected(Errno.ECONNREFUSED));
    return near.handle;
  }

  peerAddress(handle: number): string {
    return this.#sides[handle]?.other?.handle === -1 ? this.#address : '127.0.0.1';
  }

  peerPort(handle: number): number {
    const side = this.#sides[handle];
    if (side === undefined) return 0;
    return side.port !== 0 ? side.port : 50_000 + handle;
  }

  localEndpoint(handle: number): Endpoint | null {
    return this.#sides[handle] === undefined ? null : { address: '198.51.100.1', port: 80 };
  }

  receive(handle: number, on: boolean): void {
    const side = this.#sides[handle]!;
    if (side.wanted && !on) side.late = this.#latePieces;
    side.wanted = on;
    if (on) this.#later(() => this.#deliver(side));
  }

  // oxlint-disable-next-line max-params -- the Transport interface
  send(handle: number, offset: number, length: number, _more: boolean): void {
    const side = this.#sides[handle]!;
    if (side.sending) throw new Error(`two sends at once on ${handle}`);
    if (side.finSent) throw new Error(`send after FIN on ${handle}`);
    side.sending = true;
    side.sendOffset = offset;
    side.sendLeft = length;
    this.#later(() => this.#flush(side));
  }

  readonly silence = (handle: number): boolean => (this.#sides[handle]!.mute = true);
  shutdownSend(handle: number): void {
    const side = this.#sides[handle]!;
    if (side.sending) throw new Error(`FIN while a send is under way on ${handle}`);
    this.#fin(side);
  }

  relay(): boolean {
    return false;
  }

  isSilent(handle: number): boolean {
    const side = this.#sides[handle]!;
    return side.inboxBytes === 0 && !side.fin && !side.doomed;
  }

  close(handle: number, reset: boolean): void {
    const side = this.#sides[handle]!;
    if (side.closed) throw new Error(`closed twice: ${handle}`);
    this.#shut(side, reset);
    this.#later(() => {
      this.#sides[handle] = undefined;
      this.#freeHandles.push(handle);
      this.#events?.closed(handle);
    });
  }

  // ---- the peers' side

  /** For MemoryPeer. */
  peerWrite(side: Side, text: string): void {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 255;
    if (bytes.length > 0) this.#move(side, bytes);
  }

  /** For MemoryPeer. */
  peerEnd(side: Side): void {
    this.#fin(side);
  }

  /** For MemoryPeer. */
  peerClose(side: Side, reset: boolean): void {
    if (!side.closed) this.#shut(side, reset);
  }

  /** For MemoryPeer. */
  peerRead(side: Side): void {
    this.#later(() => this.#deliver(side));
  }

  readonly expectMuch = (): void => undefined; // it delivers one piece at a time anyway
  readonly receiveAtMost = (bytes: number): number => (this.#receiveMost = bytes || this.bufferBytes);

  again(): void {
    this.#later(() => this.#events?.again());
  }

  // ---- how it works

  #later(action: () => void): void {
    this.#queue.push(action);
  }

  #pair(): [Side, Side] {
    const near = emptySide();
    const far = emptySide();
    near.other = far;
    far.other = near;
    near.peer = new MemoryPeer(this, near);
    far.peer = new MemoryPeer(this, far);
    return [near, far];
  }

  #give(side: Side): void {
    side.handle = this.#freeHandles.pop() ?? this.#sides.length;
    this.#sides[side.handle] = side;
  }

  /** A connection reaches a listening socket. */
  #arrive(fd: number, side: Side): void {
    this.#later(() => {
      const entry = this.#listeners.get(fd);
      if (entry === undefined || side.reset) return;
      if (!entry.on && entry.late-- <= 0) {
        entry.backlog.push(side);
        return;
      }
      this.#give(side);
      this.#events?.accepted(side.handle, entry.listener);
    });
  }

  /** Moves as much of the send under way as the other side's buffer takes. */
  #flush(side: Side): void {
    const other = side.other!;
    if (side.closed || !side.sending) return;
    if (other.closed) {
      this.#gotReset(side);
      return;
    }
    const room = this.#socketBytes - other.inboxBytes;
    const moved = Math.min(room, side.sendLeft);
    if (moved > 0) {
      this.#move(side, this.memory.slice(side.sendOffset, side.sendOffset + moved));
      side.sendOffset += moved;
      side.sendLeft -= moved;
    }
    if (side.sendLeft > 0) return; // goes on when the other side reads
    side.sending = false;
    this.#later(() => {
      if (!side.closed && !side.reset) this.#events?.sent(side.handle);
    });
  }

  #move(side: Side, bytes: Uint8Array): void {
    const other = side.other!;
    if (other.closed) {
      this.#gotReset(side);
      return;
    }
    other.inbox.push(bytes);
    other.inboxBytes += bytes.length;
    this.#later(() => this.#deliver(other));
  }

  #fin(side: Side): void {
    if (side.finSent || side.closed) return;
    side.finSent = true;
    const other = side.other!;
    other.fin = true;
    this.#later(() => this.#deliver(other));
  }

  /** Closes one side: the other gets FIN, or RST. */
  #shut(side: Side, reset: boolean): void {
    const other = side.other!;
    side.closed = true;
    side.sending = false;
    if (side.mute) return;
    if (reset || side.inboxBytes > 0) this.#gotReset(other);
    else if (!side.finSent) {
      other.fin = true;
      this.#later(() => this.#deliver(other));
    }
  }

  #gotReset(side: Side): void {
    side.doomed = true;
    this.#later(() => {
      if (side.closed || side.reset) return;
      side.reset = true;
      side.sending = false;
      side.inbox = [];
      side.inboxBytes = 0;
      if (side.peer === null) {
        if (side.handle >= 0) this.#events?.failed(side.handle, Errno.ECONNRESET);
      } else {
        side.peer.wasReset = true;
        side.peer.onChange(side.peer);
      }
    });
  }

  /** Hands one piece of what has arrived to its reader. */
  #deliver(side: Side): void {
    if (side.closed || side.reset) return;
    if (side.peer !== null) this.#deliverToPeer(side, side.peer);
    else if (side.handle >= 0 && (side.wanted || side.late-- > 0)) this.#deliverToEngine(side);
  }

  #deliverToPeer(side: Side, peer: MemoryPeer): void {
    if (!peer.reading) return;
    for (const bytes of side.inbox.splice(0)) for (const byte of bytes) peer.text += String.fromCharCode(byte);
    side.inboxBytes = 0;
    if (side.fin) peer.ended = true;
    this.#later(() => this.#flush(side.other!));
    peer.onChange(peer);
  }

  #deliverToEngine(side: Side): void {
    const first = side.inbox[0];
    if (first === undefined) {
      if (!side.fin || side.finTold) return;
      side.finTold = true;
      this.#events?.ended(side.handle);
      return;
    }
    const id = this.#freeReceives.pop();
    if (id === undefined) {
      this.#starved.push(side);
      return;
    }
    const length = Math.min(first.length, this.#segmentBytes, this.bufferBytes, this.#receiveMost);
    const offset = id * this.bufferBytes;
    this.memory.set(first.subarray(0, length), offset);
    if (length === first.length) side.inbox.shift();
    else side.inbox[0] = first.subarray(length);
    side.inboxBytes -= length;
    this.#later(() => this.#flush(side.other!));
    this.#later(() => this.#deliver(side));
    this.#events?.received(side.handle, offset, length);
  }
}

function nameOf(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`;
}
