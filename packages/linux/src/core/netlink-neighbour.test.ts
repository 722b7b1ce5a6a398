// Neighbours as the kernel tells them: known ones only.
import { expect, test } from 'vitest';
import { parseIp } from './ip-text.ts';
import { decodeNeighbour, encodeNeighbourDump } from './netlink-neighbour.ts';
import { decodeMessages, encodeAttribute } from './netlink.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);

function message(state: number, address: string, hardware = mac): Parameters<typeof decodeNeighbour>[0] {
  const head = new Uint8Array(12);
  const view = new DataView(head.buffer);
  view.setInt32(4, 3, true);
  view.setUint16(8, state, true);
  const parts = [
    head,
    encodeAttribute(1, parseIp(address)),
    ...(hardware.length > 0 ? [encodeAttribute(2, hardware)] : []),
  ];
  const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return { type: 28, flags: 0, sequence: 1, body };
}

test('a neighbour that has answered has its hardware address, in both families', () => {
  for (const state of [2, 4, 8, 16, 128])
    expect(decodeNeighbour(message(state, '10.0.0.2'))).toEqual({ interfaceIndex: 3, address: '10.0.0.2', mac });
  expect(decodeNeighbour(message(2, 'fe80::2'))?.address).toBe('fe80::2');
});

test('one that is asked for or has failed has none, nor has one without Ethernet', () => {
  for (const state of [0, 1, 0x20, 0x40]) expect(decodeNeighbour(message(state, '10.0.0.2'))).toBeNull();
  expect(decodeNeighbour(message(2, '10.0.0.2', new Uint8Array(0)))).toBeNull();
  expect(decodeNeighbour({ ...message(2, '10.0.0.2'), type: 24 })).toBeNull();
});

test('the question is one dump of a family', () => {
  expect(decodeMessages(encodeNeighbourDump(2, 7))).toMatchObject([{ type: 30, sequence: 7 }]);
});
