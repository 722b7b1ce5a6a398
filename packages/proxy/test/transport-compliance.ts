// What every transport owes the engine, as tests: the ring, node and memory transports run the same cases. Both ends
// of each connection belong to the transport under test, so that no case depends on another socket implementation.
import { expect, it } from 'vitest';
import { Errno } from '../src/core/transport.ts';
import { Bench, SIZES, StreamCheck, type TransportFactory } from './transport-bench.ts';

export type { ComplianceSizes, TransportFactory, TransportUnderTest } from './transport-bench.ts';

/** Defines the cases for one transport; call it inside `describe`. */
export function transportCompliance(factory: TransportFactory): void {
  connectionCases(factory);
  byteCases(factory);
  closeCases(factory);
  shortageCases(factory);
}

function connectionCases(factory: TransportFactory): void {
  it('accepts on its listener and tells both ends', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(3);
    const client = bench.transport.connect(endpoint);
    await bench.test.run(() => bench.connected.has(client) && bench.accepted.length === 1);
    expect(bench.connected.get(client)).toBe(0);
    expect(bench.accepted[0]?.listener).toBe(3);
    const server = bench.accepted[0]?.handle ?? -1;
    expect(server).not.toBe(client);
    expect(bench.transport.peerAddress(server)).toBe(endpoint.address);
    expect(bench.transport.peerPort(client)).toBe(endpoint.port);
  });

  it('reports a refused connect by its errno, after connect has returned', async () => {
    await using bench = await Bench.open(factory);
    const client = bench.transport.connect(await bench.test.refusedEndpoint());
    expect(bench.connected.size).toBe(0);
    await bench.test.run(() => bench.connected.has(client));
    expect(bench.connected.get(client)).toBe(Errno.ECONNREFUSED);
    bench.transport.close(client, false);
    await bench.test.run(() => bench.closed.includes(client));
    expect(bench.failed.has(client)).toBe(false);
  });

  it('accepts no more after stopListening', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    await bench.pair(endpoint);
    bench.transport.stopListening(0);
    await bench.ticks(2);
    bench.transport.connect(endpoint); // may wait in the backlog or be refused, but is not accepted
    await bench.ticks(3);
    expect(bench.accepted.length).toBe(1);
  });

  it('accepts again what waits when it is told to listen again, at once or later', async () => {
    await using bench = await Bench.open(factory);
    let fd = -1;
    const listen = bench.transport.listen.bind(bench.transport);
    bench.transport.listen = (descriptor, listener) => {
      fd = descriptor;
      listen(descriptor, listener);
    };
    const endpoint = await bench.test.openListener(0);
    for (let round = 1; round <= 6; round++) {
      await bench.pair(endpoint);
      bench.transport.stopListening(0);
      if (round % 2 === 0) await bench.ticks(2);
      bench.transport.listen(fd, 0);
    }
    await bench.ticks(2);
    expect(bench.accepted.length).toBe(6);
  });

  it('ticks while nothing happens, with a clock that grows', async () => {
    await using bench = await Bench.open(factory);
    const before = bench.transport.nowMs();
    await bench.ticks(3);
    expect(bench.tickTimes.toSorted((a, b) => a - b)).toEqual(bench.tickTimes);
    expect(bench.transport.nowMs()).toBeGreaterThan(before);
    const gaps = bench.tickTimes.slice(1).map((at, i) => at - (bench.tickTimes[i] ?? 0));
    // The machine may be busy; ten times the promise is a broken timer.
    for (const gap of gaps) expect(gap).toBeLessThan(bench.transport.tickMs * 10);
  });

  it('calls again once for each time that it is asked, not from inside the call', async () => {
    await using bench = await Bench.open(factory);
    let calls = 0;
    bench.onAgain = () => {
      if (++calls < 3) bench.transport.again();
    };
    bench.transport.again();
    expect(calls).toBe(0);
    await bench.test.run(() => calls === 3);
    await bench.ticks(2);
    expect(calls).toBe(3);
  });

  it('serves many connections at once, each with its own bytes', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    bench.onAccepted = (handle) => bench.transport.receive(handle, true);
    bench.onBytes = (handle) => {
      if (bench.isServer(handle)) bench.echo(handle);
    };
    const clients = Array.from({ length: 150 }, () => bench.transport.connect(endpoint));
    await bench.test.run(() => bench.connected.size === clients.length);
    // In groups: there are fewer send buffers than connections.
    for (let at = 0; at < clients.length; at += 25) {
      const group = clients.slice(at, at + 25);
      for (const client of group) {
        bench.transport.receive(client, true);
        bench.sendText(client, `client ${client}`);
      }
      await bench.test.run(() => group.every((client) => bench.text(client) === `client ${client}`));
    }
    expect(new Set(clients).size).toBe(150);
  });
}

