import { expect, it } from 'vitest';
import { afterRunning } from './running-time.ts';

it('afterRunning() does not count the time in which the loop stood still', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    afterRunning(80, () => {
      order.push('over');
      resolve();
    });
    // Longer than the whole time-out; then there is time for what came meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    setTimeout(() => {
      order.push('read');
      setTimeout(() => order.push('answered'), 15);
    }, 0);
  });
  expect(order).toEqual(['read', 'answered', 'over']);
});

it('afterRunning() is over when the time is, and not at all once it was stopped', async () => {
  let calls = 0;
  const stop = afterRunning(10, () => calls++);
  stop();
  await new Promise<void>((resolve) => void afterRunning(60, resolve));
  expect(calls).toBe(0);
});
