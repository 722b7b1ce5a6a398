// The corpus of hostile and odd messages against the built executable, on the ring and on the node transport: raw
// bytes in, a strict server and a strict client at the ends. Every control, desync and rfc-must case has to pass, of
// the others 95 in 100. With TOSPANN_WRITE_CONFORMANCE=1 it also writes docs/conformance.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type RequestCase, requestCases, type ResponseCase, responseCases } from '@tospann/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { binary, Scratch } from './binary.ts';
import { type Lane, playRequest, playResponse, type Verdict } from './conformance/judge.ts';
import { conformanceReport, type EngineResults } from './conformance/report.ts';
import { Origin } from './conformance/wire.ts';

/** Cases run side by side, each lane with a frontend and a server of its own: most of a case is waiting. */
const LANES = 6;
const ENGINES = ['ring', 'node'] as const;

/** Misses that are accepted, with the reason; none now. Only rfc-should and policy-limit may ever be here. */
const acceptedMisses: Readonly<Record<string, string>> = {};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server that listens
  server.close();
  await once(server, 'close');
  return port;
}

function configuration(engine: string, lanes: readonly Lane[]): string {
  const frontends = lanes.map(({ port }, i) => `  lane${i}: { bind: ["127.0.0.1:${port}"], defaultBackend: lane${i} }`);
  const backends = lanes.map(
    ({ origin }, i) => `  lane${i}: { servers: { origin: { address: "127.0.0.1:${origin.port}" } } }`,
  );
  return `version: 1
cluster: { name: conformance, nodes: { one: { address: 127.0.0.1, interface: lo } } }
frontends:
${frontends.join('\n')}
backends:
${backends.join('\n')}
timeouts: { httpRequest: 3s, client: 3s, server: 3s, connect: 1s }
http: { forwardedFor: {} }
proxy: { engine: ${engine}, threads: 1, user: nobody }
`;
}

/** A running node; ends with its scope. */
async function startNode(scratch: Scratch, file: string): Promise<AsyncDisposable> {
  const directories = ['--run-dir', join(scratch.dir, 'run'), '--state-dir', join(scratch.dir, 'state')];
  const child = spawn(binary, ['run', '-c', file, '--node', 'one', ...directories], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stderr });
  const ready = (async () => {
    for await (const line of lines) if (line.includes('"event":"ready"')) return true;
    return false;
  })();
  if (!(await ready)) throw new Error('the node ended before it was ready');
  child.stderr.resume();
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

type Play = { readonly id: string; readonly run: (lane: Lane) => Promise<Verdict> };

async function playAll(engine: string): Promise<Map<string, Verdict>> {
  using scratch = new Scratch();
  await using stack = new AsyncDisposableStack();
  const lanes: Lane[] = [];
  for (let i = 0; i < LANES; i++) lanes.push({ port: await freePort(), origin: stack.use(await Origin.open()) });
  stack.use(await startNode(scratch, scratch.file('tospann.yaml', configuration(engine, lanes))));
  const waiting: Play[] = [
    ...requestCases().map((c: RequestCase) => ({ id: c.id, run: (lane: Lane) => playRequest(lane, c) })),
    ...responseCases().map((c: ResponseCase) => ({ id: c.id, run: (lane: Lane) => playResponse(lane, c) })),
  ];
  const results = new Map<string, Verdict>();
  const work = async (lane: Lane): Promise<void> => {
    for (let play = waiting.shift(); play !== undefined; play = waiting.shift()) {
      results.set(play.id, await play.run(lane));
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}

const allCases = [...requestCases(), ...responseCases()];
const all: EngineResults[] = [];

describe.each(ENGINES)('the corpus on the %s transport', (engine) => {
  it('meets every control, desync and rfc-must case and 95 in 100 of the others', async () => {
    const results = await playAll(engine);
    all.push({ engine, results });
    expect(results.size).toBe(allCases.length);
    const missed = allCases.filter((c) => (results.get(c.id)?.complaints.length ?? 1) > 0);
    const told = missed.map((c) => `${c.severity} ${c.id}: ${results.get(c.id)?.complaints.join('; ')}`);
    const unexpected = missed.filter((c) => acceptedMisses[c.id] === undefined);
    expect(unexpected.map((c) => told[missed.indexOf(c)])).toEqual([]);
    const soft = (c: { severity: string }): boolean => c.severity === 'rfc-should' || c.severity === 'policy-limit';
    expect(missed.filter((c) => !soft(c)).map((c) => c.id)).toEqual([]);
    expect(missed.length / allCases.filter(soft).length).toBeLessThanOrEqual(0.05);
  });
});

it('ends every case alike on both transports', () => {
  const [ring, node] = all.map(({ results }) => results);
  const differing = allCases.filter((c) => alike(ring?.get(c.id)) !== alike(node?.get(c.id)));
  expect(differing.map((c) => `${c.id}: ${alike(ring?.get(c.id))}, ${alike(node?.get(c.id))}`)).toEqual([]);
});

/** A broken answer is a 502 if nothing of it was sent yet, else it is cut: that depends on how it arrives. */
function alike(verdict: Verdict | undefined): string {
  if (verdict?.verdict === 'abort' || verdict?.verdict === 'bad-gateway') return 'failed';
  return `${verdict?.verdict} ${verdict?.statuses.join()}`;
}

afterAll(() => {
  if (process.env['TOSPANN_WRITE_CONFORMANCE'] !== '1') return;
  const file = fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url));
  writeFileSync(file, conformanceReport(all, acceptedMisses));
});