function byteCases(factory: TransportFactory): void {
  it('delivers what was sent, in order, in both directions', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    bench.transport.receive(client, true);
    bench.transport.receive(server, true);
    bench.sendText(client, 'question');
    await bench.test.run(() => bench.text(server) === 'question' && bench.sent.get(client) === 1);
    bench.sendText(server, 'answer');
    await bench.test.run(() => bench.text(client) === 'answer' && bench.sent.get(server) === 1);
  });

  it('receives nothing before receive(handle, true)', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    bench.sendText(client, 'early');
    await bench.ticks(2);
    expect(bench.text(server)).toBe('');
    bench.transport.receive(server, true);
    await bench.test.run(() => bench.text(server) === 'early');
  });

  it('carries megabytes unharmed through pauses of the receiver', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const total = 3_000_000;
    const stream = bench.sendStream(client, total);
    const check = new StreamCheck();
    let events = 0;
    bench.onBytes = (handle, bytes) => {
      check.push(bytes);
      // Off and on again, sometimes at once, sometimes at the next tick.
      if (++events % 5 === 0) bench.transport.receive(handle, false);
      if (events % 10 === 0) bench.transport.receive(handle, true);
    };
    bench.onTick = () => bench.transport.receive(server, true);
    bench.transport.receive(server, true);
    await bench.test.run(() => check.bytes === total);
    expect(check.wrongAt).toBe(-1);
    expect(stream.sentBytes).toBe(total);
  });

  it('loses nothing when much is expected, in the middle of bytes and between pauses', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const total = 3_000_000;
    bench.sendStream(client, total);
    const check = new StreamCheck();
    let events = 0;
    bench.onBytes = (handle, bytes) => {
      check.push(bytes);
      if (++events % 3 === 1) bench.transport.expectMuch(handle);
      if (events % 7 === 0) bench.transport.receive(handle, false);
      if (events % 14 === 0) bench.transport.receive(handle, true);
    };
    bench.onTick = () => bench.transport.receive(server, true);
    bench.transport.receive(server, true);
    await bench.test.run(() => check.bytes === total);
    expect(check.wrongAt).toBe(-1);
  });

  it('stops taking bytes while receiving is off, so that the sender stalls', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const total = 64_000_000; // more than any socket buffer
    const stream = bench.sendStream(client, total);
    const check = new StreamCheck();
    bench.onBytes = (handle, bytes) => {
      check.push(bytes);
      bench.transport.receive(handle, false);
    };
    bench.transport.receive(server, true);
    await bench.test.run(() => check.bytes > 0);
    // Socket buffers fill for a while; what matters is that it ends long before all has been sent.
    let held = -1;
    while (held !== stream.sentBytes) {
      held = stream.sentBytes;
      await bench.ticks(5);
    }
    expect(held).toBeLessThan(total);
    expect(check.wrongAt).toBe(-1);
  });

  it('knows at every piece whether more has come, also behind a full buffer', async () => {
    await using bench = await Bench.open(factory, { bufferBytes: 4096, receiveBuffers: 64, sendBuffers: 64 });
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    for (const total of [100, 4095, 4096, 4097, 8192, 3 * 4096 + 1]) {
      let seen = 0;
      const answers: boolean[] = [];
      bench.onBytes = (handle, bytes) => {
        seen += bytes.length;
        if (handle === server) answers.push(bench.transport.isSilent(server, false));
      };
      bench.sendStream(client, total);
      // All of it lies in the socket before the first is received, or more is still to come: then nothing can be known.
      await bench.test.run(() => (bench.sent.get(client) ?? 0) > 0);
      await bench.ticks(2);
      bench.transport.receive(server, true);
      await bench.test.run(() => seen === total);
      expect(answers.at(-1), `the last of ${total}`).toBe(true);
      expect(answers.slice(0, -1), `all but the last of ${total}`).toEqual(answers.slice(0, -1).map(() => false));
      expect(bench.transport.isSilent(server, true)).toBe(true);
      bench.transport.receive(server, false);
      bench.sent.clear();
      await bench.ticks(1);
    }
  });

  it('knows that FIN or a reset has come before it is told', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    for (const reset of [false, true]) {
      const { client, server } = await bench.pair(endpoint);
      expect(bench.transport.isSilent(server, true)).toBe(true);
      bench.transport.close(client, reset);
      await bench.test.run(() => bench.closed.includes(client));
      await bench.ticks(1);
      expect(bench.transport.isSilent(server, true), reset ? 'reset' : 'FIN').toBe(false);
    }
  });

  it('reports FIN once, after the last bytes, and still sends to that peer', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    bench.transport.receive(client, true);
    bench.sendText(client, 'last words');
    await bench.test.run(() => bench.sent.get(client) === 1);
    bench.transport.shutdownSend(client);
    bench.transport.receive(server, true);
    await bench.test.run(() => bench.ended.includes(server));
    expect(bench.text(server)).toBe('last words');
    bench.sendText(server, 'still here');
    await bench.test.run(() => bench.text(client) === 'still here');
    bench.transport.receive(server, true); // no second FIN from asking again
    await bench.ticks(2);
    expect(bench.ended).toEqual([server]);
    expect(bench.failed.size).toBe(0);
  });
}

