// One io_uring: submission and completion rings mapped as words, and io_uring_enter. It knows nothing of
// connections; the ring transport does. Single issuer with deferred task work: only the thread that made a ring may
// use it. Kernel 6.1 or later. Hot path: no allocation, numbers of 32 bits only.
import { TospannError } from '@tospann/errors';
import { ErrorNumber, errnoName, kernelError } from './kernel-error.ts';
import { Enter, Params, Register, Setup, SQES_OFFSET } from './io-uring-layout.ts';
import { errno, libc } from './libc.ts';
import { mapDescriptor, mapMemory } from './memory.ts';
import { closeFd } from './sockets.ts';

// One prototype for each system call: 32-bit integers stay plain numbers, a 64-bit one would be a BigInt a call.
const { syscall: setupCall } = libc({ syscall: { arguments: ['i32', 'u32', 'pointer'], return: 'i32' } });
const { syscall: enterCall } = libc({
  syscall: { arguments: ['i32', 'i32', 'u32', 'u32', 'u32', 'i32', 'i32'], return: 'i32' },
});
const { syscall: registerCall } = libc({
  syscall: { arguments: ['i32', 'i32', 'u32', 'pointer', 'u32'], return: 'i32' },
});

// System call numbers: the same on x86_64 and arm64.
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

/** Of the submission ring's flags. */
const CQ_OVERFLOW = 2;

export const RING_FLAGS =
  Setup.CQSIZE | Setup.CLAMP | Setup.SUBMIT_ALL | Setup.COOP_TASKRUN | Setup.SINGLE_ISSUER | Setup.DEFER_TASKRUN;

/** Takes completions. `low` and `high` are the entry's user data, `result` is negative errno when it failed. */
export interface CompletionHandler {
  // oxlint-disable-next-line max-params -- hot path: an object for each completion would be allocated
  complete(low: number, high: number, result: number, flags: number): void;
}

export interface IoUringOptions {
  /** Submission entries, a power of two. */
  readonly entries: number;
  /** Completion entries, a power of two, at least `entries`. */
  readonly completionEntries: number;
}

/** The result of io_uring_setup: the descriptor and struct io_uring_params as filled in, or the errno. */
export function setupRing(options: IoUringOptions): { fd: number; params: DataView; errno: number } {
  const bytes = new Uint8Array(new ArrayBuffer(128));
  const params = new DataView(bytes.buffer);
  params.setUint32(Params.FLAGS, RING_FLAGS, true);
  params.setUint32(Params.CQ_ENTRIES, options.completionEntries, true);
  const fd = setupCall(SYS_IO_URING_SETUP, options.entries, bytes);
  return { fd, params, errno: fd < 0 ? errno() : 0 };
}

/** io_uring_register with a pointer argument; 0 or more is success, else -errno. */
export function registerRing(
  fd: number,
  opcode: number,
  argument: { readonly bytes: Uint8Array; readonly count: number },
): number {
  const result = registerCall(SYS_IO_URING_REGISTER, fd, opcode, argument.bytes, argument.count);
  return result < 0 ? -errno() : result;
}

/** A ring that this thread owns. */
export class IoUring {
  readonly fd: number;
  readonly #enterFd: number;
  readonly #enterFlags: number;
  readonly #ring: Int32Array;
  readonly #entries: Int32Array;
  readonly #sqMask: number;
  readonly #sqTailAt: number;
  readonly #sqFlagsAt: number;
  readonly #cqMask: number;
  readonly #cqHeadAt: number;
  readonly #cqTailAt: number;
  readonly #cqOverflowAt: number;
  readonly #cqesAt: number;
  #sqTail: number;
  #pending = 0;

