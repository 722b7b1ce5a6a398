// Random traffic on the memory transport: many clients with kept and pipelined requests, servers that answer in every
// framing, pause, cut and die. Whatever happens: every answer belongs to its request and comes in order, no POST is
// executed twice, and at the end nothing is left. A failing seed is printed: SIM_SEED=n replays it, SIM_RUNS=n runs more.
import type { PairConfig } from '@tospann/config';
import { expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { BackendWord, sharedLayout, serverCounter, ServerCounter, serverWord, ServerWord } from '../src/core/shared.ts';
import { app, benchConfig, EngineBench, type BenchFlag } from './engine-bench.ts';
import { Random } from './random.ts';

const RUNS = Number(process.env['SIM_RUNS'] ?? 25);
const ONE_SEED = process.env['SIM_SEED'];

interface Request {
  readonly id: string;
  readonly text: string;
  readonly method: string;
}

/** Cuts complete messages off the front; `body` says how long a head's body is, or -1 for chunked. */
function cutMessages(
  text: string,
  bodyless: (head: string, index: number) => boolean,
): { messages: string[]; rest: string } {
  const messages: string[] = [];
  let rest = text;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return { messages, rest };
    const head = rest.slice(0, headEnd + 4);
    let end = headEnd + 4;
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (/transfer-encoding: chunked/i.test(head)) {
      const last = rest.indexOf('\r\n0\r\n\r\n', headEnd);
      if (last < 0) return { messages, rest };
      end = last + 7;
    } else if (!bodyless(head, messages.length)) end += Number(length ?? 0);
    if (rest.length < end) return { messages, rest };
    messages.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
}

/** A body that says at each of its bytes whose it is. */
function bodyOf(id: string, length: number): string {
  return `${id}.`.repeat(length).slice(0, length);
}

/** The body of a message, of its chunks when it is chunked. */
function bodyIn(message: string): string {
  const headEnd = message.indexOf('\r\n\r\n') + 4;
  if (!/transfer-encoding: chunked/i.test(message.slice(0, headEnd))) return message.slice(headEnd);
  let body = '';
  for (let at = headEnd; ;) {
    const size = parseInt(message.slice(at), 16);
    if (!(size > 0)) return body;
    const from = message.indexOf('\r\n', at) + 2;
    body += message.slice(from, from + size);
    at = from + size + 2;
  }
}

function makeRequest(random: Random, id: string): Request {
  const body = bodyOf(id, random.below(3000) + 1);
  switch (random.below(5)) {
    case 0:
      return {
        id,
        method: 'POST',
        text: `POST /${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      };
    case 1: {
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      return {
        id,
        method: 'POST',
        text: `POST /${id} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
      };
    }
    case 2:
      return { id, method: 'HEAD', text: `HEAD /${id} HTTP/1.1\r\nHost: a\r\n\r\n` };
    default:
      return {
        id,
        method: 'GET',
        text: `GET /${id} HTTP/1.1\r\nHost: a\r\nCookie: a=b; SERVERID=s${random.below(3)}\r\n\r\n`,
      };
  }
}

function makeAnswer(random: Random, id: string, method: string): { text: string; closes: boolean } {
  const body = bodyOf(id, random.below(9000));
  const head = `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\n`;
  const shown = method === 'HEAD' ? '' : body;
  switch (random.below(6)) {
    case 0: {
      if (method === 'HEAD') return { text: `${head}Transfer-Encoding: chunked\r\n\r\n`, closes: false };
      const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
      return { text: `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`, closes: false };
    }
    case 1:
      return { text: `HTTP/1.1 204 No Content\r\nX-Id: ${id}\r\n\r\n`, closes: false };
    case 2:
      if (random.chance(0.3)) {
        return { text: `HTTP/1.1 503 Busy\r\nX-Id: ${id}\r\nContent-Length: 0\r\n\r\n`, closes: false };
      }
      return { text: `HTTP/1.1 103 Early Hints\r\n\r\n${head}Content-Length: 0\r\n\r\n`, closes: false };
    case 3:
      return { text: `${head}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${shown}`, closes: true };
    default:
      return { text: `${head}Content-Length: ${body.length}\r\n\r\n${shown}`, closes: false };
  }
}

