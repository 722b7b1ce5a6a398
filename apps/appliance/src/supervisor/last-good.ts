// The text of the configuration that served last, in the state directory: what a start takes when the file is broken. Written
// beside everything else, and whole.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigResult, parseConfig } from '@tospann/config';

const FILE = 'last-good.yaml';

/** Keeps a text, with the place that it came from. @throws What the system says. */
export async function keepLastGood(stateDir: string, origin: string, text: string): Promise<void> {
  const file = join(stateDir, FILE);
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    // It has passwords, as the file may.
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${headOf(origin)}${text}`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** What served last from this file; undefined: nothing is known of it, or this program does not take it. */
export function readLastGood(
  stateDir: string,
  origin: string,
): Extract<ConfigResult, { readonly ok: true }> | undefined {
  const file = join(stateDir, FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // this node has never served, or its disk is gone
  }
  const head = headOf(origin);
  if (!text.startsWith(head)) return undefined;
  const read = parseConfig(text.slice(head.length), { file });
  return read.ok ? read : undefined;
}

function headOf(origin: string): string {
  return `# Kept by tospann: what served last from ${JSON.stringify(origin)}. Do not edit: it is written anew.\n`;
}
