// A canary run on the memory transport: worlds of some hundred exchanges, each from one seed. Actors act only when the
// transport has come to rest, so what a server sends behind an answer is known to be nobody's.
import type { PairConfig } from '@tospann/config';
import { Client, Upstream } from '../../src/core/connection.ts';
import type { MemoryPeer } from '../../src/core/memory-transport.ts';
import {
  BackendWord,
  ServerCounter,
  serverCounter,
  serverWord,
  ServerWord,
  sharedLayout,
} from '../../src/core/shared.ts';
import { app, benchConfig, EngineBench, LISTENER, type BenchFlag } from '../engine-bench.ts';
import { Random } from '../random.ts';
import { ClientActor, type Counts, newCounts, type Scene, ServerActor, type Wire } from './actors.ts';

const CLIENTS = 8;
const WORLD = 400;

/** What a run has come to. */
export interface Outcome {
  readonly wrong: string;
  readonly counts: Counts;
}

/** Plays worlds until so many exchanges have begun; stops at the first that is wrong, and says its seed. */
export function playOnMemory(exchanges: number, firstSeed: number, onlyOne = false): Outcome {
  const counts = newCounts();
  let begun = 0;
  for (let seed = firstSeed; begun < exchanges; seed++) {
    const world = new MemoryWorld(seed, Math.min(WORLD, onlyOne ? WORLD : exchanges - begun), counts);
    const wrong = world.play();
    if (wrong !== '') return { wrong: `--transport memory --seed ${seed} --one: ${wrong}`, counts };
    if (onlyOne) break;
    begun += WORLD;
  }
  return { wrong: '', counts };
}

function wireOf(peer: MemoryPeer): Wire {
  return { write: (text) => peer.write(text), end: () => peer.end(), reset: () => peer.close(true) };
}

function listen(peer: MemoryPeer, actor: ClientActor | ServerActor): void {
  let over = false;
  peer.onChange = () => {
    if (over) return;
    const text = peer.take();
    if (text !== '') actor.received(text);
    over = peer.ended || peer.wasReset;
    if (peer.wasReset) actor.broken();
    else if (peer.ended) actor.ended();
  };
}

class MemoryWorld implements Scene {
  readonly random: Random;
  readonly bufferBytes: number;
  readonly lateSurplus = true;
  readonly counts: Counts;
  readonly #bench: EngineBench;
  readonly #flags: readonly BenchFlag[];
  /** What is to be done in which step. */
  readonly #due = new Map<number, (() => void)[]>();
  #step = 0;
  #left: number;
  #number = 0;
  #clients = 0;
  #wrong = '';

