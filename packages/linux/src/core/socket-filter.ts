// Classic BPF programs (struct sock_filter) for the receiving sockets of VRRP: what cannot concern this node is thrown
// away by the kernel, before it costs a system call. Not the judgement of adverts: everything that carries one of our
// router ids and could be an advert comes through, for its faults are counted. Pure.

/** Where the filter's data begins: at the IP header (a raw IPv4 socket), or behind it (a raw IPv6 socket). */
export type FilterLayer = 'ipv4-header' | 'message';

interface Instruction {
  readonly code: number;
  readonly jumpTrue?: number;
  readonly jumpFalse?: number;
  readonly value: number;
}

const loadLength = 0x80; // BPF_LD | BPF_W | BPF_LEN
const loadByteAtX = 0x50; // BPF_LD | BPF_B | BPF_IND
const loadHeaderLength = 0xb1; // BPF_LDX | BPF_B | BPF_MSH: X = 4 * (byte & 15)
const loadX = 0x01; // BPF_LDX | BPF_IMM
const jumpGreater = 0x25;
const jumpEqual = 0x15;
const answer = 0x06; // BPF_RET | BPF_K
const wholePacket = 0x7fffffff;

/**
 * A program that lets through packets whose second VRRP byte is one of `routerIds`. A packet too short to have one
 * reads past its end, and that drops it.
 *
 * @param routerIds 1..255, at most 200.
 * @param maxBytes Longer packets are dropped, IP header included where the layer has it.
 * @returns struct sock_filter[], 8 bytes an instruction, for SO_ATTACH_FILTER.
 */
export function routerIdFilter(layer: FilterLayer, routerIds: readonly number[], maxBytes: number): Uint8Array {
  const ids = [...new Set(routerIds)];
  const program: Instruction[] = [
    { code: loadLength, value: 0 },
    // Over the router ids' load and tests (2 + ids) to the drop.
    { code: jumpGreater, value: maxBytes, jumpTrue: ids.length + 2, jumpFalse: 0 },
    layer === 'ipv4-header' ? { code: loadHeaderLength, value: 0 } : { code: loadX, value: 0 },
    { code: loadByteAtX, value: 1 },
    ...ids.map((value, index) => ({ code: jumpEqual, value, jumpTrue: ids.length - index, jumpFalse: 0 })),
    { code: answer, value: 0 },
    { code: answer, value: wholePacket },
  ];
  const bytes = new Uint8Array(new ArrayBuffer(Math.max(64, program.length * 8)), 0, program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jumpTrue = 0, jumpFalse = 0, value }, index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jumpTrue);
    view.setUint8(index * 8 + 3, jumpFalse);
    view.setUint32(index * 8 + 4, value, true);
  });
  return bytes;
}
