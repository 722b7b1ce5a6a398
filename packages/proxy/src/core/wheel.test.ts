import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerWheel } from './wheel.ts';

/** What has expired, in order. */
class Owner {
  readonly handles: number[] = [];
  onExpired: (handle: number) => void = () => undefined;
  expired(handle: number): void {
    this.handles.push(handle);
    this.onExpired(handle);
  }
}

describe('TimerWheel', () => {
  it('tells a deadline once, not before its time and within a slot after it', () => {
    const wheel = new TimerWheel(1000);
    const owner = new Owner();
    wheel.set(3, 1500);
    wheel.advance(1499, owner);
    expect(owner.handles).toEqual([]);
    wheel.advance(1540, owner);
    wheel.advance(9000, owner);
    expect(owner.handles).toEqual([3]);
  });

  it('follows a deadline that moves back and forth, and forgets removed ones', () => {
    const wheel = new TimerWheel(0);
    const owner = new Owner();
    wheel.set(1, 10_000);
    wheel.set(1, 100);
    wheel.set(2, 100);
    wheel.set(2, 10_000);
    wheel.set(3, 100);
    wheel.remove(3);
    wheel.set(4, 100);
    wheel.set(4, Infinity);
    wheel.advance(200, owner);
    expect(owner.handles).toEqual([1]);
    wheel.advance(10_100, owner);
    expect(owner.handles).toEqual([1, 2]);
  });

  it('reaches beyond one turn and survives a long freeze', () => {
    const wheel = new TimerWheel(0);
    const owner = new Owner();
    wheel.set(1, 3_600_000);
    wheel.set(2, 200_000);
    for (let now = 0; now < 199_000; now += 50) wheel.advance(now, owner);
    expect(owner.handles).toEqual([]);
    wheel.advance(10_000_000, owner);
    expect(owner.handles.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it('lets the owner set again while it is told', () => {
    const wheel = new TimerWheel(0);
    const owner = new Owner();
    owner.onExpired = (handle) => {
      if (owner.handles.length < 4) wheel.set(handle, owner.handles.length * 100);
    };
    wheel.set(7, 0);
    for (let now = 0; now < 1000; now += 10) wheel.advance(now, owner);
    expect(owner.handles).toEqual([7, 7, 7, 7]);
  });

  it('does for random operations what a plain list of deadlines does', () => {
    const step = fc.record({
      handle: fc.nat(90),
      inMs: fc.oneof(fc.nat(500), fc.nat(100_000), fc.constant(Infinity)),
      thenMs: fc.nat(400),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const wheel = new TimerWheel(0);
        const owner = new Owner();
        const plain = new Map<number, number>();
        let now = 0;
        const check = (): void => {
          for (const handle of owner.handles.splice(0)) {
            expect(plain.get(handle)).toBeLessThanOrEqual(now);
            plain.delete(handle);
          }
          for (const deadline of plain.values()) expect(deadline).toBeGreaterThan(now - 64);
        };
        for (const { handle, inMs, thenMs } of steps) {
          wheel.set(handle, now + inMs);
          if (inMs === Infinity) plain.delete(handle);
          else plain.set(handle, now + inMs);
          now += thenMs;
          wheel.advance(now, owner);
          check();
        }
        for (let i = 0; i < 40; i++) {
          now += 5000;
          wheel.advance(now, owner);
          check();
        }
        expect(plain.size).toBe(0);
      }),
      { numRuns: 80 },
    );
  });
});
