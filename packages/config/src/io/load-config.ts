// Reads a configuration file from disk, bounded and only as UTF-8. Owns the file access; parse.ts does the rest.
import { open } from 'node:fs/promises';
import { TospannError } from '@tospann/errors';
import { MAX_CONFIG_BYTES } from '../document.ts';
import { parseWithPlaces, type ConfigResult } from '../parse.ts';
import { problemAt, sortProblems } from '../problem.ts';
import { checkFiles } from './check-files.ts';

/**
 * Reads and parses a configuration file.
 *
 * @param file Path of a regular file, at most 1 MiB of UTF-8.
 * @returns As `parseConfig`; text that is not UTF-8 is a problem with its place, and a map or error page that cannot
 * be read here a warning.
 * @throws {TospannError} LB_CONFIG_UNREADABLE when there is no such file, no permission, or it is no regular file.
 */
export async function loadConfig(file: string): Promise<ConfigResult> {
  const bytes = await readBounded(file);
  const bad = firstInvalidUtf8(bytes);
  if (bad === undefined) return parseFile(new TextDecoder('utf-8').decode(bytes), file);
  const before = new TextDecoder('utf-8').decode(bytes.subarray(0, bad));
  const byte = (bytes[bad] ?? 0).toString(16).padStart(2, '0');
  const place = { file, line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
  const finding = { severity: 'error', code: 'LB_CONFIG_ENCODING', path: [], at: 'value', params: { byte } } as const;
  return { ok: false, problems: [problemAt(finding, place)], warnings: [] };
}

async function parseFile(text: string, file: string): Promise<ConfigResult> {
  const { result, placed } = parseWithPlaces(text, { file });
  if (!result.ok) return result;
  const more = placed(await checkFiles(text));
  return { ...result, warnings: sortProblems([...result.warnings, ...more]) };
}

async function readBounded(file: string): Promise<Uint8Array> {
  try {
    await using handle = await open(file, 'r');
    const status = await handle.stat();
    if (!status.isFile()) throw new TospannError('LB_CONFIG_UNREADABLE', { file, detail: 'it is not a regular file' });
    // One byte more than allowed, so that parseConfig sees that it is too much.
    const buffer = new Uint8Array(MAX_CONFIG_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } catch (error) {
    if (error instanceof TospannError) throw error;
    throw new TospannError('LB_CONFIG_UNREADABLE', { file, detail: reasonOf(error) }, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

/** Offset of the first byte that begins no valid UTF-8 sequence, or undefined. */
function firstInvalidUtf8(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // Halve: `low` bytes are valid up to a sequence that may be cut, `high` bytes are not valid.
  let low = 0;
  let high = bytes.length;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isUtf8(bytes.subarray(0, middle), true)) low = middle;
    else high = middle;
  }
  return low;
}

function isUtf8(bytes: Uint8Array, mayEndEarly = false): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: mayEndEarly });
    return true;
  } catch {
    return false;
  }
}
