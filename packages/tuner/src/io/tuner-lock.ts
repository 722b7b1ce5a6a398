// One process at a time changes the kernel's settings. The lock is the kernel's own and ends with the process; the file
// says who has it. Side effects: one file of the state directory.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { tryLockFile } from '@tospann/linux';

/**
 * Takes the lock; dispose to give it back.
 *
 * @param stateDir The tuner's own directory; it is made.
 * @param what What it is for, to be shown to whoever comes second: `tune apply`.
 * @throws {TospannError} LB_TUNER_BUSY with the process that has it.
 */
export function lockTuner(stateDir: string, what: string): Disposable {
  mkdirSync(stateDir, { recursive: true, mode: 0o750 });
  const file = join(stateDir, 'lock');
  const fd = openSync(file, 'a+', 0o640);
  if (!tryLockFile(fd)) {
    closeSync(fd);
    throw new TospannError('LB_TUNER_BUSY', {
      holder: readFileSync(file, 'utf8').trim() || 'a process that just began',
    });
  }
  ftruncateSync(fd);
  writeSync(fd, `process ${process.pid} ("${what}")\n`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
