import { decodeCpuTimes } from '@tospann/linux';
import { expect, test } from 'vitest';
import { StealMeter } from './steal-meter.ts';

test('percent() is what was stolen since the oldest sample, and undefined where the kernel does not say', () => {
  let text = 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3\n';
  const meter = new StealMeter(() => decodeCpuTimes(text));
  text = 'cpu  110 0 110 860 0 0 0 20 0 0\ncpu0 1 2 3\n';
  expect(meter.percent()).toBe(20);
  text = '';
  expect(meter.percent()).toBeUndefined();
  meter.close();
});

test('the kernel of this machine says it', () => {
  const meter = new StealMeter();
  expect(meter.percent()).toBeGreaterThanOrEqual(0);
  expect(meter.percent()).toBeLessThanOrEqual(100);
  meter.close();
});
