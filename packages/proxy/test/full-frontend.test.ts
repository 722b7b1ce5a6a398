// A full frontend: its count of connections never goes above the maximum, whatever the transport has accepted already,
// on one worker or on two, and everybody gets a place in the end, in the order in which they came.
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { EngineBench, GET, OK } from './engine-bench.ts';
import { Random } from './random.ts';

const MOST = 2;
/** As many accepts as the ring has with the kernel at a time. */
const LATE = 16;

function bench(words?: Int32Array, wakeOthers?: () => void, lateAccepts = LATE): EngineBench {
  return new EngineBench({
    flags: ['one-server', 'max-2', 'log-off'],
    transport: { lateAccepts },
    ...(words === undefined ? {} : { words }),
    ...(wakeOthers === undefined ? {} : { wakeOthers }),
  });
}

function open({ engine, words }: EngineBench): number {
  return words[engine.plan.frontends[0]!.word]!;
}

function held({ engine, words }: EngineBench): number {
  return words[engine.plan.frontends[0]!.word + 1]!;
}

/** The server answers all that it has been asked. */
function answer(one: EngineBench): void {
  for (const { peer } of one.connections) if (peer.take() !== '') peer.write(OK);
  one.transport.settle();
}

describe('a full frontend', () => {
  it('has no more connections than its maximum, though more were accepted, and serves all in their order', () => {
    const one = bench();
    const order: number[] = [];
    const clients = Array.from({ length: 40 }, (_, i) => {
      const client = one.dial();
      client.onChange = (peer) => peer.text !== '' && !order.includes(i) && order.push(i);
      client.write(GET);
      return client;
    });
    one.transport.settle();
    expect(open(one)).toBe(MOST);
    expect(one.engine.openClients).toBe(MOST);
    expect(held(one)).toBe(LATE);
    for (const client of clients) {
      answer(one);
      expect(open(one)).toBeLessThanOrEqual(MOST);
      expect(client.text).toContain('200 OK');
      client.close();
      one.transport.advance(20);
    }
    expect(order).toEqual(clients.map((_, i) => i));
    one.transport.advance(30_000);
    expect([open(one), held(one), one.missingBuffers]).toEqual([0, 0, 0]);
  });

  it('gives up what has left while it was held, and closes what is held when its time is over', () => {
    const one = bench();
    const clients = Array.from({ length: 10 }, () => one.dial());
    one.transport.settle();
    expect(held(one)).toBe(8);
    clients[5]!.close(true);
    one.transport.settle();
    expect(held(one)).toBe(7);
    one.engine.closeAll();
    one.transport.advance(20);
    expect([open(one), held(one), one.engine.openClients]).toEqual([0, 0, 0]);
    expect(clients.filter(({ wasReset }) => wasReset).length).toBe(9);
  });

  it.each([1, 2, 3, 4])('never overshoots over two workers, and starves none of them (seed %i)', (seed) => {
    const random = new Random(seed);
    const both: EngineBench[] = [];
    const wake = (from: number): void => both[1 - from]?.engine.woken();
    both.push(bench(undefined, () => wake(0)));
    both.push(bench(both[0]!.words, () => wake(1)));
    const clients: { readonly peer: MemoryPeer; readonly worker: number }[] = [];
    let served = 0;
    for (let step = 0; step < 600; step++) {
      const worker = random.below(2);
      if (clients.length < 60) {
        const peer = both[worker]!.dial();
        peer.write(GET);
        clients.push({ peer, worker });
      }
      for (const one of both) {
        one.transport.settle();
        expect(open(one)).toBeLessThanOrEqual(MOST);
        answer(one);
      }
      for (const { peer } of clients.filter((client) => client.peer.text.includes('200 OK') && random.chance(0.7))) {
        peer.take();
        peer.close();
        served++;
      }
      for (const one of both) one.transport.advance(10);
    }
    expect(served).toBe(60);
    expect([open(both[0]!), held(both[0]!)]).toEqual([0, 0]);
  });

  it('lets go first whom another worker holds', () => {
    const both: EngineBench[] = [];
    both.push(bench(undefined, () => both[1]!.engine.woken(), 0));
    both.push(bench(both[0]!.words, () => both[0]!.engine.woken()));
    const [busy, other] = both as [EngineBench, EngineBench];
    const clients = Array.from({ length: 2 }, () => busy.dial());
    busy.transport.settle();
    const early = other.dial();
    early.write(GET);
    other.transport.settle();
    expect(held(busy)).toBe(1);
    busy.transport.settle();
    const late = busy.dial(); // stays in the backlog
    late.write(GET);
    busy.transport.settle();
    clients[0]!.close();
    busy.transport.settle();
    other.transport.settle();
    answer(other);
    expect(early.text).toContain('200 OK');
    expect(late.text).toBe('');
  });
});
