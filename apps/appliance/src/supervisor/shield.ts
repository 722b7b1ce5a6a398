// Keeps signals from the supervisor while it replaces its program: a process in this role holds them back until the handlers
// of the next program stand, and sends them again then. Where that is not allowed an upgrade goes on without it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { allowHolder, holdSignals, releaseSignals } from '@tospann/linux';
import { ownCommand } from '../assets.ts';
import { out } from '../cli/exit.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';

const ROLE = 'shield';
/** How long it may take to begin, ms. */
const BEGIN_LIMIT_MS = 5000;
/** It ends by itself after this, seconds: a supervisor whose handlers never stand must be able to be stopped. */
const HOLD_LIMIT_SECONDS = 20;
/** What an operator, systemd, logrotate or a terminal sends. */
const HELD = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT'] as const;

export interface Shield extends Disposable {
  /** Undefined: signals are not held, `problem` says why. */
  readonly identity: ProcessIdentity | undefined;
  readonly problem: string;
}

/** Starts to hold this process's signals. Disposed: it lets them go. Never rejects. */
export async function raiseShield(): Promise<Shield> {
  const { file, args } = ownCommand();
  const child = spawn(file, args, {
    env: { ...process.env, TOSPANN_ROLE: ROLE },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const said = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', () => resolve('it has ended'));
    child.stdout.once('data', (text: Buffer) => resolve(text.toString('utf8').trim()));
    setTimeout(() => resolve('it does not begin'), BEGIN_LIMIT_MS).unref();
  });
  allowHolder(child.pid ?? 0);
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${process.pid}\n`);
  const answer = await said;
  child.unref();
  if (answer !== 'holding') {
    child.kill('SIGKILL');
    return { identity: undefined, problem: answer, [Symbol.dispose]: () => undefined };
  }
  return { identity: identityOf(child.pid ?? 0), problem: '', [Symbol.dispose]: releaseSignals };
}

/** The process in this role. It waits for its number first: until then it may not be allowed to hold. */
export function runShield(): void {
  process.stdin.once('data', (text: Buffer) => {
    const problem = holdSignals({
      pid: Number(text.toString('utf8')),
      signals: HELD.map((name) => constants.signals[name]),
      limitSeconds: HOLD_LIMIT_SECONDS,
      holding: () => out('holding'),
    });
    if (problem !== '') out(problem);
    process.exit(0);
  });
}