  /** @throws {TospannError} LB_KERNEL_NO_IO_URING, LB_KERNEL_CALL (mmap). */
  constructor(options: IoUringOptions) {
    const { fd, params, errno: failed } = setupRing(options);
    if (fd < 0) throw new TospannError('LB_KERNEL_NO_IO_URING', { detail: `${errnoName(failed)} from io_uring_setup` });
    this.fd = fd;
    const sqEntries = params.getUint32(Params.SQ_ENTRIES, true);
    const cqEntries = params.getUint32(Params.CQ_ENTRIES, true);
    const sqOff = (index: number): number => params.getUint32(Params.SQ_OFF + 4 * index, true);
    const cqOff = (index: number): number => params.getUint32(Params.CQ_OFF + 4 * index, true);
    // Both rings share one mapping since 5.4 (IORING_FEAT_SINGLE_MMAP).
    const bytes = Math.max(sqOff(6) + sqEntries * 4, cqOff(5) + cqEntries * 16);
    this.#ring = new Int32Array(mapDescriptor(bytes, { fd, offset: 0 }).buffer);
    this.#entries = new Int32Array(mapDescriptor(sqEntries * 64, { fd, offset: SQES_OFFSET }).buffer);
    this.#sqMask = sqEntries - 1;
    this.#sqTailAt = sqOff(1) >> 2;
    this.#sqFlagsAt = sqOff(4) >> 2;
    this.#cqMask = cqEntries - 1;
    this.#cqHeadAt = cqOff(0) >> 2;
    this.#cqTailAt = cqOff(1) >> 2;
    this.#cqOverflowAt = cqOff(4) >> 2;
    this.#cqesAt = cqOff(5) >> 2;
    // The indirection array of submissions is the identity for ever.
    for (let i = 0; i < sqEntries; i++) this.#ring[(sqOff(6) >> 2) + i] = i;
    this.#sqTail = this.#ring[this.#sqTailAt] ?? 0;
    const registered = registerOwnFd(fd);
    this.#enterFd = registered >= 0 ? registered : fd;
    this.#enterFlags = registered >= 0 ? Enter.REGISTERED_RING : 0;
  }

  /**
   * Completions that the kernel lost for want of memory: must stay 0. (Those that only do not fit into the ring wait in
   * the kernel and are not lost.)
   */
  get lostCompletions(): number {
    return this.#ring[this.#cqOverflowAt] ?? 0;
  }

