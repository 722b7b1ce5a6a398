import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineBytes, WAITING_PER_WORKER, WaitingLine } from './waiting-line.ts';

const shape = { workers: 2, backends: 2, servers: 3 };

function lines(): [WaitingLine, WaitingLine] {
  const memory = new SharedArrayBuffer(lineBytes(shape));
  return [new WaitingLine(memory, shape, 0), new WaitingLine(memory, shape, 1)];
}

describe('WaitingLine', () => {
  it('keeps one order over all workers, and hands places over', () => {
    const [a, b] = lines();
    const first = a.join(0, -1, 7, 1);
    const second = b.join(0, -1, 8, 0);
    const bound = b.join(0, 2, 0, 0);
    expect(a.firstOfBackend(0)).toBe(first);
    expect(a.keyOf(first)).toBe(7);
    expect(a.flagsOf(first)).toBe(1);
    expect(a.isOlder(first, bound)).toBe(true);
    expect(b.grant(first, 1)).toBe(true);
    expect(a.hasGrants).toBe(true);
    expect(a.firstGranted()).toBe(first);
    expect(a.leave(first)).toBe(1);
    expect(a.hasGrants).toBe(false);
    expect(b.firstOfBackend(0)).toBe(second);
    expect(b.leave(second)).toBe(-1);
    expect(a.firstOfBackend(0)).toBe(0);
    expect(a.firstOfServer(2)).toBe(bound);
    expect(b.grant(bound, 2)).toBe(false);
  });

  it('refuses more than a worker can have, and takes as many again', () => {
    const [a] = lines();
    const all = Array.from({ length: WAITING_PER_WORKER }, () => a.join(1, -1, 0, 0));
    expect(new Set(all).size).toBe(WAITING_PER_WORKER);
    expect(a.join(1, -1, 0, 0)).toBe(0);
    for (const entry of all) a.leave(entry);
    expect(all.every(() => a.join(1, 0, 0, 0) !== 0)).toBe(true);
  });

  it('is a list of lists under any order of joining, leaving and granting', () => {
    const step = fc.record({
      what: fc.integer({ min: 0, max: 3 }),
      which: fc.nat(7),
      list: fc.integer({ min: -1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const both = lines();
        const model: { line: WaitingLine; entry: number; list: number; granted: number }[] = [];
        for (const { what, which, list } of steps) {
          const line = both[which & 1]!;
          const at = model[which % Math.max(1, model.length)];
          if (what <= 1) model.push({ line, entry: line.join(0, list, 0, 0), list, granted: -1 });
          else if (what === 2 && at !== undefined) {
            expect(at.line.leave(at.entry)).toBe(at.granted);
            model.splice(model.indexOf(at), 1);
          } else if (at !== undefined && at.granted < 0) {
            expect(line.grant(at.entry, which % 3)).toBe(line !== at.line);
            at.granted = which % 3;
            model.splice(model.indexOf(at), 1);
            model.push(at); // granted ones are in order of granting
          }
          const first = (l: number): number => model.find((e) => e.granted < 0 && e.list === l)?.entry ?? 0;
          expect(line.firstOfBackend(0)).toBe(first(-1));
          for (const server of [0, 1, 2]) expect(line.firstOfServer(server)).toBe(first(server));
          for (const l of both) {
            const granted = model.find((e) => e.granted >= 0 && e.line === l)?.entry ?? 0;
            expect(l.firstGranted()).toBe(granted);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
