// An upgrade without loss: the supervisor replaces its program by the one that is on disk now (execve: the process, its
// number and its open listening sockets stay), after that one has shown that it runs here and takes the
// configuration. The proxy and the agent go on meanwhile, and hand over to their successors. See docs/adr/0008.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TospannError } from '@tospann/errors';
import { ownCommand } from '../assets.ts';
import type { Child } from './child.ts';
import { handoverEnvironment } from './handover.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';
import type { Supervisor } from './supervisor.ts';

/** How long the new program may take to answer each question, ms. */
const ANSWER_LIMIT_MS = 30_000;
/** How long the admin child may take to end, ms. */
const ADMIN_LIMIT_MS = 3000;

const run = promisify(execFile);

/**
 * Asks the program on disk for its version and whether it takes the configuration.
 *
 * @param file The configuration file.
 * @returns Its version.
 * @throws {TospannError} LB_OPERATION_UPGRADE_REFUSED with what it said.
 */
export async function checkProgram(file: string): Promise<string> {
  const said = await askProgram(['version', '--json']);
  const version = versionIn(said);
  if (version === undefined) throw refused(`it does not say its version: ${said.slice(0, 200)}`);
  await askProgram(['validate', '-c', file]);
  return version;
}

/** Puts the program on disk in this one's place; returns only if that is refused by the system. */
export async function replaceProgram(supervisor: Supervisor): Promise<never> {
  const { slots, listeners, predecessors } = supervisor;
  // The control socket must be free for the next one.
  slots.admin.close();
  slots.admin.child?.send({ type: 'stop' });
  if ((await slots.admin.child?.ended(ADMIN_LIMIT_MS)) === false) slots.admin.child?.kill('SIGKILL');
  for (const slot of [slots.proxy, slots.vrrp]) slot.close();
  const proxies = [slots.proxy.child, ...supervisor.retiring];
  for (const child of [...proxies, slots.vrrp.child]) await child?.deliver({ type: 'outlive' });
  const proxy = identity(slots.proxy.child);
  const vrrp = identity(slots.vrrp.child);
  const env = handoverEnvironment({
    listeners: listeners.list(),
    ...(proxy === undefined ? {} : { proxy }),
    ...(vrrp === undefined ? {} : { vrrp }),
    owned: supervisor.owned,
    draining: [...[...supervisor.retiring].flatMap((child) => identity(child) ?? []), ...predecessors.alive],
  });
  const { file, args } = ownCommand();
  process.execve!(file, [file, ...args, ...process.argv.slice(2)], env);
  throw new Error('execve has returned');
}

function identity(child: Child | undefined): ProcessIdentity | undefined {
  return child === undefined || child.gone ? undefined : identityOf(child.pid);
}

async function askProgram(question: readonly string[]): Promise<string> {
  const { file, args } = ownCommand();
  try {
    const { stdout } = await run(file, [...args, ...question], { timeout: ANSWER_LIMIT_MS, maxBuffer: 1 << 20 });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string }; // of execFile
    throw refused(`"${question[0]}" failed: ${(stderr ?? '').trim() || message}`, error);
  }
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
