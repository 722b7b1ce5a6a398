// What is given back: buffers at the bottom of the stack, after a period in which nobody has come near them, and once.
import { expect, it } from 'vitest';
import { ColdBuffers } from './ring-cold.ts';

const COUNT = 100;

it('ColdBuffers gives back what was used in a flood and not since, and nothing else', () => {
  const given: number[] = [];
  const cold = new ColdBuffers(COUNT, 10, (offset) => given.push(offset / 10));
  const stack = Int32Array.from({ length: COUNT }, (_, i) => i);
  let length = COUNT;
  const use = (count: number): void => {
    for (let i = 0; i < count; i++) cold.used(stack[--length]!);
    cold.left(length);
    length += count;
  };
  const period = (perTick: number): void => {
    for (let tick = 0; tick < 200; tick++) {
      use(perTick);
      cold.tick(stack, length);
    }
  };
  period(3);
  expect(given).toEqual([]);
  use(60); // the flood: 40..99
  period(3);
  expect(given).toEqual([]);
  period(3);
  period(3);
  expect(given.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 57 }, (_, i) => 40 + i));
  period(3);
  expect(given.length).toBe(57);
});
