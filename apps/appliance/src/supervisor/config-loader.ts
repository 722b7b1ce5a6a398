// Reads a configuration away from the supervisor's loop: a process of this program in the role of a reader, with a deadline. A file
// that takes minutes, or all memory, costs that process and nothing else.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type ConfigResult, loadConfig, parseConfig } from '@tospann/config';
import { isTospannError, TospannError } from '@tospann/errors';
import { ownCommand } from '../assets.ts';
import { outJson } from '../cli/exit.ts';

/** A file of the largest size takes a tenth of it on a slow machine, ms. */
const LIMIT_MS = 30_000;
/** Of what the reader answers: a configuration and its text are far smaller. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

/** A configuration that was read, with its text if that is still what was read. */
export type Loaded = ConfigResult & { readonly text?: string | undefined };

interface Refusal {
  readonly ok: 'error';
  readonly detail: string;
}

/**
 * As `loadConfig`, by another process.
 *
 * @throws {TospannError} LB_CONFIG_UNREADABLE, also when it takes too long.
 */
export async function loadAway(file: string): Promise<Loaded> {
  const { file: command, args } = ownCommand();
  const options = {
    env: { ...process.env, TOSPANN_ROLE: 'reader' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: ANSWER_LIMIT_BYTES,
  } as const;
  const answer = await new Promise<string>((resolve, reject) => {
    execFile(command, [...args, file], options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const detail = error.killed === true ? `it takes longer than ${LIMIT_MS / 1000} s` : error.message;
      reject(new TospannError('LB_CONFIG_UNREADABLE', { file, detail }, { cause: error }));
    });
  });
  const loaded = JSON.parse(answer) as Loaded | Refusal; // written by runReader
  if (loaded.ok === 'error') throw new TospannError('LB_CONFIG_UNREADABLE', { file, detail: loaded.detail });
  return loaded;
}

/** The process in this role: the file is its last argument. */
export async function runReader(): Promise<void> {
  const file = process.argv.at(-1) ?? '';
  try {
    const loaded = await loadConfig(file);
    const text = loaded.ok ? textOf(file, loaded.config.hash) : undefined;
    outJson({ ...loaded, text } satisfies Loaded);
  } catch (error) {
    const detail = isTospannError(error) ? String(error.params['detail'] ?? error.message) : String(error);
    outJson({ ok: 'error', detail } satisfies Refusal);
  }
}

/** The text of a file that was read a moment ago; undefined when it has changed since. */
function textOf(file: string, hash: string): string | undefined {
  const text = readFileSync(file, 'utf8');
  const again = parseConfig(text, { file });
  return again.ok && again.config.hash === hash ? text : undefined;
}
