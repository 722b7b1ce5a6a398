// The process that puts settings back when nobody confirms them. It has a session of its own, so it outlives the terminal,
// the ssh connection and the process that applied them. See docs/adr/0010. Side effects: those of a revert.
import { spawn } from 'node:child_process';
import { isTospannError } from '@tospann/errors';
import { bootNow, isExpired, Journal, settleIfExpired, type TunerPlace } from '@tospann/tuner';
import { ownCommand } from '../assets.ts';

const POLL_MS = 500;
const READY = 'watching';
const START_LIMIT_MS = 20_000;
/** What cannot be put back in so many looks is left for the next one who asks. */
const TRIES = 120;

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
  let tries = 0;
  for (let waiting = journal.waiting(); waiting !== undefined && tries < TRIES; waiting = journal.waiting()) {
    if (isExpired(waiting, bootNow(place.root))) {
      tries++;
      settle(place);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function settle(place: TunerPlace): void {
  try {
    settleIfExpired(place);
  } catch (error) {
    // Whoever has the lock is changing settings himself: the next look sees what became of it.
    if (!isTospannError(error) || error.code !== 'LB_TUNER_BUSY') throw error;
  }
}
