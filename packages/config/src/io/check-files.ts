// Whether the files that a configuration names can be read on this machine: maps and error pages. Only warnings: the
// engine goes on without a map's entries and with its own page, and the file may be on its way to this node.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { readDocument, type Raw, type RawMap } from '../document.ts';
import { isRawMap } from '../document.ts';
import { warningAt } from '../lint/finding.ts';
import type { Finding, Path } from '../problem.ts';
import { formatSize } from '../units.ts';

/** Larger pages are not meant for an error, and each is kept in memory. */
const MAX_PAGE_BYTES = 64 * 1024;

interface NamedFile {
  readonly path: Path;
  readonly file: string;
  /** Absent: any size. */
  readonly maxBytes?: number;
}

/** Looks at the files that the text of a valid configuration names. */
export async function checkFiles(text: string): Promise<Finding[]> {
  const root = readDocument(text).document?.root;
  if (!isRawMap(root)) return [];
  const findings = await Promise.all(namedFiles(root).map(checkFile));
  return findings.flatMap((finding) => finding ?? []);
}

function namedFiles(root: RawMap): NamedFile[] {
  const pages = (owner: Raw | undefined, path: Path): NamedFile[] =>
    texts(isRawMap(owner) ? owner['errorPages'] : undefined).map(([status, file]) => ({
      path: [...path, 'errorPages', status],
      file,
      maxBytes: MAX_PAGE_BYTES,
    }));
  return [
    ...pages(root['http'], ['http']),
    ...children(root['frontends']).flatMap(([name, frontend]) => pages(frontend, ['frontends', name])),
    ...children(root['maps']).flatMap(([name, map]) =>
      texts(map)
        .filter(([key]) => key === 'file')
        .map(([key, file]) => ({ path: ['maps', name, key], file })),
    ),
  ];
}

function children(raw: Raw | undefined): [string, Raw][] {
  return isRawMap(raw) ? Object.entries(raw) : [];
}

function texts(raw: Raw | undefined): [string, string][] {
  return children(raw).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as [string, string]] : []));
}

async function checkFile({ path, file, maxBytes }: NamedFile): Promise<Finding | undefined> {
  const detail = await problemOf(file, maxBytes);
  return detail === undefined ? undefined : { ...warningAt(path, 'LB_CONFIG_FILE', { file, detail }), at: 'value' };
}

async function problemOf(file: string, maxBytes: number | undefined): Promise<string | undefined> {
  try {
    const status = await stat(file);
    if (!status.isFile()) return 'it is not a regular file';
    if (maxBytes !== undefined && status.size > maxBytes) return `it is larger than ${formatSize(maxBytes)}`;
    await access(file, constants.R_OK);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const known: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      ENOTDIR: 'there is no such file',
      EACCES: 'permission denied',
    };
    return Object.hasOwn(known, code) ? known[code] : `it cannot be opened (${code})`;
  }
}
