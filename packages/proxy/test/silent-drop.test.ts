// What silent-drop looks like from another network: a client, a router and the proxy in namespaces of their own. Counts
// what reaches the client. Needs root. Everything is removed at the end.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PORT = 24_080;
const [CLIENT, ROUTER, PROXY] = ['c', 'r', 'p'].map((name) => `tD-${process.pid}${name}`) as [string, string, string];

const CONFIG = `version: 1
cluster:
  name: drop
  nodes: { lb1: { address: 10.98.1.2, interface: up0 }, lb2: { address: 10.98.1.3, interface: up0 } }
frontends:
  main:
    bind: ["*:${PORT}"]
    acls: { drop: { pathExact: [/drop] } }
    rules: [{ if: drop, silentDrop: true }, { deny: true }]
    defaultBackend: app
backends: { app: { servers: { web1: { address: 10.98.1.3:80 } } } }
log: { access: { enabled: false } }
proxy: { engine: ENGINE, threads: 1, user: nobody }
`;

const run = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const inside = (space: string, ...command: readonly string[]): string => run('ip', 'netns', 'exec', space, ...command);

function buildNetwork(stack: AsyncDisposableStack): void {
  for (const space of [CLIENT, ROUTER, PROXY]) {
    run('ip', 'netns', 'add', space);
    stack.defer(() => void run('ip', 'netns', 'del', space));
    inside(space, 'ip', 'link', 'set', 'lo', 'up');
  }
  for (const [i, space] of [CLIENT, PROXY].entries()) {
    run('ip', '-n', ROUTER, 'link', 'add', `to${i}`, 'type', 'veth', 'peer', 'name', 'up0', 'netns', space);
    run('ip', '-n', ROUTER, 'addr', 'add', `10.98.${i}.1/24`, 'dev', `to${i}`);
    run('ip', '-n', space, 'addr', 'add', `10.98.${i}.2/24`, 'dev', 'up0');
    run('ip', '-n', ROUTER, 'link', 'set', `to${i}`, 'up');
    run('ip', '-n', space, 'link', 'set', 'up0', 'up');
    run('ip', '-n', space, 'route', 'add', 'default', 'via', `10.98.${i}.1`);
  }
  inside(ROUTER, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const space of [CLIENT, ROUTER]) {
    const ends = `tcp sport ${PORT} tcp flags & (fin | rst) != 0 counter;`;
    const chain = `chain seen { type filter hook prerouting priority 0; ${ends} }; `;
    inside(space, 'nft', `add table ip seen { ${chain} }`);
  }
}

/** FIN and RST packets of the proxy that a namespace has got. */
function ends(space: string): number {
  return Number(/packets (\d+)/.exec(inside(space, 'nft', 'list', 'table', 'ip', 'seen'))?.[1]);
}

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error('it did not happen within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function start(stack: AsyncDisposableStack, space: string, command: readonly string[]): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', space, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  stack.defer(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  return child;
}

/** A client that asks and then waits, without a word, for whatever comes. */
function ask(stack: AsyncDisposableStack, path: string): void {
  const request = `GET ${path} HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n`;
  const script = `exec 3<>/dev/tcp/10.98.1.2/${PORT}; printf '${request}' >&3; exec sleep 120`;
  start(stack, CLIENT, ['bash', '-c', script]);
}

it.each(['ring', 'node'])('a client behind a router hears nothing of a silent drop (%s)', async (engine) => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tospann-drop-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  buildNetwork(stack);
  const file = join(folder, 'tospann.yaml');
  writeFileSync(file, CONFIG.replace('ENGINE', engine));
  const program = fileURLToPath(new URL('run-proxy.ts', import.meta.url));
  const flags = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];
  const proxy = start(stack, PROXY, [process.execPath, ...flags, program, '-c', file]);
  let text = '';
  createInterface({ input: proxy.stderr! }).on('line', (line) => (text += `${line}\n`));
  await until(() => text.includes('"event":"ready"') || proxy.exitCode !== null);
  expect(text).toContain('"event":"ready"');

  ask(stack, '/drop');
  await until(() => ends(ROUTER) === 1);
  // Then one that is denied: its FIN comes after anything that was on its way before.
  ask(stack, '/deny');
  await until(() => ends(CLIENT) > 0);
  expect([ends(CLIENT), ends(ROUTER)]).toEqual([1, 2]);
});
