import { describe, expect, it } from 'vitest';
import { Buffers, Chain, NONE, Ranges } from './buffers.ts';
import { MemoryTransport } from './memory-transport.ts';

describe('Ranges and Chain', () => {
  it('keep order and sums through push, unshift, takeAll and growth', () => {
    const ranges = new Ranges(2);
    const a = new Chain();
    const b = new Chain();
    for (let i = 0; i < 20; i++) a.push(ranges, i, 10);
    a.unshift(ranges, 99, 5);
    b.push(ranges, 50, 1);
    b.takeAll(ranges, a);
    expect([a.count, a.bytes, a.head, a.tail]).toEqual([0, 0, NONE, NONE]);
    expect([b.count, b.bytes]).toEqual([22, 206]);
    const seen: number[] = [];
    while (b.head !== NONE) {
      seen.push(ranges.offset[b.head]!);
      b.shift(ranges);
    }
    expect(seen).toEqual([50, 99, ...Array.from({ length: 20 }, (_, i) => i)]);
    expect(b.tail).toBe(NONE);
  });
});

describe('Buffers', () => {
  it('give a buffer back when its last user is done', () => {
    const transport = new MemoryTransport({ sendBuffers: 4, receiveBuffers: 4 });
    const buffers = new Buffers(transport);
    const offset = buffers.take();
    buffers.hold(offset + 5);
    buffers.drop(offset + 9);
    expect(transport.freeBuffers).toBe(7);
    buffers.drop(offset);
    expect(transport.freeBuffers).toBe(8);
  });

  it('are short when half of those to receive into are held, and no more when half of that has come back', () => {
    const transport = new MemoryTransport({ bufferBytes: 65_536, receiveBuffers: 16, sendBuffers: 32 });
    transport.releaseBuffer = () => undefined; // they were never taken from it
    const buffers = new Buffers(transport);
    const offset = (i: number): number => i * 65_536;
    for (let i = 0; i < 8; i++) buffers.received(offset(i));
    expect(buffers.short).toBe(false);
    expect(buffers.settle(offset(0), 100)).toBe(offset(0));
    buffers.received(offset(8));
    expect([buffers.shortOfReceived, buffers.shortOfTaken]).toEqual([true, false]);
    expect(buffers.receiveMost(1)).toBe(16_384);
    for (let i = 8; i > 4; i--) buffers.drop(offset(i));
    buffers.relieve();
    expect(buffers.short).toBe(true);
    buffers.drop(offset(4));
    buffers.relieve();
    expect(buffers.short).toBe(false);
    expect(buffers.receiveMost(1)).toBe(Infinity);
  });

  it('that are short give what rests a piece of its size, with its bytes and its use', () => {
    const transport = new MemoryTransport({ bufferBytes: 4096, receiveBuffers: 2, sendBuffers: 32 });
    const released: number[] = [];
    transport.releaseBuffer = (offset) => void released.push(Math.floor(offset / 4096));
    const buffers = new Buffers(transport);
    for (let i = 0; i < 2; i++) buffers.received(i * 4096);
    buffers.memory.set([1, 2, 3], 4096 + 7);
    const piece = buffers.settle(4096 + 7, 3);
    expect([...buffers.memory.subarray(piece, piece + 3)]).toEqual([1, 2, 3]);
    expect([buffers.isPiece(piece), buffers.users(piece), buffers.end(piece) - buffers.start(piece)]).toEqual([
      true,
      1,
      256,
    ]);
    expect(buffers.heldReceived).toBe(1);
    expect(buffers.settle(piece, 3)).toBe(piece);
    buffers.drop(piece);
    expect(released).toEqual([1, Math.floor(piece / 4096)]);
  });
});
