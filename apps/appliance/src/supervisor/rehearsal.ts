// `tospann run --rehearse`: everything that a start can fail at before it has a child, tried by a process of the new program
// while the old one still serves, and undone. The supervisor that is about to be replaced asks it; on standard input
// stands the handover. It says on standard output what it can do.
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadConfig, selectNode } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { localAddresses } from '../local-addresses.ts';
import { version } from '../version.ts';
import { Exit, type ExitCode, outJson } from '../cli/exit.ts';
import { sayProblems } from '../cli/validate.ts';
import { readHandover } from './handover.ts';
import { makeDirectory } from './run-dir.ts';

export interface RehearsalOptions {
  readonly config: string;
  readonly node?: string;
  readonly runDir: string;
  readonly stateDir: string;
}

/** What a program that can rehearse says. */
export interface RehearsalReport {
  /** 1: it takes its handover from a file in memory, and has a role that holds signals. */
  readonly rehearsal: number;
  readonly version: string;
}

/** @throws {TospannError} What a start would throw. */
export async function rehearse(options: RehearsalOptions): Promise<ExitCode> {
  const loaded = await loadConfig(options.config);
  if (!loaded.ok) {
    sayProblems(loaded.problems);
    return Exit.configInvalid;
  }
  selectNode(loaded.config, { name: options.node, hostname: hostname(), localAddresses: localAddresses() });
  try {
    readHandover(await text(process.stdin));
  } catch (error) {
    throw new TospannError('LB_OPERATION_UPGRADE_REFUSED', { detail: `the handover: ${String(error)}` });
  }
  makeDirectory(options.runDir, 0o755);
  await trySocket(join(options.runDir, `rehearsal-${process.pid}.sock`));
  outJson({ rehearsal: 1, version } satisfies RehearsalReport);
  return Exit.ok;
}

/** The next admin process opens its control socket in the run directory. */
async function trySocket(path: string): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } catch (error) {
    throw new TospannError('LB_OPERATION_UPGRADE_REFUSED', {
      detail: `no control socket can be made: ${String(error)}`,
    });
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
}
