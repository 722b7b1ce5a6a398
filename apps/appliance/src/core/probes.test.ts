// Which probes follow from a configuration: modes, wildcards, listeners that want a PROXY protocol header.
import type { FrontendConfig } from '@tospann/config';
import { expect, test } from 'vitest';
import { probesOf } from './probes.ts';

function frontend(mode: 'http' | 'tcp', address: string, acceptProxyFrom?: readonly string[]): FrontendConfig {
  return {
    name: 'f',
    binds: [{ address, port: 80, ...(acceptProxyFrom === undefined ? {} : { acceptProxyFrom }) }],
    mode,
    maxConnections: 1,
    acls: [],
    rules: [],
    defaultBackend: 'app',
  };
}

test.each([
  [frontend('http', '0.0.0.0'), { frontend: 'f', host: '127.0.0.1', port: 80, path: '/' }],
  [frontend('tcp', '0.0.0.0'), { frontend: 'f', host: '127.0.0.1', port: 80, path: '/', isStream: true }],
  [
    frontend('http', '10.0.0.1', ['10.0.0.0/24']),
    { frontend: 'f', host: '10.0.0.1', port: 80, path: '/', opening: 'PROXY UNKNOWN\r\n' },
  ],
  [frontend('http', '10.0.0.1', ['10.0.1.0/24']), { frontend: 'f', host: '10.0.0.1', port: 80, path: '/' }],
  [
    frontend('tcp', '10.0.0.1', ['10.0.0.0/24']),
    { frontend: 'f', host: '10.0.0.1', port: 80, path: '/', isStream: true },
  ],
  [
    frontend('tcp', '10.0.0.1', ['0.0.0.0/0']),
    { frontend: 'f', host: '10.0.0.1', port: 80, path: '/', isStream: true, opening: 'PROXY UNKNOWN\r\n' },
  ],
])('probesOf() asks %j as %j', (given, probe) => {
  const config = { frontends: [given], backends: [] } as unknown as Parameters<typeof probesOf>[0]; // the parts it reads
  expect(probesOf(config)).toEqual([probe]);
});
