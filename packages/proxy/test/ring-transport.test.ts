// The ring transport against the compliance suite, and what only it has: its loop, wake-ups and shortages.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { createRingTransport, type RingTransport } from '../src/io/ring-transport.ts';
import type { TransportEvents } from '../src/core/transport.ts';
import { transportCompliance, type ComplianceSizes, type TransportUnderTest } from './transport-compliance.ts';

const LIMIT_MS = 20_000;

describe.skipIf(!probeIoUring().usable)('ring transport', () => {
  transportCompliance(openRing);

  it('calls woken after a signal on wakeFd', () => {
    const transport = createRingTransport({ receiveBuffers: 8, sendBuffers: 8 });
    let woken = 0;
    transport.attach({ ...silent(), woken: () => (++woken === 2 ? transport.stop() : transport.wake()) });
    transport.wake();
    transport.run();
    transport.dispose();
    expect(woken).toBe(2);
  });

  it('keeps far more entries than its submission ring holds', () => {
    const transport = createRingTransport({ receiveBuffers: 8, sendBuffers: 8, entries: 8 });
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    let connected = 0;
    let accepted = 0;
    const done = (): void => {
      if (connected === 300 && accepted === 300) transport.stop();
    };
    transport.attach({
      ...silent(),
      accepted: () => {
        accepted++;
        done();
      },
      connected: (_handle, errno) => {
        expect(errno).toBe(0);
        connected++;
        done();
      },
    });
    transport.listen(fd, 0);
    for (let i = 0; i < 300; i++) transport.connect(localAddress(fd));
    transport.run();
    expect(transport.stats().connections).toBe(600);
    expect(transport.stats()).toMatchObject({ staleCompletions: 0, lostCompletions: 0 });
    transport.dispose();
    closeFd(fd);
  });

  it('takes a connection whose wake-up went to a thread that hangs', () => {
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const [hangs, lives] = [0, 1].map(() => createRingTransport({ receiveBuffers: 8, sendBuffers: 8, tickMs: 2 }));
    let accepted = 0;
    for (const ring of [hangs!, lives!]) {
      ring.attach({ ...silent(), accepted: () => accepted++, tick: () => ring.stop() });
      ring.listen(fd, 0);
      ring.run();
    }
    // The kernel wakes the first waiter: the ring that runs no more.
    lives!.connect(localAddress(fd));
    for (let turn = 0; turn < 200; turn++) lives!.run();
    expect(accepted).toBe(1);
    for (const ring of [hangs!, lives!]) ring.dispose();
    closeFd(fd);
  });

  it('shares the connections of one listener between two rings', () => {
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const rings = [0, 1].map(() => createRingTransport({ receiveBuffers: 8, sendBuffers: 8, tickMs: 2 }));
    const counts = [0, 0];
    for (const [i, ring] of rings.entries()) {
      ring.attach({ ...silent(), accepted: () => (counts[i] = (counts[i] ?? 0) + 1), tick: () => ring.stop() });
      ring.listen(fd, 0);
      ring.run();
    }
    // Each runs for a tick at a time: one thread plays two.
    for (let i = 0; i < 20; i++) {
      rings[0]?.connect(localAddress(fd));
      for (const ring of rings) ring.run();
    }
    for (let i = 0; i < 5; i++) for (const ring of rings) ring.run();
    expect(counts).toEqual([10, 10]);
    for (const ring of rings) ring.dispose();
    closeFd(fd);
  });

  it('survives a full descriptor table: connects fail with EMFILE, accepts wait and go on', () => {
    // In a process of its own with few descriptors left.
    const script = new URL('few-descriptors.ts', import.meta.url);
    const flags = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];
    const printed = execFileSync(process.execPath, [...flags, fileURLToPath(script)], { encoding: 'utf8' });
    const result = JSON.parse(printed) as Record<string, number>;
    expect(result['refusedWithEmfile']).toBeGreaterThan(0);
    expect(result['acceptPauses']).toBeGreaterThan(0);
    expect(result['acceptedWhileFull']).toBeLessThan(result['connected'] ?? 0);
    expect(result['acceptedAtLast']).toBe(result['connected']);
    expect(result['turnsWhileFull']).toBeLessThan(200); // it waits, it does not spin
  });

  it.each([1, 2, 3])('leaves nothing behind after random sends, pauses, cuts and resets (seed %i)', (seed) => {
    const transport = createRingTransport({
      receiveBuffers: 32,
      sendBuffers: 64,
      bufferBytes: 4096,
      tickMs: 2,
      entries: 32,
    });
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const random = seeded(seed);
    const sends = new Map<number, number>();
    let toConnect = 400;
    const act = (handle: number): void => {
      const dice = random(20);
      if (dice < 8 && !sends.has(handle)) {
        const offset = transport.takeBuffer();
        if (offset < 0) return;
        sends.set(handle, offset);
        transport.send(handle, offset, 1 + random(4096), dice < 2);
      } else if (dice < 12) transport.receive(handle, true);
      else if (dice < 14) transport.receive(handle, false);
      else if (dice === 14 && !sends.has(handle)) transport.shutdownSend(handle);
      else if (dice < 17) transport.close(handle, random(2) === 0);
    };
    const open = new Set<number>();
    const begin = (): void => {
      if (toConnect-- <= 0) return;
      const handle = transport.connect(localAddress(fd));
      open.add(handle);
      // Some are closed before they are connected.
      if (random(8) === 0) transport.close(handle, random(2) === 0);
    };
    const freeSend = (handle: number): void => {
      const offset = sends.get(handle);
      if (offset !== undefined) transport.releaseBuffer(offset);
      sends.delete(handle);
    };
    let ticks = 0;
    transport.attach({
      ...silent(),
      accepted: (handle) => {
        open.add(handle);
        act(handle);
      },
      connected: act,
      received: (handle, offset) => {
        transport.releaseBuffer(offset);
        act(handle);
      },
      ended: act,
      failed: (handle) => transport.close(handle, false),
      sent: (handle) => {
        freeSend(handle);
        act(handle);
      },
      closed: (handle) => {
        freeSend(handle);
        open.delete(handle);
        begin();
      },
      tick: () => {
        for (const handle of open) act(handle);
        if (open.size === 0 || ++ticks > 5000) transport.stop();
      },
    });
    transport.listen(fd, 0);
    for (let i = 0; i < 30; i++) begin();
    transport.run();
    expect(transport.stats()).toMatchObject({
      connections: 0,
      freeReceiveBuffers: 32,
      staleCompletions: 0,
      lostCompletions: 0,
    });
    expect(sends.size).toBe(0);
    transport.dispose();
    closeFd(fd);
  });

  it('delivers an early answer before it reports that sending failed', () => {
    const transport = createRingTransport({ receiveBuffers: 64, sendBuffers: 8, tickMs: 5 });
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const log: string[] = [];
    const answer = transport.takeBuffer();
    transport.memory.set(new TextEncoder().encode('413'), answer);
    let server = -1;
    let client = -1;
    const end = (what: string): void => {
      log.push(what);
      transport.stop();
    };
    transport.attach({
      ...silent(),
      accepted: (handle) => {
        server = handle;
        transport.send(server, answer, 3, false);
      },
      // The server leaves with bytes unread behind it, which the kernel answers with RST; the client sends on.
      sent: (handle) => (handle === server ? transport.close(server, false) : transport.send(client, answer, 1, false)),
      connected: () => {
        transport.receive(client, true);
        transport.send(client, answer, 1, false);
      },
      received: (_handle, offset, length) => {
        log.push(new TextDecoder().decode(transport.memory.slice(offset, offset + length)));
        transport.releaseBuffer(offset);
      },
      ended: () => end('ended'),
      failed: () => end('failed'),
    });
    transport.listen(fd, 0);
    client = transport.connect(localAddress(fd));
    transport.run();
    transport.dispose();
    closeFd(fd);
    // A graceful FIN may overtake the RST; the answer comes first in either case.
    expect([
      ['413', 'failed'],
      ['413', 'ended'],
    ]).toContainEqual(log);
  });
});

