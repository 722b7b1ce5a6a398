// The file of the operators' settings: kept over restarts, never half-written, put aside when it is broken.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServerStore } from './server-store.ts';

const config = {
  backends: [
    {
      name: 'app',
      balance: 'roundrobin' as const,
      servers: ['web1', 'web2'].map((name) => ({ name, address: '192.0.2.1', port: 80, weight: 1 })),
    },
  ],
};

let stateDir: string;
let logged: { event: string; code: string }[];

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'tospann-store-'));
  logged = [];
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

function open(): ServerStore {
  const log = { error: (line: object) => void logged.push(line as { event: string; code: string }) };
  return new ServerStore({ stateDir, log: log as never, wallMs: () => 1000 });
}

test('what was kept is there after a restart', () => {
  open().keep({ backend: 'app', server: 'web1', state: 'drain', weight: 3 }, config);
  expect(open().orders()).toEqual([{ backend: 'app', server: 'web1', state: 'drain', weight: 3 }]);
  expect(logged).toEqual([]);
});

test('a broken file is put aside with a line in the log, and all servers begin as configured', () => {
  open().keep({ backend: 'app', server: 'web1', state: 'drain' }, config);
  const file = join(stateDir, 'servers.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, text.length / 2));
  const store = open();
  expect(store.orders()).toEqual([]);
  expect(logged).toMatchObject([{ event: 'server-settings-lost', code: 'LB_OPERATION_SERVER_SETTINGS' }]);
  expect([existsSync(file), existsSync(`${file}.bad`)]).toEqual([false, true]);
  store.keep({ backend: 'app', server: 'web2', state: 'maint' }, config);
  expect(open().orders()).toHaveLength(1);
});

test.each(['renameSync', 'fsyncSync'])('a node that is killed in %s has its old settings afterwards', (call) => {
  open().keep({ backend: 'app', server: 'web1', state: 'drain' }, config);
  const script = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    fs.${call} = () => process.kill(process.pid, 'SIGKILL');
    syncBuiltinESMExports();
    const { ServerStore } = await import(${JSON.stringify(fileURLToPath(new URL('server-store.ts', import.meta.url)))});
    const store = new ServerStore({ stateDir: ${JSON.stringify(stateDir)}, log: console, wallMs: () => 1000 });
    store.keep({ backend: 'app', server: 'web2', state: 'maint' }, ${JSON.stringify(config)});
    process.exit(7);
  `;
  const ran = spawnSync(process.execPath, ['--conditions=@tospann/source', '--input-type=module', '-e', script]);
  expect(ran.signal, ran.stderr.toString()).toBe('SIGKILL');
  // The temporary file may be left; it is never read.
  expect(readdirSync(stateDir).length).toBeGreaterThanOrEqual(2);
  expect(open().orders()).toEqual([{ backend: 'app', server: 'web1', state: 'drain' }]);
  expect(logged).toEqual([]);
});
