// Reads raw IPv6 sockets. They deliver no IP header, so recvmsg asks for source, destination and hop limit and this
// file writes a header of 40 bytes in front: packets of both families then look alike to their readers.
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { addressOf, errno, libc } from './libc.ts';

const { recvmsg } = libc({ recvmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i64' } });

const headerBytes = 40;
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;
const nameBytes = 28;
const controlBytes = 128;

// One scratch area a thread: the call is synchronous and keeps no pointer. msghdr 0..55, iovec 64..79, name 128..155,
// control 256..383.
const scratch = new Uint8Array(new ArrayBuffer(512));
const view = new DataView(scratch.buffer);
const at = { msghdr: 0, iovec: 64, name: 128, control: 256 } as const;
const base = addressOf(scratch);
view.setBigUint64(at.msghdr, base + BigInt(at.name), true);
view.setBigUint64(at.msghdr + 16, base + BigInt(at.iovec), true);
view.setBigUint64(at.msghdr + 24, 1n, true);
view.setBigUint64(at.msghdr + 32, base + BigInt(at.control), true);

/**
 * Reads one packet of a raw IPv6 socket that `openRawReceiver` has opened.
 *
 * @param into At least 2048 bytes, backed by an ArrayBuffer of its own; a longer packet is cut.
 * @param protocol What is written into the header as the next header. Default 112.
 * @returns Length with the made header, or -1 when none is waiting. A hop limit or destination that the kernel did not
 * tell is 0.
 * @throws {TospannError} LB_KERNEL_CALL (ENETDOWN once after the interface went down: go on).
 */
export function receivePacket6(fd: number, into: Uint8Array, protocol = 112): number {
  view.setUint32(at.msghdr + 8, nameBytes, true);
  view.setBigUint64(at.msghdr + 40, BigInt(controlBytes), true);
  view.setBigUint64(at.iovec, addressOf(into) + BigInt(headerBytes), true);
  view.setBigUint64(at.iovec + 8, BigInt(into.length - headerBytes), true);
  const length = Number(recvmsg(fd, scratch, 0));
  if (length < 0) {
    const number = errno();
    if (number === ErrorNumber.EAGAIN || number === ErrorNumber.EINTR) return -1;
    throw kernelError('recvmsg', 'receive from a raw socket', number);
  }
  into.fill(0, 0, headerBytes);
  into[0] = 0x60;
  into[4] = length >> 8;
  into[5] = length & 255;
  into[6] = protocol;
  into.set(scratch.subarray(at.name + 8, at.name + 24), 8);
  readControl(into);
  return headerBytes + length;
}

/** Hop limit and destination out of the control messages: {u64 length, i32 level, i32 type, data}, aligned to 8. */
function readControl(into: Uint8Array): void {
  const end = at.control + Math.min(controlBytes, Number(view.getBigUint64(at.msghdr + 40, true)));
  for (let from: number = at.control; from + 16 <= end;) {
    const length = Number(view.getBigUint64(from, true));
    if (length < 16) return;
    if (view.getInt32(from + 8, true) === IPPROTO_IPV6) {
      const type = view.getInt32(from + 12, true);
      if (type === IPV6_HOPLIMIT) into[7] = view.getInt32(from + 16, true);
      if (type === IPV6_PKTINFO) into.set(scratch.subarray(from + 16, from + 32), 24);
    }
    from += (length + 7) & ~7;
  }
}
