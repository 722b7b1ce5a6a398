// The process that puts settings back when nobody confirms them. It has a session of its own, so it outlives the terminal,
// the ssh connection and the process that applied them. See docs/adr/0009. Side effects: those of a revert.
import { spawn } from 'node:child_process';
import { isTospannError } from '@tospann/errors';
import { Journal, settleIfExpired, unconfirmed, type TunerPlace } from '@tospann/tuner';
import { ownCommand } from '../assets.ts';

const POLL_MS = 500;
const READY = 'watching';
const START_LIMIT_MS = 20_000;

/** Starts the guard; resolves when it watches. Throws when it does not come up. */
export async function startGuard(stateDir: string): Promise<void> {
  const { file, args } = ownCommand();
  const child = spawn(file, [...args, 'tune', 'guard', '--state-dir', stateDir], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not come up')), START_LIMIT_MS);
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(why));
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code ?? 0}`}`));
    child.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.toString().includes(READY)) return;
      clearTimeout(timer);
      resolve();
    });
  }).finally(() => {
    child.removeAllListeners('exit');
    child.stdout.destroy();
    child.unref();
  });
}

/** Watches until the settings are confirmed, put back by somebody, or put back by this process. */
export async function guardUntilSettled(place: TunerPlace): Promise<void> {
  process.on('SIGHUP', () => undefined);
  process.stdout.on('error', () => undefined);
  process.stdout.write(`${READY}\n`);
  const journal = new Journal(place.directory);
  // The first look may come before the first key is journaled: an apply without keys does not count yet.
  const beganMs = performance.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    try {
      settleIfExpired(place);
    } catch (error) {
      // Whoever has the lock is changing settings himself: the next look sees what became of it.
      if (!isTospannError(error) || error.code !== 'LB_TUNER_BUSY') throw error;
    }
    const pending = unconfirmed(journal.applies());
    if (pending === undefined && performance.now() - beganMs > START_LIMIT_MS) return;
  }
}
