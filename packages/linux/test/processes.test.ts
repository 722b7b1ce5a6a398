// Replacing a program and holding the signals of one that does, against the real kernel.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { closeFd, makeMemoryFile, readMemoryFile, replaceProgram } from '../src/index.ts';

const index = new URL('../src/index.ts', import.meta.url).href;
const node = [
  process.execPath,
  '--experimental-ffi',
  '--conditions=@tospann/source',
  '--no-warnings',
  '--input-type=module',
];

async function run(program: string): Promise<string> {
  const child = spawn(node[0] ?? '', [...node.slice(1), '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return `${said}${signal ?? code}`;
}

it('makeMemoryFile() holds text of any length for readMemoryFile()', () => {
  const text = 'größer als eine Umgebungsvariable\n'.repeat(10_000);
  const fd = makeMemoryFile('test', text);
  expect(readMemoryFile(fd)).toBe(text);
  expect(readMemoryFile(fd)).toBe(text);
  closeFd(fd);
});

it('replaceProgram() throws and leaves this program as it was when the kernel refuses', () => {
  const missing = { file: '/nonexistent/program', args: ['program'], env: {} };
  expect(() => replaceProgram(missing)).toThrow(
    expect.objectContaining({ params: expect.objectContaining({ errno: 'ENOENT' }) }),
  );
  const tooMuch = { file: process.execPath, args: ['node'], env: { LONG: 'x'.repeat(200_000) } };
  expect(() => replaceProgram(tooMuch)).toThrow(
    expect.objectContaining({ params: expect.objectContaining({ errno: 'E2BIG' }) }),
  );
});

it('replaceProgram() hands arguments, environment and a memory file on', async () => {
  const next = `const { readMemoryFile } = await import('${index}'); console.log(readMemoryFile(Number(process.env.FD)), process.argv.slice(-2).join())`;
  const said = await run(`
    const { keepOnExec, makeMemoryFile, replaceProgram } = await import('${index}');
    const fd = makeMemoryFile('t', 'left behind');
    keepOnExec(fd, true);
    const args = ${JSON.stringify([...node, '-e', next, 'one', 'zwei ü'])};
    replaceProgram({ file: args[0], args, env: { FD: String(fd) } });`);
  expect(said).toBe('left behind one,zwei ü\n0');
});

it('holdSignals() keeps each signal of a process that replaces its program until its handlers stand', async () => {
  const second = `
    import { releaseSignals } from '${index}';
    const got = new Set();
    const end = () => got.size === 3 && (console.log([...got].toSorted().join()), process.exit());
    for (const name of ['SIGHUP', 'SIGUSR2', 'SIGTERM']) process.on(name, () => { got.add(name); end(); });
    setInterval(() => undefined, 1000);
    releaseSignals();`;
  const holder = `
    import { holdSignals } from '${index}';
    const why = holdSignals({ pid: process.ppid, signals: [1, 12, 15], limitSeconds: 30, holding: () => process.stdout.write('holding') });
    if (why) process.stdout.write(why);`;
  const said = await run(`
    import { spawn } from 'node:child_process';
    const { allowHolder, replaceProgram } = await import('${index}');
    const args = ${JSON.stringify(node)};
    const holder = spawn(args[0], [...args.slice(1), '-e', ${JSON.stringify(holder)}], { stdio: ['ignore', 'pipe', 'inherit'] });
    allowHolder(holder.pid);
    holder.stdout.once('data', (text) => {
      if (String(text) !== 'holding') { console.log(String(text)); process.exit(1); }
      // From now on nobody here takes them: they would end this process, and so they would the next program.
      for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGTERM']) process.kill(process.pid, signal);
      replaceProgram({ file: args[0], args: [...args, '-e', ${JSON.stringify(second)}], env: process.env });
    });`);
  expect(said).toBe('SIGHUP,SIGTERM,SIGUSR2\n0');
});

it('confineProcess() takes new programs from every thread with EPERM, and leaves files, sockets and threads', async () => {
  const said = await run(`
    import { spawnSync } from 'node:child_process';
    import { once } from 'node:events';
    import { readFileSync } from 'node:fs';
    import { createServer } from 'node:net';
    import { Worker } from 'node:worker_threads';
    const { confineProcess } = await import('${index}');
    const before = new Worker('import { parentPort } from "worker_threads"; import { spawnSync } from "child_process";' +
      'parentPort.once("message", () => parentPort.postMessage(spawnSync("true").error.code));', { eval: true });
    await once(before, 'online');
    console.log(JSON.stringify(confineProcess()), spawnSync('true').error.code);
    before.postMessage('');
    console.log((await once(before, 'message'))[0], readFileSync('/proc/self/status').length > 0);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    await once(new Worker('', { eval: true }), 'exit');
    process.exit(0);`);
  expect(said).toBe('"" EPERM\nEPERM true\n0');
});