  /** Entries prepared and not yet taken by the kernel. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Prepares one entry; when the ring is full, what is there is submitted first.
   *
   * @param head opcode | entry flags << 8 | ioprio << 16.
   * @param address Memory address as an exact number; 0 for none.
   * @param low Given back with the completion, as is `high`.
   */
  // oxlint-disable-next-line max-params -- hot path: one call an operation, an object would be allocated
  prepare(
    head: number,
    fd: number,
    address: number,
    length: number,
    operationFlags: number,
    low: number,
    high: number,
  ): void {
    if (this.#pending > this.#sqMask) this.#makeRoom();
    const words = this.#entries;
    const at = (this.#sqTail & this.#sqMask) << 4;
    this.#sqTail = (this.#sqTail + 1) | 0;
    this.#pending++;
    words[at] = head;
    words[at + 1] = fd;
    words[at + 2] = 0;
    words[at + 3] = 0;
    words[at + 4] = address;
    words[at + 5] = address / 4_294_967_296;
    words[at + 6] = length;
    words[at + 7] = operationFlags;
    words[at + 8] = low;
    words[at + 9] = high;
    words[at + 10] = 0;
    words[at + 11] = 0;
  }

  /** Sets the `off` word pair of the entry prepared last (connect: the address length; timeout: a count). */
  setOffset(low: number): void {
    this.#entries[(((this.#sqTail - 1) & this.#sqMask) << 4) + 2] = low;
  }

  /** Submits without waiting. @throws {TospannError} LB_KERNEL_CALL. */
  submit(): void {
    this.#enter(0, 0);
  }

  /** Submits and blocks until at least one completion is there, or a signal came. @throws {TospannError} LB_KERNEL_CALL. */
  submitAndWait(): void {
    this.#enter(1, Enter.GETEVENTS);
  }

  /**
   * Hands all completions that are there to the handler, which may prepare entries.
   *
   * @returns How many.
   */
  reap(handler: CompletionHandler): number {
    const ring = this.#ring;
    const tail = Atomics.load(ring, this.#cqTailAt);
    const first = ring[this.#cqHeadAt] ?? 0;
    let head = first;
    while (head !== tail) {
      const at = this.#cqesAt + ((head & this.#cqMask) << 2);
      head = (head + 1) | 0;
      handler.complete(ring[at] as number, ring[at + 1] as number, ring[at + 2] as number, ring[at + 3] as number);
    }
    Atomics.store(ring, this.#cqHeadAt, head);
    return (head - first) | 0;
  }

  /**
   * Adds up the completions that are there and have not been reaped, by the low word of their user data.
   *
   * @param kind Only of entries whose high word has this low byte.
   * @param counts One place for each low word.
   */
  tally(kind: number, counts: Uint16Array): void {
    const ring = this.#ring;
    const tail = Atomics.load(ring, this.#cqTailAt);
    for (let head = ring[this.#cqHeadAt] as number; head !== tail; head = (head + 1) | 0) {
      const at = this.#cqesAt + ((head & this.#cqMask) << 2);
      if (((ring[at + 1] as number) & 0xff) === kind) (counts[ring[at] as number] as number)++;
    }
  }

  /** Whether completions wait in the kernel because they did not fit into the ring. */
  get overflowed(): boolean {
    return ((this.#ring[this.#sqFlagsAt] as number) & CQ_OVERFLOW) !== 0;
  }

  /** Closes the ring; the kernel cancels what is under way. Its memory stays mapped. */
  close(): void {
    // The registration holds the ring too.
    if (this.#enterFlags !== 0) registerRing(this.fd, Register.UNREGISTER_RING_FDS, ownFdUpdate(this.#enterFd, 0));
    closeFd(this.fd);
  }

  #makeRoom(): void {
    while (this.#pending > this.#sqMask) this.#enter(0, 0);
  }

  #enter(waitFor: number, flags: number): void {
    Atomics.store(this.#ring, this.#sqTailAt, this.#sqTail);
    const taken = enterCall(SYS_IO_URING_ENTER, this.#enterFd, this.#pending, waitFor, flags | this.#enterFlags, 0, 0);
    if (taken >= 0) {
      this.#pending -= taken;
      return;
    }
    const number = errno();
    // Interrupted, or completions overflowed or memory is short: reap, then go on; nothing was taken.
    if (number !== ErrorNumber.EINTR && number !== ErrorNumber.EAGAIN && number !== ErrorNumber.EBUSY) {
      throw kernelError('io_uring_enter', 'submit to the ring', number);
    }
  }
}

/** Receive buffers that the kernel picks from, first given first taken (IORING_REGISTER_PBUF_RING). Empty at first. */
export class BufferRing {
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #mask: number;
  readonly #address: number;
  readonly #bufferBytes: number;
  #tail = 0;

  /**
   * @param options.address Of buffer 0; buffers lie one after another.
   * @param options.count A power of two, at most 32768.
   * @param options.group The number that receive entries name.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  constructor(
    ring: IoUring,
    options: { readonly address: number; readonly count: number; readonly bufferBytes: number; readonly group: number },
  ) {
    const memory = mapMemory(options.count * 16);
    this.#words = new Int32Array(memory.buffer);
    this.#halves = new Uint16Array(memory.buffer);
    this.#mask = options.count - 1;
    this.#address = options.address;
    this.#bufferBytes = options.bufferBytes;
    const bytes = new Uint8Array(new ArrayBuffer(64)); // struct io_uring_buf_reg: 40 bytes
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(memory.address), true);
    view.setUint32(8, options.count, true);
    view.setUint16(12, options.group, true);
    const failed = registerRing(ring.fd, Register.PBUF_RING, { bytes, count: 1 });
    if (failed < 0) throw kernelError('io_uring_register', 'register receive buffers', -failed);
  }

  /** Gives a buffer to the kernel. Each number at most once until a completion hands it back. */
  give(id: number): void {
    const at = (this.#tail & this.#mask) << 2;
    const address = this.#address + id * this.#bufferBytes;
    this.#words[at] = address;
    this.#words[at + 1] = address / 4_294_967_296;
    this.#words[at + 2] = this.#bufferBytes;
    this.#halves[(at << 1) + 6] = id;
    this.#tail = (this.#tail + 1) & 0xffff;
    // The tail lies in the reserved word of the first entry; x86 stores stay in order, and the next
    // io_uring_enter is a full barrier on others, before which the kernel thread of this ring does not read it.
    this.#halves[7] = this.#tail;
  }
}

/** Registers the ring's own descriptor, so that io_uring_enter looks nothing up; -1 when the kernel refuses. */
function registerOwnFd(fd: number): number {
  const update = ownFdUpdate(0xffffffff, fd); // any free place
  if (registerRing(fd, Register.RING_FDS, update) !== 1) return -1;
  return new DataView(update.bytes.buffer).getUint32(0, true);
}

/** struct io_uring_rsrc_update: place, reserved, descriptor. */
function ownFdUpdate(place: number, fd: number): { bytes: Uint8Array<ArrayBuffer>; count: number } {
  const bytes = new Uint8Array(new ArrayBuffer(64));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, place, true);
  view.setBigUint64(8, BigInt(fd), true);
  return { bytes, count: 1 };
}
