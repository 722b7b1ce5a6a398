// The run directory belongs to one running node: a second `tospann run` with the same directory is refused.
// A pid file of a node that is dead, or whose number another program has now, does not count.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { startTimeOf } from './process-identity.ts';

/** Claims the directory for this process; dispose to give it back. @throws {TospannError} LB_OPERATION_RUNNING_ALREADY */
export function claimRunDir(runDir: string): Disposable {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const file = join(runDir, 'tospann.pid');
  const other = readClaim(file);
  // A program that has replaced itself (an upgrade) finds its own number.
  const isSelf = other?.pid === process.pid;
  if (other !== undefined && !isSelf && startTimeOf(other.pid) === other.startTime) {
    throw new TospannError('LB_OPERATION_RUNNING_ALREADY', { runDir, pid: other.pid });
  }
  writeFileSync(`${file}.new`, `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`);
  renameSync(`${file}.new`, file);
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

function readClaim(file: string): { readonly pid: number; readonly startTime: string } | undefined {
  try {
    const [pid = '', startTime = ''] = readFileSync(file, 'utf8').trim().split(' ');
    return /^\d+$/.test(pid) && startTime !== '' ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined; // no claim, or not readable: nobody who could be asked
  }
}
