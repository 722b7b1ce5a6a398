// The claim on a run directory against a real file system: who has it, what a dead one leaves, and what a removed directory means.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTimeIn, startTimeOf } from './process-identity.ts';
import { RunDir } from './run-dir.ts';

let parent: string;
let path: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tospann-run-'));
  path = join(parent, 'run');
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

const taken = expect.objectContaining({ code: 'LB_OPERATION_RUNNING_ALREADY' });

describe('RunDir', () => {
  test('refuses a second claim, and gives the first one back', () => {
    const first = new RunDir(path);
    expect(readFileSync(join(path, 'tospann.pid'), 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
    expect(() => new RunDir(path)).toThrow(taken);
    first[Symbol.dispose]();
    expect(existsSync(join(path, 'tospann.pid'))).toBe(false);
    new RunDir(path)[Symbol.dispose]();
  });

  test('refuses the directory of a program from before, which has written its number and no more', async () => {
    new RunDir(path)[Symbol.dispose]();
    const other = spawn('sleep', ['60']);
    await once(other, 'spawn');
    writeFileSync(join(path, 'tospann.pid'), `${other.pid} ${startTimeOf(other.pid ?? 0)}\n`);
    expect(() => new RunDir(path)).toThrow(taken);
    other.kill('SIGKILL');
    await once(other, 'exit');
    new RunDir(path)[Symbol.dispose]();
  });

  test('makes and claims the directory again when somebody has removed it', () => {
    using claim = new RunDir(path);
    expect(claim.ensure()).toBe(false);
    rmSync(path, { recursive: true });
    expect(claim.ensure()).toBe(true);
    expect(existsSync(join(path, 'tospann.pid'))).toBe(true);
    expect(() => new RunDir(path)).toThrow(taken);
    expect(claim.ensure()).toBe(false);
  });
});

describe('startTimeIn()', () => {
  const stat = (state: string): string => `42 (a) Z (b) ${state} ${Array.from({ length: 40 }, (_, i) => i).join(' ')}`;

  test('is field 22, whatever the name of the process is', () => {
    expect(startTimeIn(stat('S'))).toBe('18');
  });

  test('is nothing for a process that has ended and was not reaped', () => {
    expect(startTimeIn(stat('Z'))).toBeUndefined();
    expect(startTimeIn(stat('X'))).toBeUndefined();
  });
});
