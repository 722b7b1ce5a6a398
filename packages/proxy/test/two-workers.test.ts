// Two engines that share words and the line of waiting requests, as two workers do, under random traffic: limits hold at
// every step, nobody who waits is overtaken, and nothing is left of what was counted. A failing seed is in the message.
import { expect, it } from 'vitest';
import { lineBytes } from '../src/core/flow/waiting-line.ts';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { BackendWord, HeaderWord, layoutFor, serverWord, ServerWord } from '../src/core/shared.ts';
import { capacityFor } from '../src/core/slots.ts';
import { app, benchConfig, EngineBench, OK } from './engine-bench.ts';

const RUNS = Number(process.env['SIM_RUNS'] ?? 25);

function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

class Pair {
  readonly benches: readonly [EngineBench, EngineBench];
  readonly #below: (limit: number) => number;
  readonly #clients: { readonly peer: MemoryPeer; readonly id: number }[] = [];
  readonly #limit: number;
  readonly #backendLimit: number;
  readonly #oneServer: boolean;
  #asked = 0;
  /** The newest request that a server has got. */
  #newest = -1;

  constructor(seed: number) {
    this.#below = generator(seed);
    this.#limit = this.#below(3);
    this.#backendLimit = this.#limit === 0 ? 1 + this.#below(3) : this.#below(4);
    this.#oneServer = this.#below(2) === 0;
    const flags = this.#oneServer ? (['one-server'] as const) : (['cookie'] as const);
    const config = benchConfig(flags);
    const servers = config.backends[0]!.servers.map((server) => ({ ...server, maxConnections: this.#limit }));
    const configure = app({
      servers,
      balance: this.#below(2) === 0 ? 'roundrobin' : 'leastconn',
      ...(this.#backendLimit > 0 ? { maxConnections: this.#backendLimit } : {}),
    });
    const memory = new SharedArrayBuffer(lineBytes({ ...layoutFor(capacityFor(config)), workers: 2 }));
    const make = (worker: 0 | 1, words?: Int32Array): EngineBench =>
      new EngineBench({
        flags,
        configure,
        line: { memory, worker, workers: 2 },
        wakeOthers: () => undefined, // the other one looks at its next tick
        ...(words === undefined ? {} : { words }),
      });
    const first = make(0);
    this.benches = [first, make(1, first.words)];
  }

  /** Runs; returns what was wrong, or ''. */
  run(): string {
    for (let step = 0; step < 150; step++) {
      const bench = this.benches[this.#below(2)]!;
      this.#act(bench);
      bench.transport.advance(10);
      const wrong = this.#check();
      if (wrong !== '') return `step ${step}: ${wrong}`;
    }
    for (const { peer } of this.#clients) peer.close(true);
    for (let i = 0; i < 400; i++) for (const bench of this.benches) bench.transport.advance(100);
    return this.#leftOver();
  }

  #act(bench: EngineBench): void {
    const what = this.#below(10);
    if (what < 5) {
      const peer = bench.dial();
      const id = this.#asked++;
      const sticky = this.#oneServer || this.#below(3) > 0 ? '' : `Cookie: SERVERID=s${1 + this.#below(2)}\r\n`;
      peer.write(`GET /${id} HTTP/1.1\r\nHost: a\r\n${sticky}\r\n`);
      bench.transport.settle();
      this.#clients.push({ peer, id });
    } else if (what < 8) this.#answer(bench);
    else if (what === 8) this.#clients[this.#below(Math.max(1, this.#clients.length))]?.peer.close(true);
    else if (!this.#oneServer) {
      const server = this.#below(2);
      bench.words[serverWord(server) + ServerWord.usable]! ^= 1;
      bench.words[HeaderWord.generation]! += 1;
    }
  }

  #answer(bench: EngineBench): void {
    const running = bench.connections.filter(({ peer }) => peer.text !== '' && !peer.wasReset);
    const connection = running[this.#below(Math.max(1, running.length))];
    if (connection === undefined) return;
    connection.peer.take();
    connection.peer.write(OK);
    bench.transport.settle();
  }

  #check(): string {
    const { words } = this.benches[0];
    const [backend] = this.benches[0].engine.plan.backends;
    for (const server of backend!.servers) {
      const taken = words[server.word + ServerWord.inUse]!;
      if (taken < 0 || (this.#limit > 0 && taken > this.#limit)) return `${taken} places taken at ${server.name}`;
    }
    const all = words[backend!.word + BackendWord.inUse]!;
    if (all < 0 || (this.#backendLimit > 0 && all > this.#backendLimit)) return `${all} places taken in all`;
    const under = this.benches.flatMap(({ connections }) =>
      connections.filter(({ peer }) => peer.text !== '' && !peer.wasReset && !peer.ended),
    );
    if (this.#backendLimit > 0 && under.length > this.#backendLimit) return `${under.length} requests at servers`;
    if (!this.#oneServer) return '';
    // With one server and no failure each request that begins is newer than those before it.
    const ids = under.map(({ peer }) => Number(/^GET \/(\d+) /.exec(peer.text)?.[1] ?? -1));
    const fresh = ids.filter((id) => id > this.#newest).toSorted((a, b) => a - b);
    for (const id of fresh) {
      const older = this.#waitingBefore(id);
      if (older >= 0) return `${id} was served before ${older}`;
      this.#newest = Math.max(this.#newest, id);
    }
    return '';
  }

  /** An older request that waits still, or -1. */
  #waitingBefore(id: number): number {
    for (const bench of this.benches) {
      for (const client of bench.engine.waiting) {
        if (!client) continue;
        // Entries that have been granted a place are on their way: their worker has not looked yet.
        const line = bench.engine.line;
        if (line.leftInLine(client.queueEntry) && this.#idOf(client.handle, bench) < id)
          return this.#idOf(client.handle, bench);
      }
    }
    return -1;
  }

  #idOf(handle: number, bench: EngineBench): number {
    const client = bench.engine.clients[handle];
    const head = client?.request.head ?? -1;
    if (head < 0) return Infinity;
    const at = bench.engine.ranges.offset[head]!;
    const text = String.fromCharCode(...bench.transport.memory.subarray(at, at + 24));
    return Number(/^GET \/(\d+) /.exec(text)?.[1] ?? Infinity);
  }

  #leftOver(): string {
    const { words } = this.benches[0];
    for (const bench of this.benches) {
      if (bench.engine.queued !== 0) return `${bench.engine.queued} are queued`;
      if (bench.missingBuffers !== 0) return `${bench.missingBuffers} buffers are missing`;
    }
    for (const { word, servers } of this.benches[0].engine.plan.backends) {
      const counts = [BackendWord.anyWaiting, BackendWord.queued, BackendWord.inUse].map(
        (which) => words[word + which],
      );
      for (const server of servers) {
        counts.push(words[server.word + ServerWord.inUse], words[server.word + ServerWord.waiting]);
      }
      if (counts.some((count) => count !== 0)) return `counts are left: ${counts.join(' ')}`;
    }
    return '';
  }
}

it(`two workers share limits and one line (${RUNS} runs)`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const wrong = new Pair(seed).run();
    expect(wrong === '' ? '' : `seed ${seed}: ${wrong}`).toBe('');
  }
});
