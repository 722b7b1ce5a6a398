import { expect, test } from 'vitest';
import { LineQueue } from './line-queue.ts';

const dropped = (count: number): string => `{"level":40,"count":${count}}\n`;

function reader(perCall = Infinity): { readonly write: (bytes: Uint8Array) => number; readonly text: () => string } {
  const parts: Uint8Array[] = [];
  return {
    write: (bytes) => {
      const taken = bytes.slice(0, Math.min(perCall, bytes.length));
      parts.push(taken);
      return taken.length;
    },
    text: () => Buffer.concat(parts).toString('utf8'),
  };
}

test.each([
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [20, 7],
])('a line of level %d goes to the journal with priority %d', (level, priority) => {
  const queue = new LineQueue({ isJournal: true, dropped });
  queue.push(`{"level":${level},"msg":"x"}\n`);
  const { write, text } = reader();
  queue.writeTo(write);
  expect(text()).toBe(`<${priority}>{"level":${level},"msg":"x"}\n`);
});

test('lines come whole and in order, however little is taken at once', () => {
  const queue = new LineQueue({ isJournal: false, dropped });
  queue.push('first\n');
  queue.push('zweite: ü\n');
  const { write, text } = reader(1);
  queue.writeTo(write);
  expect(text()).toBe('first\nzweite: ü\n');
  expect(queue.isEmpty).toBe(true);
});

test('for one who does not read a bound of memory is kept, and what was dropped is said when he reads', () => {
  const queue = new LineQueue({ isJournal: false, dropped });
  const line = `${'x'.repeat(999)}\n`;
  for (let i = 0; i < 10_000; i++) {
    queue.push(line);
    queue.writeTo(() => 0);
  }
  const { write, text } = reader();
  queue.writeTo(write);
  expect(text().length).toBeLessThan(1.1 * 1024 * 1024);
  queue.push('again\n');
  queue.writeTo(write);
  const lines = text().trimEnd().split('\n');
  const kept = lines.filter((one) => one.startsWith('x')).length;
  expect(lines.slice(-2)).toEqual([`{"level":40,"count":${10_000 - kept}}`, 'again']);
});
