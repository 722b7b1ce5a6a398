// An upgrade without loss: the supervisor replaces its program by the one that is on disk now (execve: the process, its
// number and its open listening sockets stay). Whatever can fail is tried before, and what has been prepared is taken back when
// it does: the old program goes on. The proxy and the agent go on meanwhile, and hand over to their successors. See
// docs/adr/0008.
import { execFile } from 'node:child_process';
import { TospannError } from '@tospann/errors';
import { replaceProgram } from '@tospann/linux';
import { ownCommand } from '../assets.ts';
import type { Child } from './child.ts';
import { type Handover, layHandover } from './handover.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';
import { isSameProgram } from './same-program.ts';
import { raiseShield, type Shield } from './shield.ts';
import type { Supervisor } from './supervisor.ts';

/** How long the new program may take to answer each question, ms. */
const ANSWER_LIMIT_MS = 30_000;
/** How long a child may take to hear that it is to outlive this program, ms. */
const TELL_LIMIT_MS = 3000;
/** Exit code of a program from before that does not know a question. */
const UNKNOWN_QUESTION = 2;

/** The program on disk, after it was asked. */
export interface NextProgram {
  readonly version: string;
  /** It has rehearsed its start, so it knows what this one leaves it; a program from before does not. */
  readonly hasRehearsed: boolean;
}

/**
 * Asks the program on disk for its version, whether it takes the configuration, and to rehearse its start.
 *
 * @param file The configuration file.
 * @returns Undefined: it is the one that runs.
 * @throws {TospannError} LB_OPERATION_UPGRADE_REFUSED with what it said.
 */
export async function checkProgram(
  supervisor: Supervisor,
  { file, force }: { readonly file: string; readonly force: boolean },
): Promise<NextProgram | undefined> {
  if (!force && (await isSame())) return undefined;
  const said = (await askProgram(['version', '--json'])).stdout;
  const version = versionIn(said);
  if (version === undefined) throw refused(`it does not say its version: ${said.slice(0, 200)}`);
  await askProgram(['validate', '-c', file]);
  const rehearsal = [...process.argv.slice(2), '--rehearse'];
  const { code } = await askProgram(rehearsal, {
    input: JSON.stringify(handoverOf(supervisor, undefined)),
    allowed: UNKNOWN_QUESTION,
  });
  return { version, hasRehearsed: code === 0 };
}

/**
 * Makes ready all that the next program gets.
 *
 * @returns The act itself: it returns only by a throw, and then everything is as before.
 * @throws {TospannError} LB_OPERATION_UPGRADE_REFUSED; everything is as before.
 */
export async function prepareReplacement(supervisor: Supervisor, next: NextProgram): Promise<() => never> {
  const shield = next.hasRehearsed ? await raiseShield() : undefined;
  if (shield !== undefined && shield.problem !== '') {
    const fields = { event: 'signals-unheld', problem: shield.problem };
    supervisor.log.warn(fields, 'Signals cannot be held back: one that comes in the next second ends this node');
  }
  try {
    await tellOutlive(supervisor, true);
    await supervisor.events.settled();
    return () => replace(supervisor, next, shield);
  } catch (error) {
    takeBack(supervisor, shield);
    throw error;
  }
}

function replace(supervisor: Supervisor, next: NextProgram, shield: Shield | undefined): never {
  const way = next.hasRehearsed ? 'file' : 'text';
  try {
    const laid = layHandover(handoverOf(supervisor, shield?.identity), way);
    const { file, args } = ownCommand();
    try {
      replaceProgram({ file, args: [file, ...args, ...process.argv.slice(2)], env: laid.env });
    } finally {
      laid[Symbol.dispose]();
    }
  } catch (error) {
    takeBack(supervisor, shield);
    throw refused(error instanceof Error ? error.message : String(error), error);
  }
}

function takeBack(supervisor: Supervisor, shield: Shield | undefined): void {
  void tellOutlive(supervisor, false).catch(() => undefined);
  shield?.[Symbol.dispose]();
}

/** Each child that is to go on has heard so when this resolves; one that died meanwhile has a successor, which has too. */
async function tellOutlive(supervisor: Supervisor, on: boolean): Promise<void> {
  const told = new Set<Child>();
  for (;;) {
    const { slots, retiring } = supervisor;
    const child = [slots.proxy.child, slots.vrrp.child, ...retiring].find((one) => one && !told.has(one) && !one.gone);
    if (child === undefined) return;
    told.add(child);
    if (await child.deliver({ type: 'outlive', on }, TELL_LIMIT_MS)) continue;
    throw refused(`the ${child.role} process ${child.pid} does not take messages`);
  }
}

function handoverOf(supervisor: Supervisor, shield: ProcessIdentity | undefined): Handover {
  const { slots, listeners, predecessors, retiring, owned, runDir } = supervisor;
  const [proxy, vrrp, admin] = [slots.proxy, slots.vrrp, slots.admin].map(({ child }) => identity(child));
  const claim = runDir.fd;
  const ending = [...retiring].flatMap((child) => identity(child) ?? []);
  return {
    listeners: listeners.list(),
    ...(proxy === undefined ? {} : { proxy }),
    ...(vrrp === undefined ? {} : { vrrp }),
    ...(admin === undefined ? {} : { admin }),
    ...(claim === undefined ? {} : { claim }),
    owned,
    draining: [...ending, ...predecessors.alive, ...(shield === undefined ? [] : [shield])],
  };
}

function identity(child: Child | undefined): ProcessIdentity | undefined {
  return child === undefined || child.gone ? undefined : identityOf(child.pid);
}

async function isSame(): Promise<boolean> {
  try {
    return await isSameProgram();
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error), error);
  }
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
}

/** @param options.allowed An exit code other than 0 that is an answer too. */
async function askProgram(
  question: readonly string[],
  { input = '', allowed = 0 }: { readonly input?: string; readonly allowed?: number } = {},
): Promise<Answer> {
  const { file, args } = ownCommand();
  return await new Promise<Answer>((resolve, reject) => {
    const limits = { timeout: ANSWER_LIMIT_MS, maxBuffer: 1 << 20 };
    const child = execFile(file, [...args, ...question], limits, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === 0 || (allowed !== 0 && code === allowed)) resolve({ code, stdout });
      else reject(refused(`"${question[0]}" failed: ${stderr.trim() || (error?.message ?? '')}`, error));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function versionIn(said: string): string | undefined {
  try {
    const facts: unknown = JSON.parse(said);
    const version: unknown = typeof facts === 'object' && facts !== null ? Reflect.get(facts, 'version') : undefined;
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

function refused(detail: string, cause?: unknown): TospannError {
  return new TospannError('LB_OPERATION_UPGRADE_REFUSED', { detail }, { cause });
}
