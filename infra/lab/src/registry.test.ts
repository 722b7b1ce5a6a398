import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { makeLabFolder, newLabName, removeStaleLabs } from './registry.ts';

describe('removeStaleLabs()', () => {
  test('removes the folder of a process that has ended and keeps that of a living one', () => {
    const living = newLabName();
    const kept = makeLabFolder(living);
    // The pid lives (it is ours) but started at another time: the lab is of an earlier process with the same pid.
    const stale = `tospann-${process.pid}-1-1`;
    const gone = makeLabFolder(stale);
    const foreign = mkdtempSync(join(tmpdir(), 'tospann-other-'));
    try {
      expect(removeStaleLabs()).toContain(stale);
      expect([existsSync(gone), existsSync(kept), existsSync(foreign)]).toEqual([false, true, true]);
    } finally {
      rmSync(kept, { recursive: true, force: true });
      rmSync(foreign, { recursive: true, force: true });
    }
  });

  test('gives every lab of a process its own name', () => {
    expect(newLabName()).not.toBe(newLabName());
  });
});
