// The console's files as the API serves them: body, media type and entity tag; each is read once.
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { ConsoleAsset } from '@tospann/api';
import { consoleFile } from './assets.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.ico': 'image/x-icon',
  '.png': 'image/png',
};

const known = new Map<string, ConsoleAsset>();

/** Finds a file by the path of its URL, with or without the leading slash; undefined when the console has none. */
export function consoleAsset(path: string): ConsoleAsset | undefined {
  const name = path.replace(/^\/+/, '');
  const found = known.get(name);
  if (found !== undefined) return found;
  const body = consoleFile(name);
  if (body === undefined) return undefined;
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const asset = { body, type: types[extname(name)] ?? 'application/octet-stream', etag };
  known.set(name, asset);
  return asset;
}
