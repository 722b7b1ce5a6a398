// The input of an import as one text, for case files.
import type { ImportInput, ImportSource } from '../src/index.ts';

/** A case's input: blocks that begin with `=== haproxy FILE`, `=== keepalived FILE`, `=== sysctl FILE`, `=== node-address N=A`. */
export function readImport(text: string): ImportInput {
  const sources: Record<string, ImportSource[]> = { haproxy: [], keepalived: [], sysctl: [] };
  const nodeAddresses: Record<string, string> = {};
  for (const block of text.split(/^(?==== )/m)) {
    const [head = '', ...lines] = block.split('\n');
    const [, kind = '', ...rest] = head.split(' ');
    if (kind === 'node-address') {
      for (const pair of rest) nodeAddresses[pair.split('=')[0] ?? ''] = pair.split('=')[1] ?? '';
    } else sources[kind]?.push({ file: rest.join(' '), text: lines.join('\n') });
  }
  const { haproxy = [], keepalived = [], sysctl = [] } = sources;
  return { haproxy, keepalived, sysctl, nodeAddresses };
}