/** Whole numbers below a limit, the same ones for the same seed. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % limit;
  };
}

function silent(): TransportEvents {
  const nothing = (): void => {};
  return {
    accepted: nothing,
    connected: nothing,
    received: nothing,
    relayed: nothing,
    ended: nothing,
    failed: nothing,
    sent: nothing,
    closed: nothing,
    tick: nothing,
    again: nothing,
    woken: nothing,
  };
}

function openRing(sizes: ComplianceSizes): TransportUnderTest {
  const transport = createRingTransport({ ...sizes, tickMs: 10, entries: 64 });
  const listeners: number[] = [];
  const condition = stopWhen(transport);
  return {
    transport,
    openListener: (listener) => {
      const fd = openListener({ address: '127.0.0.1', port: 0 });
      listeners.push(fd);
      transport.listen(fd, listener);
      return localAddress(fd);
    },
    refusedEndpoint: () => {
      const fd = openListener({ address: '127.0.0.1', port: 0 });
      const endpoint = localAddress(fd);
      closeFd(fd);
      return endpoint;
    },
    silentEndpoint: () => {
      const fd = openListener({ address: '127.0.0.1', port: 0, backlog: 1 });
      listeners.push(fd);
      return localAddress(fd);
    },
    descriptors: () => readdirSync('/proc/self/fd').length,
    run: async (done) => {
      condition.done = done;
      condition.deadlineMs = performance.now() + LIMIT_MS;
      transport.run();
      if (!done()) throw new Error(`not done after ${LIMIT_MS} ms`);
    },
    dispose: () => {
      transport.dispose();
      for (const fd of listeners) closeFd(fd);
    },
  };
}

/** Makes the blocking loop end once a condition holds after an event, or its time is over. */
function stopWhen(transport: RingTransport): { done: () => boolean; deadlineMs: number } {
  const condition = { done: (): boolean => false, deadlineMs: 0 };
  const attach = transport.attach.bind(transport);
  transport.attach = (events) => {
    const checked = Object.entries(events).map(([name, handler]: [string, (...values: number[]) => void]) => [
      name,
      (...values: number[]): void => {
        handler(...values);
        if (condition.done() || performance.now() > condition.deadlineMs) transport.stop();
      },
    ]);
    // The same names with the same arguments, each followed by the check.
    attach(Object.fromEntries(checked) as TransportEvents);
  };
  return condition;
}
