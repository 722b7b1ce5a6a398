// Pieces against a model: whatever is taken and dropped in whatever order, no two overlap, none reaches out of its
// buffer, bytes stay as they were, and in the end every buffer has gone back.
import { describe, expect, it } from 'vitest';
import { MemoryTransport } from './memory-transport.ts';
import { Pieces } from './pieces.ts';

interface Held {
  readonly offset: number;
  readonly length: number;
  readonly mark: number;
  users: number;
}

function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * limit);
  };
}

function runModel(seed: number): void {
  const random = generator(seed);
  const transport = new MemoryTransport({ bufferBytes: 4096, receiveBuffers: 1, sendBuffers: 16 });
  const pieces = new Pieces(transport, 12);
  const held: Held[] = [];
  const dropOne = (): void => {
    const at = random(held.length);
    const piece = held[at]!;
    const inside = piece.offset + random(piece.length);
    for (let i = 0; i < piece.length; i++) {
      if (transport.memory[piece.offset + i] !== piece.mark) throw new Error(`seed ${seed}: bytes have changed`);
    }
    expect(pieces.users(inside)).toBe(piece.users);
    pieces.drop(inside);
    if (--piece.users === 0) held.splice(at, 1);
  };
  for (let step = 0; step < 1000; step++) {
    const growing = Math.floor(step / 100) % 2 === 0;
    if (held.length === 0 || random(10) < (growing ? 7 : 3)) {
      const length = 1 + random([10, 300, 1100, 4096][random(4)]!);
      const offset = pieces.take(length);
      if (offset < 0) continue;
      expect(pieces.start(offset + length - 1)).toBe(offset);
      expect(pieces.end(offset)).toBe(offset + pieces.sizeFor(length));
      expect(Math.floor(offset / 4096)).toBe(Math.floor((offset + length - 1) / 4096));
      const mark = 1 + random(255);
      transport.memory.fill(mark, offset, offset + length);
      held.push({ offset, length, mark, users: 1 });
    } else if (random(5) === 0) {
      const piece = held[random(held.length)]!;
      pieces.hold(piece.offset + random(piece.length));
      piece.users++;
    } else dropOne();
    expect(pieces.divided).toBeLessThanOrEqual(12);
  }
  while (held.length > 0) dropOne();
  expect(pieces.divided).toBe(0);
  expect(transport.freeBuffers).toBe(17);
}

describe('Pieces', () => {
  it('never overlap and all come back, in 15 random orders', () => {
    for (let seed = 1; seed <= 15; seed++) runModel(seed);
  });

  it('of a quarter of a buffer leave room to smaller ones, and the smallest always find some', () => {
    const transport = new MemoryTransport({ bufferBytes: 65_536, receiveBuffers: 1, sendBuffers: 16 });
    const pieces = new Pieces(transport, 16);
    const fill = (length: number): number => {
      let count = 0;
      while (pieces.take(length) >= 0) count++;
      return count;
    };
    expect(fill(16_384)).toBe(8 * 4);
    expect(fill(4096)).toBe(4 * 16);
    expect(fill(1024)).toBe(3 * 64);
    expect(fill(1)).toBe(256);
  });

  it('of one buffer are as many as fit, each used again at once', () => {
    const transport = new MemoryTransport({ bufferBytes: 4096, receiveBuffers: 1, sendBuffers: 2 });
    const pieces = new Pieces(transport, 2);
    const all = Array.from({ length: 16 }, () => pieces.take(200));
    expect(new Set(all).size).toBe(16);
    expect(pieces.divided).toBe(1);
    pieces.drop(all[5]!);
    expect(pieces.take(256)).toBe(all[5]);
    expect(pieces.take(1)).toBeGreaterThanOrEqual(0);
    expect(pieces.divided).toBe(2);
  });
});
