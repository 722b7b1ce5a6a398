// The table of sources: what a window lets through, what two workers see of each other, and what a flood of sources does.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceOf } from '../source.ts';
import { Rate, SOURCE_TABLE_BYTES, SourceTable, Window } from './source-table.ts';

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(SOURCE_TABLE_BYTES));
}

/** How many of `tries` requests of a source pass at one moment. */
function passing(table: SourceTable, address: string, options: { rate: Rate; tries: number; nowMs: number }): number {
  let passed = 0;
  for (let i = 0; i < options.tries; i++) {
    const at = table.find(sourceOf(address), 0, options.nowMs);
    if (table.take(at, Window.REQUESTS, options.rate, options.nowMs)) passed++;
  }
  return passed;
}

describe('SourceTable', () => {
  it('lets the count through at once, and again after the period', () => {
    for (const [count, periodMs] of [
      [1, 1000],
      [10, 1000],
      [7, 60_000],
      [1000, 1000],
      [100_000, 1000],
      [60, 3_600_000],
    ] as const) {
      const table = new SourceTable(words());
      const rate = new Rate(count, periodMs, false);
      let nowMs = 5_000_000;
      expect(passing(table, '192.0.2.1', { rate, tries: count + 5, nowMs })).toBe(count);
      expect(passing(table, '192.0.2.1', { rate, tries: 5, nowMs: nowMs + periodMs - 1 })).toBe(0);
      nowMs += rate.restMs;
      expect(passing(table, '192.0.2.1', { rate, tries: count + 5, nowMs })).toBe(count);
      nowMs += 10 * periodMs;
      expect(passing(table, '192.0.2.1', { rate, tries: count + 5, nowMs })).toBe(count);
    }
  });

  // HAProxy 2.6, `http_req_rate(10s) gt 10` and a client with ten requests a second: 10 in 21 s.
  it.each([
    [true, 10],
    [false, 20],
  ])('counts what was refused: %s; a robot gets %i in two periods', (countsRefused, expected) => {
    const table = new SourceTable(words());
    const rate = new Rate(10, 10_000, countsRefused);
    let passed = 0;
    for (let nowMs = 1000; nowMs < 21_000; nowMs += 100) {
      passed += passing(table, '192.0.2.1', { rate, tries: 1, nowMs });
    }
    expect(passed).toBe(expected);
  });

  it('lets no more than the count through in any period, and refuses nothing for longer than it says', () => {
    const steps = fc.array(fc.oneof(fc.nat(20), fc.nat(1200), fc.nat(400_000)), { minLength: 1, maxLength: 300 });
    const start = fc.oneof(fc.nat(2 ** 33), fc.constantFrom(0, 2 ** 31 - 500, 2 ** 32 - 500));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        start,
        steps,
        fc.boolean(),
        // oxlint-disable-next-line max-params -- what the property is about
        (count, startMs, waits, countsRefused) => {
          const periodMs = 1000;
          const table = new SourceTable(words());
          const rate = new Rate(count, periodMs, countsRefused);
          const counted: number[] = [];
          const passed: number[] = [];
          let nowMs = startMs;
          for (const wait of waits) {
            nowMs += wait;
            const within = (times: readonly number[], ms: number): number =>
              times.filter((at) => at > nowMs - ms).length;
            if (passing(table, '192.0.2.1', { rate, tries: 1, nowMs }) === 1) {
              passed.push(nowMs);
              counted.push(nowMs);
              expect(within(passed, periodMs)).toBeLessThanOrEqual(count);
            } else {
              expect(within(counted, rate.restMs)).toBeGreaterThanOrEqual(count);
              if (countsRefused) counted.push(nowMs);
            }
          }
        },
      ),
    );
  });

  it('is one for all workers', () => {
    const shared = words();
    const workers = [new SourceTable(shared), new SourceTable(shared)];
    workers[0]!.seed(17, 4711);
    const rate = new Rate(10, 1000, false);
    const passed = workers.map((worker) => passing(worker, '192.0.2.1', { rate, tries: 7, nowMs: 1000 }));
    expect(passed).toEqual([7, 3]);
  });

  it('takes an IPv4 address and an IPv6 /64 as one source, and frontends apart', () => {
    const table = new SourceTable(words());
    const place = (address: string, frontend = 0): number => table.find(sourceOf(address), frontend, 1000);
    expect(place('192.0.2.1')).toBe(place('::ffff:192.0.2.1'));
    expect(place('192.0.2.1')).not.toBe(place('192.0.2.2'));
    expect(place('2001:db8:1:2::1')).toBe(place('2001:db8:1:2:ffff::9'));
    expect(place('2001:db8:1:2::1')).not.toBe(place('2001:db8:1:3::1'));
    expect(place('192.0.2.1')).not.toBe(place('192.0.2.1', 1));
  });

  it('counts connections, and forgets those of a source that has lost its place', () => {
    const table = new SourceTable(words());
    const at = table.find(sourceOf('192.0.2.1'), 0, 1000);
    const tag = table.tagOf(at);
    expect([1, 2, 3].map(() => table.connect(at, 2))).toEqual([true, true, false]);
    table.disconnect(at, tag);
    expect(table.connect(at, 2)).toBe(true);
    table.disconnect(at, tag + 1);
    expect(table.connect(at, 2)).toBe(false);
  });

  it('a flood of sources makes nobody wait, keeps those with connections, and stays in its memory', () => {
    const table = new SourceTable(words());
    const rate = new Rate(5, 60_000, false);
    const honest = sourceOf('192.0.2.1');
    const at = table.find(honest, 0, 1000);
    const tag = table.tagOf(at);
    table.connect(at, 10);
    for (let i = 0; i < 300_000; i++) {
      const source = sourceOf(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
      const place = table.find(source, 0, 2000 + i / 100);
      // Each is new to the table, or known for a request of its own: never refused for others.
      expect(table.take(place, Window.REQUESTS, rate, 2000 + i / 100)).toBe(true);
    }
    expect(table.tagOf(at)).toBe(tag);
    expect(table.find(honest, 0, 9000)).toBe(at);
  });
});
