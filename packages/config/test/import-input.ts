// The input of an import as one text, for case files.
import type { ImportInput, ImportSource } from '../src/index.ts';

/** A case's input: blocks that begin with `=== haproxy FILE`, `=== keepalived FILE`, `=== sysctl FILE`, `=== node-address N=A`, `=== env N=V`. */
export function readImport(text: string): ImportInput {
  const sources: Record<string, ImportSource[]> = { haproxy: [], keepalived: [], sysctl: [] };
  const given: Record<string, Record<string, string>> = { 'node-address': {}, env: {} };
  for (const block of text.split(/^(?==== )/m)) {
    const [head = '', ...lines] = block.split('\n');
    const [, kind = '', ...rest] = head.split(' ');
    const pairs = given[kind];
    if (pairs !== undefined) {
      for (const pair of rest) pairs[pair.split('=')[0] ?? ''] = pair.split('=')[1] ?? '';
    } else sources[kind]?.push({ file: rest.join(' '), text: lines.join('\n') });
  }
  const { haproxy = [], keepalived = [], sysctl = [] } = sources;
  return { haproxy, keepalived, sysctl, nodeAddresses: given['node-address'] ?? {}, environment: given['env'] ?? {} };
}
