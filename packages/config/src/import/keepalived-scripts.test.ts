import { expect, test } from 'vitest';
import { describeWeight, type Side } from './keepalived-scripts.ts';

const side = (priority: number, weight: number): Side => ({ priority, weight });

test.each([
  // The article: the weight of 2 exceeds the gap of 1.
  { own: side(101, 2), other: side(100, 2), says: 'leaves 101 against 102, so the address moved' },
  { own: side(100, 2), other: side(101, 2), says: 'leaves 101 against 102, so the address moved' },
  // The trap: priorities as in many guides, the weight too small for them.
  { own: side(150, 2), other: side(100, 2), says: 'leaves 150 against 102, so the address stayed' },
  { own: side(150, -60), other: side(100, -60), says: 'leaves 90 against 100, so the address moved' },
  { own: side(150, -20), other: side(100, -20), says: 'leaves 130 against 100, so the address stayed' },
  {
    own: side(102, 2),
    other: side(100, 2),
    says: 'leaves 102 against 102, a tie, in which the owner keeps the address',
  },
  { own: side(101, 0), other: side(100, 0), says: 'means fault, so the address moved' },
  { own: side(101, Number.NaN), other: side(100, 2), says: 'this weight is no number' },
])('describeWeight() of $own and $other says "$says"', ({ own, other, says }) => {
  expect(describeWeight(own, other)).toContain(says);
});

test('describeWeight() says nothing about a pair of which it knows one node', () => {
  expect(describeWeight(side(101, 2), undefined)).toContain('depends on the file of the other node');
});
