import { expect, test } from 'vitest';
import { clientKey, ConnectionGate } from './connection-gate.ts';

const gateWith = (peers: readonly string[] = []): ConnectionGate =>
  new ConnectionGate({ total: 10, perAddress: 4, peers, perPeer: 2 });
const fill = (gate: ConnectionGate, address: string, count: number): number =>
  Array.from({ length: count }, () => gate.enter(address)).filter((leave) => leave !== undefined).length;

test('one address gets its share and keeps nobody else out', () => {
  const gate = gateWith();
  expect(fill(gate, '192.0.2.1', 500)).toBe(4);
  expect(fill(gate, '192.0.2.2', 3)).toBe(3);
});

test('many addresses together get no more than all, and the other node has its places whatever they do', () => {
  const gate = gateWith(['10.0.0.12']);
  const taken = Array.from({ length: 50 }, (_, i) => fill(gate, `192.0.2.${i}`, 4)).reduce((a, b) => a + b);
  expect(taken).toBe(10);
  expect(fill(gate, '10.0.0.12', 5)).toBe(2);
  expect(gate.limit).toBe(12);
});

test('a connection that has ended gives its place back, once', () => {
  const gate = gateWith(['10.0.0.12']);
  for (const [address, places] of [
    ['192.0.2.1', 4],
    ['10.0.0.12', 2],
  ] as const) {
    const leave = Array.from({ length: places }, () => gate.enter(address));
    expect(gate.enter(address)).toBeUndefined();
    leave[0]?.();
    const again = gate.enter(address);
    expect(again).toBeDefined();
    expect(gate.enter(address)).toBeUndefined();
    again?.();
    for (const one of leave.slice(1)) one?.();
    expect(fill(gate, address, 9)).toBe(places);
  }
});

test('clientKey() sees through IPv4 in IPv6, and takes a network of IPv6 for one client', () => {
  expect(clientKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(clientKey('2001:db8::1')).toBe(clientKey('2001:db8:0:0:ffff::9'));
  expect(clientKey('2001:db8:0:1::1')).not.toBe(clientKey('2001:db8::1'));
  expect(clientKey(undefined)).toBe('');
  expect(clientKey('fe80::1%eth0')).toBe('fe80:0:0:0');
});