  // oxlint-disable-next-line max-params -- a world's seed, size and where it counts
  constructor(seed: number, exchanges: number, counts: Counts) {
    const random = new Random(seed);
    this.random = random;
    this.counts = counts;
    this.#left = exchanges;
    this.#flags = [
      'log-off',
      ...(random.chance(0.7) ? (['server-max-1'] as const) : []),
      ...(random.chance(0.4) ? (['one-server'] as const) : []),
      ...(random.chance(0.1) ? (['server-close'] as const) : []),
      ...(random.chance(0.3) ? (['cookie'] as const) : []),
      ...(random.chance(0.2) ? (['max-2'] as const) : []),
    ];
    this.bufferBytes = random.pick([1024, 4096]);
    const retryOn = random.chance(0.5) ? (['empty', 'timeout', 'bad-answer', 503] as const) : [];
    const limits = random.chance(0.3) ? app({ maxConnections: 1 + random.below(3) }) : (c: PairConfig): PairConfig => c;
    this.#bench = new EngineBench({
      flags: this.#flags,
      random: () => random.next(),
      configure: (config) => limits({ ...config, http: { ...config.http, retryOn } }),
      transport: {
        bufferBytes: this.bufferBytes,
        segmentBytes: random.pick([this.bufferBytes, this.bufferBytes, this.bufferBytes, 700, 61]),
        lateAccepts: random.below(3),
        socketBytes: random.pick([512, 4096, 65_536, 65_536]),
        latePieces: random.below(3),
        receiveBuffers: 128,
        sendBuffers: 128,
      },
    });
    for (const server of [1, 2, 9]) {
      this.#bench.transport.serve({ address: `10.0.0.${server}`, port: 80 }, (peer) => {
        listen(peer, new ServerActor(this, wireOf(peer)));
      });
    }
  }

  later(steps: number, act: () => void): void {
    const step = this.#step + 1 + steps;
    const due = this.#due.get(step) ?? [];
    this.#due.set(step, due);
    due.push(act);
  }

  wrong(what: string): void {
    if (this.#wrong === '') this.#wrong = what;
  }

  nextId(): string | undefined {
    return this.#left-- > 0 ? `x${this.#number++}` : undefined;
  }

  play(): string {
    const { transport } = this.#bench;
    let idle = 0;
    while (this.#left > 0 || this.#clients > 0) {
      this.#step++;
      if (this.#left > 0 && this.#clients < CLIENTS && this.random.chance(0.6)) this.#dial();
      const due = this.#due.get(this.#step) ?? [];
      this.#due.delete(this.#step);
      for (const act of due) {
        act();
        transport.settle();
      }
      // Nobody does anything: those who hang are waited for.
      idle = due.length > 0 ? 0 : idle + 1;
      transport.advance(idle > 6 ? 500 : 1 + this.random.below(3));
      if (this.#wrong !== '') return this.#wrong;
      if (idle > 400) return `${this.#clients} clients never hear of an end`;
    }
    transport.advance(60_000);
    return this.#wrong === '' ? this.#leftOver() : this.#wrong;
  }

  #dial(): void {
    this.#clients++;
    const peer = this.#bench.transport.dial(LISTENER);
    const actor = new ClientActor(this, wireOf(peer), () => this.#clients--);
    listen(peer, actor);
    this.#bench.transport.settle();
    actor.start();
  }

  #leftOver(): string {
    const { engine, counters, missingBuffers, words } = this.#bench;
    if (missingBuffers !== 0) return `${missingBuffers} buffers are missing`;
    if (engine.openClients !== 0) return `${engine.openClients} clients are open`;
    if (engine.queued !== 0) return `${engine.queued} requests are queued`;
    if (engine.tarpitted !== 0) return `${engine.tarpitted} requests are held`;
    for (const { word } of engine.plan.backends) {
      const left = [BackendWord.anyWaiting, BackendWord.queued, BackendWord.inUse].map((which) => words[word + which]);
      if (left.some((count) => count !== 0)) return `a backend has counts left: ${left.join(' ')}`;
    }
    for (const { word } of engine.plan.frontends) if (words[word] !== 0) return `${words[word]} places are lost`;
    const layout = sharedLayout(benchConfig(this.#flags));
    for (const { index } of engine.plan.servers) {
      const at = serverCounter(layout, index);
      const left = [
        words[serverWord(index) + ServerWord.inUse],
        words[serverWord(index) + ServerWord.waiting],
        counters[at + ServerCounter.currentSessions],
        counters[at + ServerCounter.idle],
      ];
      if (left.some((count) => count !== 0)) return `server ${index} has counts left: ${left.join(' ')}`;
    }
    return notAsNew(this.#bench);
  }
}

/** What a connection object that is nobody's has kept of its last user. */
function notAsNew({ engine }: EngineBench): string {
  const { clients, upstreams } = engine.freeConnections;
  const fields = (object: object): string =>
    JSON.stringify(object, (key, value: unknown) =>
      ['frontend', 'server', 'endpoint', 'chunked', 'requestId', 'bytes'].includes(key) ? undefined : value,
    );
  const client = fields(new Client(engine.plan.frontends[0]!));
  const upstream = { ...new Upstream(engine.plan.servers[0]!), partial: null };
  for (const one of clients) if (fields(one) !== client) return `a client's object has kept: ${fields(one)}`;
  for (const one of upstreams) {
    const kept = fields({ ...one, partial: one.partial?.length === 0 ? null : one.partial });
    if (kept !== fields(upstream)) return `an object of a server's connection has kept: ${kept}`;
  }
  return '';
}
