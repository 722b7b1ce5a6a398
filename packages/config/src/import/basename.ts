// The last part of a path, without node:path: importers are pure.

/** `a/b/c.conf` is `c.conf`. */
export function basename(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? path;
}
