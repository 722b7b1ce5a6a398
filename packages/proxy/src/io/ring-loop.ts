// The ring transport: connections on one io_uring, driven by the thread that calls `run`. Multishot receive
// into buffers that the kernel picks, one send at a time that the kernel finishes itself, and one system
// call a loop turn. It does not know HTTP. Owns the descriptors of its connections, not those of listeners.
import {
  CancelFlag,
  CompletionFlag,
  ErrorNumber,
  IoUring,
  RingOp,
  closeFd,
  dropPages,
  hasSomethingToRead,
  mapMemory,
  openEventFd,
  setNoDelay,
  setResetOnClose,
  setShortReach,
  shutdownSocket,
  signalEventFd,
  tryOpenTcpSocket,
  monotonicMs,
  type CompletionHandler,
} from '@tospann/linux';
import type { Endpoint, TransportEvents } from '../core/transport.ts';
import { RingAccepts } from './ring-accepts.ts';
import { RingBuffers } from './ring-buffers.ts';
import type { GiveBack } from './ring-cold.ts';
import { addressOfPeer, endpointHere, portOfPeer } from './ring-ends.ts';
import { RingEndpoints } from './ring-endpoints.ts';
import { RingSends } from './ring-sends.ts';
import type { RingTransport, RingTransportOptions, RingTransportStats } from './ring-options.ts';
import { CompletionKind as Kind, RECEIVE_MANY, RECEIVE_ONCE, SendFlag } from './ring-kinds.ts';
import { NOBODY } from './ring-nobody.ts';
import { PollEvent, RingRelays, type RelayHost } from './ring-relays.ts';
import { HandleState as State, RingHandles } from './ring-handles.ts';

const TWO_TO_32 = 4_294_967_296;
const CANNOT_ARM = State.ARMED | State.CONNECTING | State.CLOSING | State.ENDED | State.FAILED | State.STARVED;
// Places in the control page: the tick's timespec, the count that the eventfd read delivers.
const TIMESPEC_AT = 0;
const WAKE_COUNT_AT = 64;

/** Receive entries that one turn takes back when less is to be received at a time. */
const DISARMED_A_TURN = 512;
const EPIPE = 32;
const ECANCELED = 125;

/** See createRingTransport. */
export class RingLoop implements RingTransport, CompletionHandler, RelayHost {
  readonly kind = 'ring';
  readonly memory: Uint8Array;
  readonly bufferBytes: number;
  readonly bufferCount: number;
  readonly tickMs: number;
  readonly wakeFd: number;
  readonly #ring: IoUring;
  readonly #bufferShift: number;
  readonly receiveCount: number;
  readonly #base: number;
  readonly #control: { readonly address: number; readonly buffer: ArrayBuffer };
  readonly #buffers: RingBuffers;
  readonly #handles = new RingHandles();
  readonly #relays = new RingRelays(this, this.#handles);
  readonly #endpoints = new RingEndpoints();
  readonly #sends: RingSends;
  readonly #accepts: RingAccepts;
  #starved: number[] = [];
  /** What one receive may bring, 0: a buffer; handles from this one on may have entries for more. */
  #receiveMost = 0;
  #toDisarm = Infinity;
  #events: TransportEvents = NOBODY;
  readonly #clockOffsetMs = monotonicMs() - performance.now();
  #nowMs = monotonicMs();
  #stopping = false;
  #stale = 0;
  #turns = 0;