/** Balancing, limits and retries of one run. */
function makeConfigure(random: Random): (config: PairConfig) => PairConfig {
  const balances = ['roundrobin', 'leastconn', 'random2', 'first', 'uri', 'source'] as const;
  const backend = {
    balance: balances[random.below(balances.length)]!,
    hash: { wholeUri: false, boundPercent: random.chance(0.5) ? 150 : 0 },
    closeSessionsWhenDown: random.chance(0.3),
    panicPercent: random.chance(0.2) ? 60 : 0,
    ...(random.chance(0.3) ? { slowStartMs: 2000 } : {}),
    ...(random.chance(0.3) ? { maxConnections: 1 + random.below(4) } : {}),
    ...(random.chance(0.2) ? { maxQueue: random.below(4) } : {}),
  };
  const retryOn = random.chance(0.5) ? (['empty', 'timeout', 'bad-answer', 503] as const) : [];
  return (config) => app(backend)({ ...config, http: { ...config.http, retryOn } });
}

/** One client's side of the story. */
class SimulatedClient {
  readonly asked: Request[] = [];
  readonly peer: MemoryPeer;
  answered = 0;
  gone = false;
  constructor(peer: MemoryPeer) {
    this.peer = peer;
  }

  /** Takes complete answers; returns what is wrong with them, or ''. */
  check(): string {
    const next = (index: number): Request | undefined => this.asked[this.answered + index];
    let interims = 0;
    const { messages, rest } = cutMessages(this.peer.text, (head, index) => {
      if (head.startsWith('HTTP/1.1 1')) {
        interims++;
        return true;
      }
      return head.startsWith('HTTP/1.1 204') || next(index - interims)?.method === 'HEAD';
    });
    this.peer.text = rest;
    for (const message of messages) {
      if (message.startsWith('HTTP/1.1 1')) continue;
      const request = this.asked[this.answered++];
      if (request === undefined) return `an answer that nobody asked for: ${message.slice(0, 80)}`;
      const id = /x-id: (\S+)/i.exec(message)?.[1];
      const status = Number(message.slice(9, 12));
      if (id === undefined ? status < 400 : id !== request.id)
        return `asked ${request.id}, got ${message.slice(0, 80)}`;
      if (id === undefined || request.method === 'HEAD') continue;
      const body = bodyIn(message);
      if (body !== bodyOf(id, body.length)) return `the body of ${id} has bytes of others`;
    }
    return '';
  }
}

class Simulation {
  readonly #random: Random;
  readonly #bench: EngineBench;
  readonly #flags: readonly BenchFlag[];
  readonly #clients: SimulatedClient[] = [];
  readonly #executed = new Map<string, number>();
  /** Connections to which each POST has gone, even in part. */
  readonly #sentTo = new Map<string, Set<MemoryPeer>>();
  readonly #pending: (() => void)[] = [];
  #requests = 0;
  #foreign = '';

