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
});