  constructor(options: RingTransportOptions) {
    this.bufferBytes = options.bufferBytes ?? 65_536;
    this.receiveCount = options.receiveBuffers ?? 2048;
    const sends = options.sendBuffers ?? 2048;
    this.bufferCount = this.receiveCount + sends;
    this.#bufferShift = Math.log2(this.bufferBytes);
    if (!Number.isInteger(this.#bufferShift)) throw new RangeError('bufferBytes must be a power of two');
    // Offsets are 32-bit numbers everywhere.
    if (this.bufferCount * this.bufferBytes > 0x7fffffff) throw new RangeError('more than 2 GiB of buffers');
    this.tickMs = options.tickMs ?? 50;
    const entries = options.entries ?? 4096;
    this.#ring = new IoUring({ entries, completionEntries: entries * 4 });
    this.#accepts = new RingAccepts(this.#ring, Kind.ACCEPT);
    const region = mapMemory(this.bufferCount * this.bufferBytes);
    this.memory = new Uint8Array(region.buffer);
    this.#base = region.address;
    this.#control = mapMemory(4096);
    const giveBack: GiveBack = (offset, bytes) => dropPages(this.#base + offset, bytes);
    this.#buffers = new RingBuffers(this.#ring, this.#base, this.receiveCount, this.bufferBytes, giveBack);
    this.#sends = new RingSends({ first: this.receiveCount, count: sends }, this.bufferBytes, giveBack);
    this.wakeFd = openEventFd({ blocking: true });
    const timespec = new BigInt64Array(this.#control.buffer, TIMESPEC_AT, 2);
    timespec[1] = BigInt(Math.round(this.tickMs * 1e6));
  }

  attach(events: TransportEvents): void {
    this.#events = events;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  again(): void {
    // It completes at once, so the loop's next wait does not wait.
    this.#ring.prepare(RingOp.NOP, -1, 0, 0, 0, 0, Kind.AGAIN);
  }

  takeBuffer(): number {
    const id = this.#sends.take();
    return id < 0 ? -1 : id * this.bufferBytes;
  }

  releaseBuffer(offset: number): void {
    const id = offset >>> this.#bufferShift;
    if (id >= this.receiveCount) this.#sends.release(id);
    else this.#buffers.release(id);
  }

  listen(fd: number, listener: number): void {
    setNoDelay(fd); // accepted sockets inherit it
    this.#accepts.listen(fd, listener, this.#turns);
  }

  stopListening(listener: number): void {
    this.#accepts.stop(listener, Kind.IGNORED);
  }

  connect(endpoint: Endpoint): number {
    const at = this.#endpoints.encode(endpoint, () => this.#ring.submit());
    const fd = tryOpenTcpSocket(at.family);
    const handle = this.#handles.take(fd, State.OPEN | State.CONNECTING);
    if (fd < 0) {
      this.#handles.failure[handle] = -fd;
      this.#prepare(RingOp.NOP, -1, 0, 0, 0, handle, Kind.CONNECT_FAILED);
      return handle;
    }
    setNoDelay(fd);
    this.#prepare(RingOp.CONNECT, fd, at.address, 0, 0, handle, Kind.CONNECT);
    this.#ring.setOffset(at.length);
    return handle;
  }

  readonly peerAddress = (handle: number): string => addressOfPeer(this.#handles.fd[handle] as number);
  readonly peerPort = (handle: number): number => portOfPeer(this.#handles.fd[handle] as number);
  readonly localEndpoint = (handle: number): Endpoint | null => endpointHere(this.#handles.fd[handle] as number);

  receive(handle: number, on: boolean): void {
    const states = this.#handles.state;
    const state = states[handle] as number;
    if ((state & State.RELAY) !== 0) return;
    if (on) {
      states[handle] = state | State.WANTED;
      if ((state & CANNOT_ARM) === 0) this.#armReceive(handle);
      return;
    }
    // Lazy: the entry is cancelled by the first bytes that come although nobody wants them, so that short pauses
    // cost nothing. A failure that waits for those bytes must not wait any more.
    states[handle] = state & ~State.WANTED;
    if (this.#handles.failure[handle] !== 0) this.#disarm(handle);
  }

  expectMuch(handle: number): void {
    // A multishot entry takes up to 32 buffers before its first completion is seen.
    if (((this.#handles.state[handle] as number) & State.BULK) === 0) this.#disarm(handle);
  }

  receiveAtMost(bytes: number): void {
    if (bytes > 0 && (this.#receiveMost === 0 || bytes < this.#receiveMost)) this.#toDisarm = 0;
    this.#receiveMost = bytes;
  }

  // oxlint-disable-next-line max-params -- the Transport interface
  send(handle: number, offset: number, length: number, more: boolean): void {
    this.#handles.sendOffset[handle] = offset;
    this.#handles.sendLength[handle] = length;
    (this.#handles.state[handle] as number) |= State.SENDING;
    const flags = more ? SendFlag.MORE : SendFlag.LAST;
    this.#prepare(
      RingOp.SEND,
      this.#handles.fd[handle] as number,
      this.#base + offset,
      length,
      flags,
      handle,
      Kind.SEND,
    );
  }

  readonly silence = (handle: number): void => setShortReach(this.#handles.fd[handle] as number);
  shutdownSend(handle: number): void {
    shutdownSocket(this.#handles.fd[handle] as number, 1);
  }

  close(handle: number, reset: boolean): void {
    const state = this.#handles.state[handle] as number;
    if ((state & State.OPEN) === 0 || (state & State.CLOSING) !== 0) return;
    this.#handles.state[handle] = (state | State.CLOSING) & ~State.WANTED;
    if ((state & State.RELAY) !== 0) this.#relays.drop(handle);
    const fd = this.#handles.fd[handle] as number;
    if (fd < 0) {
      this.#prepare(RingOp.NOP, -1, 0, 0, 0, handle, Kind.CLOSE);
      return;
    }
    if (reset) setResetOnClose(fd);
    if ((this.#handles.underWay[handle] as number) > 0) {
      this.#prepare(RingOp.ASYNC_CANCEL, fd, 0, 0, CancelFlag.FD | CancelFlag.ALL, handle, Kind.CANCEL);
    }
    this.#prepare(RingOp.CLOSE, fd, 0, 0, 0, handle, Kind.CLOSE);
  }

  isSilent(handle: number, ask: boolean): boolean {
    const handles = this.#handles;
    const state = handles.state[handle] as number;
    if ((handles.untold[handle] as number) > 0 || (state & (State.UNREAD | State.ENDED | State.FAILED)) !== 0)
      return false;
    if (handles.failure[handle] !== 0 || this.#ring.overflowed) return false;
    // Where a receive is armed, the kernel would have told of what had come by the begin of this turn.
    const told = (state & (State.ARMED | State.DISARMING)) === State.ARMED;
    return (told && !ask) || !hasSomethingToRead(handles.fd[handle] as number);
  }

  relay(one: number, other: number): boolean {
    if (!this.#relays.add(one, other)) return false;
    for (const handle of [one, other]) {
      this.#handles.state[handle] = ((this.#handles.state[handle] as number) | State.RELAY) & ~State.WANTED;
      this.#disarm(handle);
    }
    this.#relays.tryBegin(one);
    return true;
  }

  poll(handle: number, event: number): void {
    const kind = event === PollEvent.IN ? Kind.RELAY_IN : Kind.RELAY_OUT;
    this.#prepare(RingOp.POLL_ADD, this.#handles.fd[handle] as number, 0, 0, event, handle, kind);
  }

  readonly relayed = (handle: number, bytes: number): void => this.#events.relayed(handle, bytes);

  ended(handle: number): void {
    (this.#handles.state[handle] as number) |= State.ENDED;
    this.#events.ended(handle);
  }

  run(): void {
    const ring = this.#ring;
    if (this.#turns === 0) {
      this.#armTick();
      this.#armWake();
    }
    this.#stopping = false;
    while (!this.#stopping) {
      ring.submitAndWait();
      this.#nowMs = performance.now() + this.#clockOffsetMs;
      this.#turns++;
      ring.tally(Kind.RECEIVE, this.#handles.untold);
      ring.reap(this);
      this.#buffers.topUp();
      if (this.#starved.length > 0) this.#resumeStarved();
      if (this.#toDisarm !== Infinity) this.#disarmSome();
    }
    ring.submit();
  }

  readonly stop = (): void => void (this.#stopping = true);
  readonly wake = (): void => signalEventFd(this.wakeFd);

  dispose(): void {
    for (const fd of this.#handles.descriptors()) closeFd(fd);
    this.#relays.close();
    this.#ring.close();
    closeFd(this.wakeFd);
  }

  stats(): RingTransportStats {
    return {
      connections: this.#handles.open,
      freeReceiveBuffers: this.#buffers.free,
      acceptPauses: this.#accepts.pauses,
      bufferShortages: this.#buffers.shortages,
      lostCompletions: this.#ring.lostCompletions,
      staleCompletions: this.#stale,
      relayedBytes: this.#relays.bytes,
      turns: this.#turns,
    };
  }

  // oxlint-disable-next-line max-params -- hot path: the interface of IoUring.reap
  complete(low: number, high: number, result: number, flags: number): void {
    const kind = high & 0xff;
    switch (kind) {
      case Kind.ACCEPT:
        return this.#onAccept(low, result);
      case Kind.TICK:
        this.#armTick();
        this.#accepts.resume(this.#turns);
        this.#buffers.tick();
        this.#sends.tick();
        this.#relays.tick();
        return this.#events.tick(this.#nowMs);
      case Kind.WAKE:
        if (result < 0 && result !== -ErrorNumber.EINTR)
          throw new Error(`reading the wake-up descriptor: errno ${-result}`);
        this.#armWake();
        return this.#events.woken();
      case Kind.AGAIN:
        return this.#events.again();
      case Kind.IGNORED:
        return undefined;
      default:
    }
    if (high >>> 8 !== this.#handles.generation[low]) {
      this.#stale++;
      return undefined;
    }
    this.#onOperation(low, kind, result, flags);
    if (((this.#handles.state[low] as number) & State.RELAY) !== 0) this.#relays.tryBegin(low);
    return undefined;
  }

  // oxlint-disable-next-line max-params -- hot path
  #onOperation(low: number, kind: number, result: number, flags: number): void {
    if (kind === Kind.RECEIVE) return this.#onReceive(low, result, flags);
    (this.#handles.underWay[low] as number)--;
    if (((this.#handles.state[low] as number) & State.CLOSING) !== 0) return this.#endClose(low);
    if (kind === Kind.SEND) return this.#onSend(low, result);
    if (kind === Kind.CONNECT) return this.#onConnect(low, 0 - result); // never -0
    if (kind === Kind.CONNECT_FAILED) return this.#onConnect(low, this.#handles.failure[low] as number);
    if (kind === Kind.RELAY_IN) return this.#relays.ready(low, PollEvent.IN);
    if (kind === Kind.RELAY_OUT) return this.#relays.ready(low, PollEvent.OUT);
    return undefined; // a receive's cancellation: the receive itself completes
  }

  #onAccept(listener: number, fd: number): void {
    if (fd >= 0) this.#events.accepted(this.#handles.take(fd, State.OPEN), listener);
    this.#accepts.completed(listener, fd, this.#turns);
  }

  #onReceive(handle: number, result: number, flags: number): void {
    const more = (flags & CompletionFlag.MORE) !== 0;
    const handles = this.#handles;
    (handles.untold[handle] as number)--;
    const unread = (flags & CompletionFlag.SOCK_NONEMPTY) * (State.UNREAD / CompletionFlag.SOCK_NONEMPTY);
    let state = ((handles.state[handle] as number) & ~State.UNREAD) | unread;
    if (!more) {
      (handles.underWay[handle] as number)--;
      state &= ~(State.ARMED | State.DISARMING);
      if (result > 0 && result < (this.#receiveMost || this.bufferBytes) >> 1) state &= ~State.BULK;
    }
    handles.state[handle] = state;
    if ((flags & CompletionFlag.BUFFER) !== 0) {
      this.#buffers.taken(flags >>> 16);
      const offset = (flags >>> 16) * this.bufferBytes;
      if (result <= 0 || (state & (State.CLOSING | State.FAILED)) !== 0) this.releaseBuffer(offset);
      else {
        if (more && (state & (State.WANTED | State.DISARMING)) === 0) this.#disarm(handle);
        this.#events.received(handle, offset, result);
      }
      if (more) return;
      state = handles.state[handle]!;
    }
    if ((state & State.CLOSING) !== 0) this.#endClose(handle);
    else if (result > 0 && (handles.failure[handle] === 0 || (state & State.WANTED) !== 0)) this.#rearm(handle, state);
    else this.#onReceiveEnd(handle, result);
  }

  /** A receive entry has ended without bytes: the peer's FIN, a failure, a cancellation or a lack of buffers. */
  #onReceiveEnd(handle: number, result: number): void {
    const handles = this.#handles;
    const state = handles.state[handle] as number;
    if ((state & State.FAILED) !== 0) return;
    const waiting = handles.failure[handle] as number;
    if (waiting !== 0) return this.fail(handle, waiting);
    if (result === -ErrorNumber.ENOBUFS) {
      this.#buffers.ranOut();
      handles.state[handle] = state | State.STARVED;
      this.#starved.push(handle);
      return;
    }
    if (result === -ECANCELED || result === -ErrorNumber.EINTR || result === -ErrorNumber.EAGAIN) {
      return this.#rearm(handle, state);
    }
    if (result < 0) return this.fail(handle, -result);
    this.ended(handle);
    return undefined;
  }

  #rearm(handle: number, state: number): void {
    if ((state & (State.WANTED | CANNOT_ARM)) === State.WANTED) this.#armReceive(handle);
  }

  #onSend(handle: number, result: number): void {
    const handles = this.#handles;
    const length = handles.sendLength[handle] as number;
    if (result > 0 && result < length) {
      // Interrupted in the middle: the rest goes as a send of its own, which also learns of a broken connection.
      this.send(handle, (handles.sendOffset[handle] as number) + result, length - result, false);
      return;
    }
    const state = (handles.state[handle] as number) & ~State.SENDING;
    handles.state[handle] = state;
    if ((state & State.FAILED) !== 0) return;
    if (result > 0) {
      this.#events.sent(handle);
      return;
    }
    const errno = result === 0 ? EPIPE : -result;
    // The peer may have said why before it broke the connection: its last bytes come first.
    const bytesMayFollow = (state & (State.ARMED | State.WANTED)) === (State.ARMED | State.WANTED);
    if (bytesMayFollow) handles.failure[handle] = errno;
    else this.fail(handle, errno);
  }

  #onConnect(handle: number, errno: number): void {
    const handles = this.#handles;
    const state = (handles.state[handle] as number) & ~State.CONNECTING;
    handles.failure[handle] = 0;
    handles.state[handle] = errno === 0 ? state : state | State.FAILED;
    if (errno === 0) this.#rearm(handle, state);
    this.#events.connected(handle, errno);
  }

  fail(handle: number, errno: number): void {
    (this.#handles.state[handle] as number) |= State.FAILED;
    this.#events.failed(handle, errno);
  }

  #endClose(handle: number): void {
    if ((this.#handles.underWay[handle] as number) > 0) return;
    this.#handles.give(handle);
    this.#events.closed(handle);
  }

  // oxlint-disable-next-line max-params -- hot path: one call an operation, an object would be allocated
  #prepare(
    head: number,
    fd: number,
    address: number,
    length: number,
    operationFlags: number,
    handle: number,
    kind: number,
  ): void {
    (this.#handles.underWay[handle] as number)++;
    const high = kind | ((this.#handles.generation[handle] as number) << 8);
    this.#ring.prepare(head, fd, address, length, operationFlags, handle, high);
  }

  #armReceive(handle: number): void {
    const state = this.#handles.state[handle] as number;
    this.#handles.state[handle] = state | State.ARMED;
    const most = this.#receiveMost;
    const head = (state & State.BULK) === 0 && most === 0 ? RECEIVE_MANY : RECEIVE_ONCE;
    this.#prepare(head, this.#handles.fd[handle] as number, 0, most, 0, handle, Kind.RECEIVE);
  }

  /** Entries that may bring more than they should now are taken back, some in a turn; they are armed anew at once. */
  #disarmSome(): void {
    const stop = Math.min(this.#handles.limit, this.#toDisarm + DISARMED_A_TURN);
    while (this.#toDisarm < stop) this.#disarm(this.#toDisarm++);
    if (stop === this.#handles.limit) this.#toDisarm = Infinity;
  }

  #disarm(handle: number): void {
    const state = this.#handles.state[handle] as number;
    if ((state & State.ARMED) === 0 || (state & (State.DISARMING | State.CLOSING)) !== 0) return;
    this.#handles.state[handle] = state | State.DISARMING | State.BULK;
    const high = Kind.RECEIVE | ((this.#handles.generation[handle] as number) << 8);
    this.#prepare(RingOp.ASYNC_CANCEL, -1, high * TWO_TO_32 + handle, 0, 0, handle, Kind.CANCEL);
  }

  #armTick(): void {
    this.#ring.prepare(RingOp.TIMEOUT, -1, this.#control.address + TIMESPEC_AT, 1, 0, 0, Kind.TICK);
  }

  #armWake(): void {
    this.#ring.prepare(RingOp.READ, this.wakeFd, this.#control.address + WAKE_COUNT_AT, 8, 0, 0, Kind.WAKE);
  }

  /** Re-arms as many starved receives as there are buffers, first come first served: it can neither spin nor starve. */
  #resumeStarved(): void {
    const count = Math.min(this.#starved.length, this.#buffers.withKernel);
    for (let i = 0; i < count; i++) {
      const handle = this.#starved[i] as number;
      const state = this.#handles.state[handle] as number;
      if ((state & State.STARVED) === 0) continue; // closed meanwhile
      this.#handles.state[handle] = state & ~State.STARVED;
      this.#rearm(handle, state & ~State.STARVED);
    }
    if (count > 0) this.#starved = this.#starved.slice(count);
  }
}