  constructor(seed: number) {
    this.#random = new Random(seed);
    const random = this.#random;
    this.#flags = [
      ...(random.chance(0.5) ? (['cookie'] as const) : []),
      ...(random.chance(0.3) ? (['server-max-1'] as const) : []),
      ...(random.chance(0.2) ? (['server-close'] as const) : []),
      ...(random.chance(0.3) ? (['small-buffers'] as const) : []),
    ];
    const segmentBytes = [1, 7, 100, 4096][random.below(4)]!;
    const socketBytes = [2048, 65_536][random.below(2)]!;
    // With few of them most of what rests is copied together, and some of it finds no room.
    const few = random.chance(0.5);
    const buffers = few ? { receiveBuffers: 12, sendBuffers: 12 } : { receiveBuffers: 128, sendBuffers: 128 };
    this.#bench = new EngineBench({
      flags: this.#flags,
      configure: makeConfigure(random),
      random: () => random.next(),
      transport: { segmentBytes, socketBytes, ...buffers },
    });
    for (const server of [1, 2, 9]) {
      this.#bench.transport.serve({ address: `10.0.0.${server}`, port: 80 }, (peer) => this.#serve(peer));
    }
  }

  /** Runs; returns what was wrong, or ''. */
  run(): string {
    for (let step = 0; step < 120; step++) {
      const wrong = this.#step();
      if (wrong !== '') return `step ${step}: ${wrong}`;
    }
    for (const client of this.#clients) if (!client.gone) client.peer.close(this.#random.chance(0.5));
    for (const action of this.#pending.splice(0)) action();
    this.#bench.transport.advance(40_000);
    return this.#leftOver();
  }

  // oxlint-disable-next-line complexity -- long: one list of what may happen
  #step(): string {
    const random = this.#random;
    if (random.chance(0.2) && this.#clients.length < 12) this.#clients.push(new SimulatedClient(this.#bench.dial()));
    for (const client of this.#clients) {
      if (client.gone || client.peer.ended || client.peer.wasReset) continue;
      if (random.chance(0.3)) this.#ask(client);
      if (random.chance(0.1)) client.peer.reading = false;
      else if (!client.peer.reading && random.chance(0.5)) client.peer.resume();
      if (random.chance(0.02)) {
        client.gone = true;
        client.peer.close(random.chance(0.5));
      }
    }
    for (const action of this.#pending.splice(0)) {
      if (random.chance(0.7)) action();
      else this.#pending.push(action);
    }
    if (random.chance(0.03)) this.#bench.setUsable(random.below(2), random.chance(0.5));
    this.#bench.transport.advance(random.below(3) * random.below(40) + 1);
    for (const client of this.#clients) {
      const wrong = client.check();
      if (wrong !== '') return wrong;
    }
    if (this.#foreign !== '') return this.#foreign;
    for (const [id, peers] of this.#sentTo) if (peers.size > 1) return `${id} was sent to ${peers.size} servers`;
    for (const [id, count] of this.#executed) if (count > 1) return `${id} was executed ${count} times`;
    return '';
  }

  #ask(client: SimulatedClient): void {
    const request = makeRequest(this.#random, `r${this.#requests++}`);
    client.asked.push(request);
    const cut = this.#random.chance(0.5) ? this.#random.below(request.text.length) : 0;
    client.peer.write(request.text.slice(0, cut));
    if (this.#random.chance(0.5)) this.#bench.transport.settle();
    client.peer.write(request.text.slice(cut));
  }

  #serve(peer: MemoryPeer): void {
    let open = true;
    peer.onChange = () => {
      if (!open || peer.wasReset) return;
      const post = /^POST \/(\S+) /.exec(peer.text)?.[1];
      if (post !== undefined) this.#sentTo.set(post, (this.#sentTo.get(post) ?? new Set()).add(peer));
      const { messages, rest } = cutMessages(peer.text, () => false);
      peer.text = rest;
      if (peer.ended) open = false;
      for (const message of messages) {
        const [method = '', path = ''] = message.split(' ');
        const id = path.slice(1);
        const body = bodyIn(message);
        if (body !== bodyOf(id, body.length)) this.#foreign = `the request ${id} has bytes of others`;
        if (method === 'POST') this.#executed.set(id, (this.#executed.get(id) ?? 0) + 1);
        this.#pending.push(() => {
          if (open) open = this.#answer(peer, id, method);
        });
      }
    };
  }

  /** Answers, or misbehaves; false when the connection is gone. */
  #answer(peer: MemoryPeer, id: string, method: string): boolean {
    const random = this.#random;
    if (random.chance(0.04)) {
      peer.close(random.chance(0.5));
      return false;
    }
    const { text, closes } = makeAnswer(random, id, method);
    if (random.chance(0.04)) {
      peer.write(text.slice(0, random.below(text.length)));
      peer.close(random.chance(0.5));
      return false;
    }
    peer.write(text);
    if (closes) peer.end();
    return !closes;
  }

  #leftOver(): string {
    const { engine, counters, missingBuffers } = this.#bench;
    if (missingBuffers !== 0) return `${missingBuffers} buffers are missing`;
    if (engine.openClients !== 0) return `${engine.openClients} clients are open`;
    if (engine.queued !== 0) return `${engine.queued} requests are queued`;
    const layout = sharedLayout(benchConfig(this.#flags));
    const { words } = this.#bench;
    for (const { word } of engine.plan.backends) {
      const left = [BackendWord.anyWaiting, BackendWord.queued, BackendWord.inUse].map((which) => words[word + which]);
      if (left.some((count) => count !== 0)) return `a backend has counts left: ${left.join(' ')}`;
    }
    for (const server of [0, 1, 2]) {
      const places = words[serverWord(server) + ServerWord.inUse];
      if (places !== 0) return `${places} places at server ${server} are lost`;
      if (words[serverWord(server) + ServerWord.waiting] !== 0) return `server ${server} has waiting requests left`;
      const at = serverCounter(layout, server);
      if (counters[at + ServerCounter.currentSessions] !== 0) return `server ${server} has sessions left`;
      if (counters[at + ServerCounter.idle] !== 0) return `server ${server} has idle connections left`;
    }
    const lines = this.#bench.logLines();
    for (const line of lines) JSON.parse(line);
    return '';
  }
}

it(`random traffic keeps its promises (${ONE_SEED ?? RUNS})`, () => {
  const first = ONE_SEED === undefined ? 1 : Number(ONE_SEED);
  const last = ONE_SEED === undefined ? RUNS : first;
  for (let seed = first; seed <= last; seed++) {
    const wrong = new Simulation(seed).run();
    expect(wrong === '' ? '' : `SIM_SEED=${seed}: ${wrong}`).toBe('');
  }
});
