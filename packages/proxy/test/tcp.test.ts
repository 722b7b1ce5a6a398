// Mode tcp on the memory transport: choice of the server, queues, refusals; and random traffic with back-pressure and
// faults, in which every byte arrives once and in order or the connection is reset. SIM_SEED=n replays one seed.
import { SELF_PROBE_ADDRESS } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { FrontendCounter, ServerCounter, serverCounter, sharedLayout } from '../src/core/shared.ts';
import { benchConfig, EngineBench, type BenchFlag } from './engine-bench.ts';

function tcpBench(...flags: BenchFlag[]): EngineBench {
  return new EngineBench({ flags: ['tcp', ...flags] });
}

function dial(bench: EngineBench, text = ''): MemoryPeer {
  const client = bench.dial();
  client.write(text);
  bench.transport.settle();
  return client;
}

const WEB1 = { address: '10.0.0.1', port: 80 };

describe('mode tcp', () => {
  it('takes turns among servers, and never uses a connection twice', () => {
    const bench = tcpBench();
    for (let i = 0; i < 4; i++) {
      const client = dial(bench, 'hello');
      const { peer } = bench.connections.at(-1)!;
      client.end();
      peer.end();
      bench.transport.settle();
    }
    expect(bench.connections.map(({ server }) => server)).toEqual(['web1', 'web2', 'web1', 'web2']);
    const layout = sharedLayout(benchConfig(['tcp']));
    expect(bench.counters[serverCounter(layout, 0) + ServerCounter.requestsTotal]).toBe(2);
    expect(bench.counters[serverCounter(layout, 0) + ServerCounter.bytesIn]).toBe(10);
    expect(bench.counters[FrontendCounter.connectionsTotal]).toBe(4);
    expect(bench.counters[FrontendCounter.requestsTotal]).toBe(0);
  });

  it('turns to another server while not a byte has been sent, keeping what the client has said', () => {
    const bench = tcpBench();
    bench.transport.unserve(WEB1);
    const client = dial(bench, 'hello');
    bench.transport.advance(1000);
    expect(bench.connections.map(({ server, peer }) => [server, peer.text])).toEqual([['web2', 'hello']]);
    bench.connections[0]!.peer.close(true);
    bench.transport.settle();
    expect(client.wasReset).toBe(true);
    expect(bench.logLines()[0]).toMatch(/"server":"web2".*"retries":1,"state":"SD"/);
  });

  it('resets the client when every attempt fails, times out, or no server is up', () => {
    const gone = tcpBench('one-server');
    gone.transport.unserve(WEB1);
    const refused = dial(gone, 'hello');
    gone.transport.advance(1000);
    expect(refused.wasReset).toBe(true);
    expect(gone.logLines()[0]).toMatch(
      /"bytesIn":5,"bytesOut":0,"queueMs":0,"connectMs":-1,.*"retries":3,"state":"SC"/,
    );

    const silent = tcpBench('one-server', 'no-retries');
    silent.transport.fault(WEB1, 0);
    const waiting = dial(silent);
    silent.transport.advance(1600);
    expect(waiting.wasReset).toBe(true);
    expect(silent.logLines()[0]).toContain('"state":"sC"');

    const down = tcpBench('one-server');
    down.setUsable(0, false);
    expect(dial(down).wasReset).toBe(true);
    expect(down.logLines()[0]).toMatch(/"server":"","protocol":"tcp".*"queueMs":-1,.*"state":"SC"/);
    for (const bench of [gone, silent, down]) expect([bench.missingBuffers, bench.engine.openClients]).toEqual([0, 0]);
  });

  it('lets sessions over a server limit wait in order, and resets them after the queue time-out', () => {
    const bench = tcpBench('one-server', 'server-max-1');
    const [first, second, third] = [dial(bench, '1'), dial(bench, '2'), dial(bench, '3')];
    const leaving = dial(bench);
    expect(bench.engine.queued).toBe(3);
    leaving.end();
    bench.transport.settle();
    expect([leaving.ended, bench.engine.queued]).toEqual([true, 2]);
    first.end();
    bench.connections[0]!.peer.end();
    bench.transport.settle();
    expect(bench.connections.map(({ peer }) => peer.text)).toEqual(['1', '2']);
    bench.transport.advance(2200);
    expect([second.wasReset, third.wasReset]).toEqual([false, true]);
    const states = bench.logLines().map((line) => /"state":"([^"]*)"/.exec(line)?.[1]);
    expect(states).toEqual(['--', 'sQ']); // who said nothing and left is not logged
  });

  it('passes on a FIN that came before the server was there', () => {
    const bench = tcpBench('one-server');
    const client = bench.dial();
    client.write('all of it');
    client.end();
    bench.transport.settle();
    const { peer } = bench.connections[0]!;
    expect([peer.text, peer.ended]).toEqual(['all of it', true]);
    peer.write('answer');
    peer.end();
    bench.transport.settle();
    expect([client.text, client.ended, client.wasReset]).toEqual(['answer', true, false]);
  });

  it('holds a bounded part of what a client sends while it waits for a server', () => {
    const bench = new EngineBench({ flags: ['tcp', 'one-server', 'server-max-1'], transport: { socketBytes: 4096 } });
    dial(bench);
    const eager = dial(bench, 'x'.repeat(200_000));
    expect(bench.missingBuffers).toBeLessThan(8);
    eager.close(true);
    bench.transport.settle();
    expect([bench.missingBuffers, bench.engine.queued]).toEqual([0, 0]);
  });

  it('lets a session go on that began under a server which is now down', () => {
    const bench = tcpBench('one-server');
    const client = dial(bench, 'a');
    bench.setUsable(0, false);
    client.write('b');
    bench.transport.settle();
    expect(bench.connections[0]!.peer.text).toBe('ab');
  });

  it('counts the bytes of a session while it lasts, each once', () => {
    const bench = tcpBench('one-server');
    const client = dial(bench, '12345');
    bench.transport.advance(1200);
    client.write('678');
    bench.transport.settle();
    expect(bench.counters[FrontendCounter.bytesIn]).toBe(8);
    bench.connections[0]!.peer.write('90');
    bench.connections[0]!.peer.end();
    client.end();
    bench.transport.settle();
    expect([bench.counters[FrontendCounter.bytesIn], bench.counters[FrontendCounter.bytesOut]]).toEqual([8, 2]);
    const next = dial(bench, 'abc');
    next.close(true);
    bench.transport.settle();
    expect(bench.counters[FrontendCounter.bytesIn]).toBe(11);
  });

  it('answers the own probe by itself, without a session at a server', () => {
    const bench = tcpBench('one-server');
    const ask = (): string => {
      const probe = bench.dial(SELF_PROBE_ADDRESS);
      bench.transport.settle();
      probe.close();
      bench.transport.advance(20);
      return probe.text;
    };
    expect(ask()).toBe('ok\n');
    bench.setUsable(0, false);
    expect(ask()).toBe('no server\n');
    expect([bench.connections.length, bench.logLines().length, bench.engine.openClients]).toEqual([0, 0, 0]);
    expect(bench.missingBuffers).toBe(0);
  });

  it('logs a session without a byte only when that is wanted', () => {
    for (const [flags, lines] of [
      [[], 0],
      [['log-empty'], 1],
    ] as const) {
      const bench = tcpBench('one-server', ...flags);
      dial(bench).end();
      bench.transport.settle();
      bench.connections[0]!.peer.end();
      bench.transport.settle();
      expect(bench.engine.openClients).toBe(0);
      expect(bench.logLines().length).toBe(lines);
    }
  });
});

