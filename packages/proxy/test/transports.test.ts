// The same seeded requests, whole and damaged, through the engine on the memory, the node and the ring transport: what
// the server reads and what the client gets is the same, to the byte. A client sends everything and ends its side.
// TOSPANN_SEED and TOSPANN_REQUESTS make other and longer runs (default 2000 requests).
import net from 'node:net';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { generatedCase, readRequest, readResponse } from '@tospann/testing';
import { expect, it } from 'vitest';
import { startProxy } from '../src/index.ts';
import { benchConfig, EngineBench } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const seed = Number(process.env['TOSPANN_SEED'] ?? '1');
const requests = Number(process.env['TOSPANN_REQUESTS'] ?? '2000');
const FLAGS = ['one-server', 'log-off'] as const;
const PATIENCE_MS = 5000;

interface Stage extends AsyncDisposable {
  /** Sends the text, then FIN; tells what the server read and what the client got. */
  play(text: string): Promise<string>;
}

/** A strict server: notes what it reads. */
class PlayedServer {
  seen: string[] = [];

  /** Takes complete requests off the text of a connection; returns what is left, and what to answer. */
  read(text: string, name: string): { rest: string; answer: string; broken: boolean } {
    let rest = text;
    let answer = '';
    while (rest !== '') {
      const result = readRequest(rest);
      if (result.kind === 'invalid') throw new Error(`the server was sent ${result.reason}`);
      if (result.kind === 'incomplete') break;
      const { start, fields, body, length } = result.message;
      rest = rest.slice(length);
      const told = fields
        .filter(([field]) => field.toLowerCase() !== 'x-forwarded-for')
        .map(([field, value]) => `${field}: ${value === name ? 'the server' : value}`);
      this.seen.push(JSON.stringify([start, told, body]));
      const content = start[0] === 'HEAD' ? '' : 'ok';
      answer += `HTTP/1.1 200 OK\r\nX-Target: ${start[1].slice(0, 80)}\r\nContent-Length: 2\r\nX-Method: ${start[0]}\r\n\r\n${content}`;
    }
    return { rest, answer, broken: false };
  }

  take(answers: string): string {
    const seen = this.seen.splice(0);
    return `server: ${seen.join(' ')}\nclient: ${answersIn(answers)}`;
  }
}

function answersIn(text: string): string {
  const answers = [];
  let rest = text;
  while (rest !== '') {
    const head = readResponse(rest, true);
    const toHead = head.kind === 'message' && head.message.fields.some(([n, v]) => n === 'X-Method' && v === 'HEAD');
    const result = readResponse(rest, toHead);
    if (result.kind !== 'message') return [...answers, `${result.kind}: ${rest}`].join(', ');
    answers.push(`${result.message.start[1]} ${result.message.body}`);
    rest = rest.slice(result.message.length);
  }
  return answers.join(', ');
}

function onMemory(): Stage {
  const sizes = { bufferBytes: 16_384, receiveBuffers: 16, sendBuffers: 16, socketBytes: 1 << 20 };
  const bench = new EngineBench({ flags: [...FLAGS], transport: sizes });
  const played = new PlayedServer();
  bench.transport.serve({ address: '10.0.0.1', port: 80 }, (peer) => {
    peer.onChange = () => {
      const { rest, answer } = played.read(peer.text, '10.0.0.1:80');
      peer.text = rest;
      if (answer !== '') peer.write(answer);
      if (peer.ended) peer.close();
    };
  });
  return {
    async play(text) {
      const client = bench.dial();
      client.write(text);
      client.end();
      bench.transport.settle();
      if (!client.ended && !client.wasReset) bench.transport.advance(6000);
      const { text: answers } = client;
      client.close();
      bench.transport.advance(20);
      return await Promise.resolve(played.take(answers));
    },
    async [Symbol.asyncDispose]() {
      bench.transport.advance(30_000);
      expect(bench.missingBuffers).toBe(0);
      await Promise.resolve();
    },
  };
}

async function onSockets(engine: 'ring' | 'node'): Promise<Stage> {
  const played = new PlayedServer();
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: false, noDelay: true }, (socket) => {
    let text = '';
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      const { rest, answer } = played.read(text + bytes.toString('latin1'), name);
      text = rest;
      if (answer !== '') socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo; // a TCP server that listens
  const name = `127.0.0.1:${port}`;
  const config = benchConfig(FLAGS);
  const [app, ...others] = config.backends;
  const fd = openListener({ address: '127.0.0.1', port: 0 });
  const service = startProxy({
    config: {
      ...config,
      backends: [{ ...app!, servers: [{ ...app!.servers[0]!, address: '127.0.0.1', port }] }, ...others],
      proxy: { engine, threads: 1, user: '' },
    },
    listeners: [{ frontend: 'main', fd }],
    startWorker,
    onEvent: () => undefined,
    log: () => undefined,
    onFatal: (error) => {
      throw error;
    },
    buffers: 64,
  });
  await service.ready;
  return {
    play: async (text) => played.take(await converse(localAddress(fd).port, text)),
    async [Symbol.asyncDispose]() {
      await service.close();
      server.close();
      for (const socket of open) socket.destroy();
      closeFd(fd);
    },
  };
}

async function converse(port: number, text: string): Promise<string> {
  return await new Promise((resolve) => {
    let received = '';
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const over = (): void => {
      clearTimeout(timer);
      socket.destroy();
      // What was sent to the server before the client's end is read in this turn of the loop or the next.
      setImmediate(() => setImmediate(() => resolve(received)));
    };
    const timer = setTimeout(over, PATIENCE_MS);
    socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    socket.on('end', over).on('error', over);
    socket.end(Buffer.from(text, 'latin1'));
  });
}

it(`ends ${requests} generated requests alike on every transport (seed ${seed})`, { timeout: 600_000 }, async () => {
  await using memory = onMemory();
  await using node = await onSockets('node');
  const ringThere = probeIoUring().usable;
  await using ring = ringThere ? await onSockets('ring') : onMemory();
  let sent = 0;
  let forwarded = 0;
  for (let number = 0; sent < requests; number++) {
    const generated = generatedCase(seed, number);
    const text = generated.text + generated.sentinel;
    sent += generated.requests;
    const [wanted, ...got] = await Promise.all([memory.play(text), node.play(text), ring.play(text)]);
    if (wanted.includes('200 ok')) forwarded += 1;
    for (const [i, outcome] of got.entries()) {
      if (outcome !== wanted)
        expect(outcome, `${['node', 'ring'][i]}, case ${number}: ${JSON.stringify(text)}`).toBe(wanted);
    }
  }
  // A run in which nothing came through has compared nothing.
  expect(forwarded).toBeGreaterThan(requests / 20);
});
