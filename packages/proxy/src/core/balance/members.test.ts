import { describe, expect, it } from 'vitest';
import { membersOf, rampOf, type MemberState } from './members.ts';

const up: MemberState = { usable: true, ready: true, weight: 10, backup: false, ramp: 1 };
const down = { ...up, usable: false };
const backup = { ...up, backup: true };

describe('membersOf()', () => {
  it('leaves out what is down, drained, or without weight', () => {
    const drained = { ...up, ready: false };
    expect(membersOf([up, down, drained, { ...up, weight: 0 }, { ...up, weight: 3 }], 0).weights).toEqual([
      10, 0, 0, 0, 3,
    ]);
  });

  it('uses backups only while no other server can serve, and then all of them', () => {
    expect(membersOf([up, down, backup, backup], 0)).toMatchObject({ weights: [10, 0, 0, 0], onBackups: false });
    expect(membersOf([down, down, backup, backup], 0)).toMatchObject({ weights: [0, 0, 10, 10], onBackups: true });
    expect(membersOf([{ ...up, ready: false }, backup, { ...backup, usable: false }], 0).weights).toEqual([0, 10, 0]);
    expect(membersOf([down, { ...backup, usable: false }], 0).weights).toEqual([0, 0]);
  });

  it('takes all servers when fewer than the threshold are healthy', () => {
    expect(membersOf([up, up, down, down], 50)).toMatchObject({ weights: [10, 10, 0, 0], panic: false });
    expect(membersOf([up, down, down, down], 50)).toMatchObject({ weights: [10, 10, 10, 10], panic: true });
    expect(membersOf([down, down], 1)).toMatchObject({ weights: [10, 10], panic: true });
    expect(membersOf([down, down], 0)).toMatchObject({ weights: [0, 0], panic: false });
    expect(membersOf([down, { ...down, ready: false }], 50).weights).toEqual([10, 0]);
    expect(membersOf([down, down, backup], 50)).toMatchObject({ weights: [0, 0, 10], panic: false });
  });

  it('raises the weight of a server that has come back in steps', () => {
    expect(membersOf([up, { ...up, ramp: 1 / 16 }], 0).weights).toEqual([160, 10]);
    expect(
      membersOf(
        [
          { ...up, weight: 1 },
          { ...up, weight: 1, ramp: 0.5 },
        ],
        0,
      ).weights,
    ).toEqual([16, 8]);
    expect(membersOf([{ ...up, ramp: 1 / 16 }], 0).weights).toEqual([10]);
  });
});

describe('rampOf()', () => {
  it('goes up in sixteenths, and is over after the time', () => {
    const steps = Array.from({ length: 16 }, (_, i) => rampOf(5000, 5000 + i * 100, 1600) * 16);
    expect(steps).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(rampOf(5000, 6600, 1600)).toBe(1);
    expect(rampOf(0, 5, 1600)).toBe(1);
  });

  it('takes a clock beyond 31 bits', () => {
    const startMs = 2 ** 31 - 100;
    expect(rampOf(startMs | 0, startMs + 800, 1600)).toBe(9 / 16);
    expect(rampOf((2 ** 32 + 7) | 0, 2 ** 32 + 7 + 800, 1600)).toBe(9 / 16);
  });
});