/** A small deterministic generator (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

/** One direction of a session: what was sent is counted, and its n-th byte is known. */
class Flow {
  sent = 0;
  got = 0;
  ended = false;
  readonly #key: number;
  constructor(key: number) {
    this.#key = key;
  }
  next(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#byte(this.sent + i));
    this.sent += length;
    return text;
  }
  /** What is wrong with bytes that have come, or ''. */
  take(text: string): string {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) !== this.#byte(this.got + i)) return `byte ${this.got + i} of flow ${this.#key} is wrong`;
    }
    this.got += text.length;
    return this.got > this.sent ? `flow ${this.#key} has more than was sent` : '';
  }
  #byte(position: number): number {
    return (Math.imul(position + 1, 2_654_435_761) >>> 24) ^ (this.#key & 255);
  }
}

interface Session {
  readonly client: MemoryPeer;
  server: MemoryPeer | undefined;
  readonly up: Flow;
  readonly down: Flow;
  broken: boolean;
}

class StreamSimulation {
  readonly #random: (limit: number) => number;
  readonly #bench: EngineBench;
  readonly #sessions: Session[] = [];

  constructor(seed: number) {
    const random = generator(seed);
    this.#random = random;
    const flags: BenchFlag[] = ['tcp', ...(random(3) === 0 ? (['small-buffers'] as const) : [])];
    this.#bench = new EngineBench({
      flags,
      transport: {
        segmentBytes: [1, 7, 300, 4096][random(4)]!,
        socketBytes: [512, 2048, 65_536][random(3)]!,
        latePieces: random(3),
        receiveBuffers: 128,
        sendBuffers: 32,
      },
    });
  }

  run(): string {
    for (let step = 0; step < 60; step++) {
      if (this.#sessions.length < 8 && this.#random(4) === 0) this.#begin();
      for (const session of this.#sessions) this.#act(session);
      this.#bench.transport.advance(this.#random(20));
      for (const session of this.#sessions) {
        const wrong = check(session);
        if (wrong !== '') return `step ${step}: ${wrong}`;
      }
    }
    return this.#end();
  }

  #begin(): void {
    const key = this.#sessions.length;
    const before = this.#bench.connections.length;
    const client = this.#bench.dial();
    this.#bench.transport.settle();
    const server = this.#bench.connections[before]?.peer;
    this.#sessions.push({ client, server, up: new Flow(key), down: new Flow(key + 100), broken: false });
  }

  #act(session: Session): void {
    const random = this.#random;
    if (session.broken) return;
    const sides = [
      [session.client, session.up],
      [session.server, session.down],
    ] as const;
    for (const [peer, flow] of sides) {
      if (peer === undefined) continue;
      if (!flow.ended && random(2) === 0) peer.write(flow.next(random(4) === 0 ? random(5000) : random(40)));
      if (random(5) === 0) peer.reading = false;
      else if (!peer.reading && random(2) === 0) peer.resume();
      if (!flow.ended && random(40) === 0) {
        flow.ended = true;
        peer.end();
      }
      if (random(150) === 0) {
        session.broken = true;
        peer.close(true);
        return;
      }
    }
  }

  /** Everybody reads and ends: what was sent must arrive, whole. */
  #end(): string {
    for (const { client, server, up, down, broken } of this.#sessions) {
      if (broken) continue;
      for (const peer of [client, server]) peer?.resume();
      if (!up.ended) client.end();
      if (!down.ended) server?.end();
    }
    this.#bench.transport.advance(1000);
    for (const [i, session] of this.#sessions.entries()) {
      const wrong = check(session);
      if (wrong !== '') return wrong;
      const left = atTheEnd(session);
      if (left !== '') return `session ${i}: ${left}`;
    }
    const { missingBuffers, engine } = this.#bench;
    if (missingBuffers !== 0) return `${missingBuffers} buffers are missing`;
    return engine.openClients === 0 ? '' : `${engine.openClients} sessions are left`;
  }
}

/** What is wrong with a session that is over, or ''. */
function atTheEnd({ client, server, up, down, broken }: Session): string {
  const wasReset = client.wasReset || server?.wasReset === true;
  // After a reset: unless both had said their last word, and it was over already.
  if (broken) return wasReset || (up.ended && down.ended) ? '' : 'the reset was not passed on';
  if (wasReset) return 'reset without a reason';
  if (up.got !== up.sent) return `${up.sent - up.got} bytes to the server are missing`;
  if (down.got !== down.sent) return `${down.sent - down.got} bytes to the client are missing`;
  return client.ended && server?.ended === true ? '' : 'a FIN is missing';
}

function check({ client, server, up, down }: Session): string {
  return up.take(server?.take() ?? '') || down.take(client.take());
}

it('random streams arrive whole and in order, or are reset', () => {
  const seed = process.env['SIM_SEED'];
  const first = seed === undefined ? 1 : Number(seed);
  const last = seed === undefined ? Number(process.env['SIM_RUNS'] ?? 25) : first;
  for (let run = first; run <= last; run++) {
    const wrong = new StreamSimulation(run).run();
    expect(wrong === '' ? '' : `SIM_SEED=${run}: ${wrong}`).toBe('');
  }
});