function closeCases(factory: TransportFactory): void {
  it('close without reset looks like FIN to the peer; closed comes once', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    bench.transport.receive(client, true);
    bench.transport.receive(server, true);
    await bench.ticks(1);
    bench.transport.close(client, false);
    await bench.test.run(() => bench.ended.includes(server) && bench.closed.includes(client));
    bench.transport.close(server, false);
    await bench.test.run(() => bench.closed.length === 2);
    expect(bench.failed.size).toBe(0);
  });

  it('close with reset looks like ECONNRESET to the peer', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    bench.transport.receive(server, true);
    await bench.ticks(1);
    bench.transport.close(client, true);
    await bench.test.run(() => bench.failed.has(server));
    expect(bench.failed.get(server)).toBe(Errno.ECONNRESET);
    bench.transport.close(server, false);
    await bench.test.run(() => bench.closed.length === 2);
    expect(bench.ended).toEqual([]);
  });

  it('close cancels a send under way: closed follows, sent does not, and no byte of reused memory leaks', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const stream = bench.sendStream(client, 64_000_000);
    await bench.ticks(4); // nobody reads, so by now a send waits in the kernel
    expect(bench.closed).toEqual([]);
    const sentBefore = bench.sent.get(client);
    bench.transport.close(client, false);
    await bench.test.run(() => bench.closed.includes(client));
    expect(bench.sent.get(client)).toBe(sentBefore);
    bench.transport.memory.fill(0xff, stream.offset, stream.offset + bench.transport.bufferBytes);
    const check = new StreamCheck();
    bench.onBytes = (_handle, bytes) => check.push(bytes);
    bench.transport.receive(server, true);
    await bench.test.run(() => bench.ended.includes(server) || bench.failed.has(server));
    expect(check.wrongAt).toBe(-1);
    expect(check.bytes).toBeGreaterThan(0);
  });

  it.each([false, true])('close ends a connect that nobody answers, and its descriptor (reset: %s)', async (reset) => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.silentEndpoint();
    await bench.ticks(1);
    const before = bench.test.descriptors();
    const handles = Array.from({ length: 12 }, () => bench.transport.connect(endpoint));
    await bench.ticks(2);
    expect(bench.connected.size).toBeLessThan(12);
    for (const handle of handles) bench.transport.close(handle, reset);
    await bench.test.run(() => bench.closed.length === 12);
    await bench.ticks(1);
    expect(bench.test.descriptors()).toBe(before);
  });

  it.each([false, true])('close ends a connection after FIN, whatever its peer does (reset: %s)', async (reset) => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    await bench.ticks(1);
    const before = bench.test.descriptors();
    const { client, server } = await bench.pair(endpoint);
    bench.transport.receive(client, true);
    bench.sendText(server, 'the last');
    await bench.test.run(() => bench.sent.get(server) === 1);
    bench.transport.shutdownSend(server);
    bench.transport.close(server, reset);
    bench.sendText(client, 'nobody reads this');
    await bench.test.run(() => bench.closed.includes(server));
    bench.transport.close(client, reset);
    await bench.test.run(() => bench.closed.length === 2);
    await bench.ticks(1);
    expect(bench.test.descriptors()).toBe(before);
  });

  it.each([false, true])('close ends a connection whose peer takes nothing (reset: %s)', async (reset) => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const before = bench.test.descriptors();
    bench.sendStream(client, 64_000_000);
    await bench.ticks(4); // by now a send waits in the kernel
    bench.transport.close(client, reset);
    await bench.test.run(() => bench.closed.includes(client));
    await bench.ticks(1);
    expect(bench.test.descriptors()).toBe(before === 0 ? 0 : before - 1);
    expect(bench.openHandles.has(server)).toBe(true);
  });

  it('close while connecting ends with closed and no connected', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    const client = bench.transport.connect(endpoint);
    bench.transport.close(client, false);
    await bench.test.run(() => bench.closed.includes(client));
    await bench.ticks(2);
    expect(bench.connected.has(client)).toBe(false);
  });

  it('a reused handle sees nothing of its predecessor', async () => {
    await using bench = await Bench.open(factory);
    const endpoint = await bench.test.openListener(0);
    bench.onAccepted = (handle) => {
      bench.transport.receive(handle, true);
      bench.sendText(handle, `for accept ${bench.accepted.length}`);
    };
    bench.onEnded = (handle) => bench.transport.close(handle, false);
    bench.onFailed = (handle) => bench.transport.close(handle, false);
    const used = new Set<number>();
    for (let round = 0; round < 40; round++) {
      const clients = Array.from({ length: 4 }, () => bench.transport.connect(endpoint));
      for (const client of clients) {
        used.add(client);
        bench.bytes.set(client, []);
      }
      await bench.test.run(() => clients.every((client) => bench.connected.has(client)));
      for (const client of clients) {
        bench.transport.receive(client, true);
        bench.sendText(client, `round ${round}`);
      }
      // Cut in the middle of everything: some with reset.
      for (const client of clients) {
        expect(bench.text(client)).toMatch(/^(for accept \d+)?$/);
        bench.transport.close(client, round % 2 === 0);
      }
      await bench.test.run(() => bench.openHandles.size === 0);
    }
    // Dense: handles were used again, not counted up.
    expect(Math.max(...used)).toBeLessThan(16);
  });
}

