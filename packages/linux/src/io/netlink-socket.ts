// A netlink socket: requests with acknowledgement, dumps, and non-blocking reads for a monitor.
// Calls block for at most a second (the kernel answers in microseconds); not shared between threads.
import { decodeAck, decodeMessages, Netlink, type NetlinkMessage } from '../core/netlink.ts';
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';
import { bindRaw, closeFd, openSocket, setOption } from './sockets.ts';

const { send, recv } = libc({
  send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
});

const AF_NETLINK = 16;
const SOCK_RAW = 3;
/** Protocols of netlink that this package speaks. */
export const NetlinkFamily = { ROUTE: 0, SOCK_DIAG: 4, NETFILTER: 12 } as const;

const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const ONE_SECOND = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** What a monitor read found: `overflow` means events were lost and the reader must take stock anew. */
export type MonitorRead = readonly NetlinkMessage[] | 'overflow' | 'empty';

/** One netlink socket. */
export class NetlinkSocket {
  readonly fd: number;
  #sequence = 1;
  // 32 KiB: what the kernel fills at most with one part of a dump.
  readonly #buffer = new Uint8Array(new ArrayBuffer(65_536));

  /**
   * @param groups RTMGRP_* bits for a monitor; 0 for requests.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  constructor(groups = 0, protocol: number = NetlinkFamily.ROUTE) {
    this.fd = openSocket({ family: AF_NETLINK, type: SOCK_RAW, protocol });
    const address = new Uint8Array(12);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, groups, true);
    bindRaw(this.fd, address, 'open a netlink socket');
    setOption(this.fd, 'RCVTIMEO', ONE_SECOND);
  }

  /** The number for the next request. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0 || 1;
    return this.#sequence;
  }

  /**
   * Sends one request made with `nextSequence` and the ACK flag.
   *
   * @returns 0 or the kernel's (positive) errno: the caller knows which ones are fine.
   * @throws {TospannError} LB_KERNEL_CALL when the socket itself fails.
   */
  request(message: Uint8Array, tried: string): number {
    this.#send(message, tried);
    for (;;) {
      for (const answer of this.#receive(tried)) {
        if (answer.sequence === this.#sequence && answer.type === Netlink.ERROR) return decodeAck(answer.body);
      }
    }
  }

  /**
   * Sends a dump request and collects all parts; asks again when a change interrupted it.
   *
   * @param make Builds the request for a sequence number.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  dump(make: (sequence: number) => Uint8Array, tried: string): NetlinkMessage[] {
    for (let attempt = 0; attempt < 10; attempt++) {
      const messages = this.#dumpOnce(make(this.nextSequence()), tried);
      if (messages !== null) return messages;
    }
    throw kernelError('recv', tried, ErrorNumber.EAGAIN);
  }

  /**
   * Sends a dump request and takes parts until there are `most` messages or all; the rest stays unread, so close the
   * socket afterwards.
   *
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  dumpSome(request: Uint8Array, tried: string, most: number): NetlinkMessage[] {
    this.#send(request, tried);
    const messages: NetlinkMessage[] = [];
    while (messages.length < most) {
      for (const part of this.#receive(tried)) {
        if (part.type === Netlink.DONE) return messages;
        if (part.type === Netlink.ERROR) throw kernelError('recv', tried, decodeAck(part.body));
        messages.push(part);
      }
    }
    return messages;
  }

  /** Reads what has arrived, without waiting; ENOBUFS is `overflow`. @throws {TospannError} LB_KERNEL_CALL. */
  readNow(): MonitorRead {
    const length = Number(recv(this.fd, this.#buffer, BigInt(this.#buffer.length), MSG_DONTWAIT | MSG_TRUNC));
    if (length >= 0)
      return length > this.#buffer.length ? 'overflow' : decodeMessages(this.#buffer.subarray(0, length));
    const number = errno();
    if (number === ErrorNumber.EAGAIN || number === ErrorNumber.EINTR) return 'empty';
    if (number === ErrorNumber.ENOBUFS) return 'overflow';
    throw kernelError('recv', 'read netlink events', number);
  }

  close(): void {
    closeFd(this.fd);
  }

  #dumpOnce(request: Uint8Array, tried: string): NetlinkMessage[] | null {
    this.#send(request, tried);
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const part of this.#receive(tried)) {
        if (part.sequence !== this.#sequence) continue;
        interrupted ||= (part.flags & Netlink.DUMP_INTERRUPTED) !== 0;
        if (part.type === Netlink.DONE) return interrupted ? null : messages;
        if (part.type === Netlink.ERROR) throw kernelError('recv', tried, decodeAck(part.body));
        messages.push(part);
      }
    }
  }

  #send(message: Uint8Array, tried: string): void {
    if (send(this.fd, message, BigInt(message.length), 0) < 0n) throw kernelError('send', tried, errno());
  }

  #receive(tried: string): NetlinkMessage[] {
    for (;;) {
      const length = Number(recv(this.fd, this.#buffer, BigInt(this.#buffer.length), 0));
      if (length >= 0) return decodeMessages(this.#buffer.subarray(0, length));
      if (errno() !== ErrorNumber.EINTR) throw kernelError('recv', tried, errno());
    }
  }
}
