// What is compared of one request at HAProxy and at Tospann: who answered, with which status, what reached the server and
// what came back. Fields that belong to one connection, or that differ with the time, are left out.
import type { Seen } from './import-wire.ts';

export interface ImportDifference {
  /** `backend`, `server`, `status`, `target`, `request NAME` or `response NAME`. */
  readonly kind: string;
  readonly haproxy: string;
  readonly tospann: string;
}

const NOT_REQUEST = /^(?:connection|content-length|transfer-encoding)$/;
const NOT_RESPONSE = /^(?:connection|keep-alive|date|content-length|transfer-encoding)$/;

/** All differences of two outcomes. */
export function compareSeen(haproxy: Seen, tospann: Seen): ImportDifference[] {
  const differences: ImportDifference[] = [];
  const compare = (kind: string, left: string, right: string): void => {
    if (left !== right) differences.push({ kind, haproxy: left, tospann: right });
  };
  compare('status', String(haproxy.status), String(tospann.status));
  compare('backend', haproxy.server.replace(/\..*/, ''), tospann.server.replace(/\..*/, ''));
  if (haproxy.status !== tospann.status) return differences;
  compare('server', haproxy.server, tospann.server);
  if ((haproxy.server === '') !== (tospann.server === '')) return differences;
  compare('target', `${haproxy.method} ${haproxy.target}`, `${tospann.method} ${tospann.target}`);
  compareFields(
    'request',
    { left: haproxy.requestFields, right: tospann.requestFields, ignored: NOT_REQUEST },
    compare,
  );
  compareFields(
    'response',
    { left: haproxy.responseFields, right: tospann.responseFields, ignored: NOT_RESPONSE },
    compare,
  );
  return differences;
}

function compareFields(
  what: string,
  fields: {
    readonly left: ReadonlyMap<string, string>;
    readonly right: ReadonlyMap<string, string>;
    readonly ignored: RegExp;
  },
  compare: (kind: string, left: string, right: string) => void,
): void {
  const names = new Set([...fields.left.keys(), ...fields.right.keys()]);
  for (const name of names) {
    if (fields.ignored.test(name)) continue;
    compare(`${what} ${name}`, fields.left.get(name) ?? '(none)', fields.right.get(name) ?? '(none)');
  }
}
