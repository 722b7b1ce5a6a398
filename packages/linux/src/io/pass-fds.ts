// Passing open files to another process over a pair of unix sockets (SCM_RIGHTS, unix(7)). One descriptor a message, so
// that the order is all the protocol there is. Neither end ever blocks. Side effects: descriptors of both processes.
import { kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';
import { mapMemory } from './memory.ts';
import { closeFd } from './sockets.ts';

const calls = libc({
  socketpair: { arguments: ['i32', 'i32', 'i32', 'pointer'], return: 'i32' },
  sendmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i64' },
  recvmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i64' },
});

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
// One page: struct msghdr (56 bytes on 64-bit Linux), struct iovec, a byte to send, struct cmsghdr with one int.
const IOVEC_AT = 64;
const BYTE_AT = 96;
const CONTROL_AT = 128;
const CONTROL_LENGTH = 20;
const CONTROL_SPACE = 24;

interface Page {
  readonly view: DataView;
  readonly bytes: Uint8Array;
}
let page: Page | undefined;

/** The message of these calls, which are synchronous; made once for each thread. */
function message(): Page {
  if (page === undefined) {
    const { address, buffer } = mapMemory(4096);
    const at = BigInt(address);
    const view = new DataView(buffer);
    view.setBigUint64(16, at + BigInt(IOVEC_AT), true);
    view.setBigUint64(24, 1n, true);
    view.setBigUint64(32, at + BigInt(CONTROL_AT), true);
    view.setBigUint64(IOVEC_AT, at + BigInt(BYTE_AT), true);
    view.setBigUint64(IOVEC_AT + 8, 1n, true);
    page = { view, bytes: new Uint8Array(buffer, 0, 56) };
  }
  page.view.setBigUint64(40, BigInt(CONTROL_SPACE), true);
  page.view.setInt32(48, 0, true);
  return page;
}

/** A connected pair of sockets for `sendFd` and `receiveFd`, close-on-exec. @throws {TospannError} LB_KERNEL_CALL. */
export function openFdChannel(): readonly [number, number] {
  const pair = new Int32Array(new ArrayBuffer(64), 0, 2);
  const made = calls.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer));
  if (made < 0) throw kernelError('socketpair', 'open a pair of unix sockets', errno());
  return [pair[0]!, pair[1]!];
}

/** Gives the other end a descriptor for the same open file. @throws {TospannError} LB_KERNEL_CALL. */
export function sendFd(channel: number, fd: number): void {
  const { view, bytes } = message();
  view.setBigUint64(CONTROL_AT, BigInt(CONTROL_LENGTH), true);
  view.setInt32(CONTROL_AT + 8, SOL_SOCKET, true);
  view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, true);
  view.setInt32(CONTROL_AT + 16, fd, true);
  const sent = calls.sendmsg(channel, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0n) throw kernelError('sendmsg', `pass descriptor ${fd} on`, errno());
}

/** Takes the next descriptor that was sent, close-on-exec. @throws {TospannError} LB_KERNEL_CALL, also when none waits. */
export function receiveFd(channel: number): number {
  const { view, bytes } = message();
  view.setBigUint64(CONTROL_AT, 0n, true);
  view.setInt32(CONTROL_AT + 16, -1, true);
  const got = calls.recvmsg(channel, bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0n) throw kernelError('recvmsg', 'take a descriptor', errno());
  const isRights = view.getInt32(CONTROL_AT + 12, true) === SCM_RIGHTS && view.getBigUint64(CONTROL_AT, true) >= 20n;
  if (!isRights) throw kernelError('recvmsg', 'take a descriptor: there was none in the message', 0);
  return view.getInt32(CONTROL_AT + 16, true);
}

/** Closes both ends. */
export function closeFdChannel(channel: readonly [number, number]): void {
  for (const fd of channel) closeFd(fd);
}