function shortageCases(factory: TransportFactory): void {
  it('receives no more at a time than it is told, where receives had begun before too, and all of it', async () => {
    await using bench = await Bench.open(factory);
    const { client, server } = await bench.pair(await bench.test.openListener(0));
    const check = new StreamCheck();
    let longest = 0;
    bench.onBytes = (_, bytes) => {
      check.push(bytes);
      longest = Math.max(longest, bytes.length);
    };
    bench.transport.receive(server, true);
    await bench.ticks(2);
    for (const most of [1000, 300, 2000]) {
      bench.transport.receiveAtMost(most);
      await bench.ticks(3);
      longest = 0;
      const before = check.bytes;
      bench.sendStream(client, 20_000, before);
      await bench.test.run(() => check.bytes === before + 20_000);
      expect(longest).toBeLessThanOrEqual(most);
    }
    bench.transport.receiveAtMost(0);
    const before = check.bytes;
    bench.sendStream(client, 20_000, before);
    await bench.test.run(() => check.bytes === before + 20_000);
    expect(check.wrongAt).toBe(-1);
  });

  it('takeBuffer gives -1 when none is free and works again after releaseBuffer of any offset inside', async () => {
    await using bench = await Bench.open(factory);
    const taken = new Set<number>();
    for (let at = bench.transport.takeBuffer(); at >= 0; at = bench.transport.takeBuffer()) {
      expect(at % bench.transport.bufferBytes).toBe(0);
      taken.add(at);
    }
    expect(taken.size).toBe(SIZES.sendBuffers);
    const [one = 0] = taken;
    bench.transport.releaseBuffer(one + 17);
    expect(bench.transport.takeBuffer()).toBe(one);
    expect(bench.transport.takeBuffer()).toBe(-1);
  });

  it('waits when all receive buffers are held, and goes on when they come back', async () => {
    await using bench = await Bench.open(factory, { bufferBytes: 4096, receiveBuffers: 8, sendBuffers: 8 });
    const endpoint = await bench.test.openListener(0);
    const { client: hog, server: hogServer } = await bench.pair(endpoint);
    const { client: other, server: otherServer } = await bench.pair(endpoint);
    const total = 600_000;
    bench.sendStream(hog, total);
    const check = new StreamCheck();
    const held: number[] = [];
    bench.keepBuffers = true;
    bench.onBytes = (handle, bytes, offset) => {
      if (handle === hogServer) check.push(bytes);
      held.push(offset);
    };
    bench.transport.receive(hogServer, true);
    await bench.test.run(() => held.length === 8);
    bench.transport.receive(otherServer, true);
    bench.sendText(other, 'me too');
    await bench.ticks(3);
    expect(held.length).toBe(8);
    bench.onBytes = (handle, bytes) => {
      if (handle === hogServer) check.push(bytes);
    };
    bench.keepBuffers = false;
    for (const offset of held) bench.transport.releaseBuffer(offset);
    await bench.test.run(() => check.bytes === total && bench.text(otherServer) === 'me too');
    expect(check.wrongAt).toBe(-1);
  });
}
