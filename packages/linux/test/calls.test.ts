// Sockets, waiting, timers, privileges and the ring against the real kernel, on loopback.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  closeFd,
  drainEventFd,
  duplicateFd,
  errnoName,
  findUser,
  isBlocking,
  IoUring,
  localAddress,
  monotonicMs,
  notifySystemd,
  openEventFd,
  openListener,
  Poller,
  probeIoUring,
  RingOp,
  setBlocking,
  signalEventFd,
  TimerFd,
  type CompletionHandler,
} from '../src/index.ts';

const index = new URL('../src/index.ts', import.meta.url).href;

describe('openListener()', () => {
  it('gives a blocking descriptor on a free port, in both families', () => {
    for (const address of ['127.0.0.1', '0.0.0.0', '::1', '::']) {
      const fd = openListener({ address, port: 0 });
      expect(isBlocking(fd)).toBe(true);
      expect(localAddress(fd)).toEqual({ address, port: expect.any(Number) });
      closeFd(fd);
    }
  });

  it('lets IPv4 and IPv6 have the same port', () => {
    const v4 = openListener({ address: '0.0.0.0', port: 0 });
    const v6 = openListener({ address: '::', port: localAddress(v4).port });
    closeFd(v4);
    closeFd(v6);
  });

  it('throws LB_KERNEL_PORT_IN_USE with address and port', () => {
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const taken = localAddress(fd);
    expect(() => openListener(taken)).toThrow(
      expect.objectContaining({ code: 'LB_KERNEL_PORT_IN_USE', params: { address: '127.0.0.1', port: taken.port } }),
    );
    closeFd(fd);
  });

  it('throws LB_KERNEL_ADDRESS_NOT_LOCAL for the address of another machine', () => {
    expect(() => openListener({ address: '198.51.100.7', port: 0 })).toThrow(
      expect.objectContaining({ code: 'LB_KERNEL_ADDRESS_NOT_LOCAL' }),
    );
  });

  it('takes the address of another machine with freeBind, as a VIP is one until this node owns it', () => {
    const fd = openListener({ address: '198.51.100.7', port: 0, freeBind: true });
    expect(localAddress(fd)).toMatchObject({ address: '198.51.100.7' });
    closeFd(fd);
  });

  it('throws LB_KERNEL_NO_CAPABILITY for a low port without the capability', () => {
    // A child that has given up root; the kernel's limit is 1024 unless the machine was tuned.
    const printed = child(`
      const { openListener, dropPrivileges } = await import(${JSON.stringify(index)});
      dropPrivileges(['nobody']);
      try { openListener({ address: '127.0.0.1', port: 81 }); console.log('bound'); } catch (error) { console.log(error.code, error.params.capability); }`);
    expect(['LB_KERNEL_NO_CAPABILITY CAP_NET_BIND_SERVICE', 'bound']).toContain(printed);
  });
});

describe('descriptors', () => {
  it('setBlocking() changes the open file, so its duplicates too', () => {
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const copy = duplicateFd(fd);
    setBlocking(copy, false);
    expect(isBlocking(fd)).toBe(false);
    closeFd(fd);
    closeFd(copy);
    expect(() => isBlocking(copy)).toThrow(/EBADF from fcntl/);
  });

  it('errnoName() knows names and says the number of others', () => {
    expect(errnoName(98)).toBe('EADDRINUSE');
    expect(errnoName(4711)).toBe('errno 4711');
  });
});

describe('Poller', () => {
  it('reports the descriptor that is readable and none at a time-out', () => {
    const idle = openEventFd();
    const busy = openEventFd();
    const poller = new Poller([idle, -1, busy]);
    expect(poller.wait(0)).toBe(0);
    signalEventFd(busy);
    signalEventFd(busy);
    expect(poller.wait(1000)).toBe(1);
    expect([poller.readable(0), poller.readable(1), poller.readable(2)]).toEqual([false, false, true]);
    expect(drainEventFd(busy)).toBe(true);
    expect(drainEventFd(busy)).toBe(false);
    poller.replace(1, busy);
    signalEventFd(busy);
    expect(poller.wait(1000)).toBe(2);
    closeFd(idle);
    closeFd(busy);
  });

  it('waits at least its time-out', () => {
    const before = monotonicMs();
    expect(new Poller([]).wait(12.5)).toBe(0);
    expect(monotonicMs() - before).toBeGreaterThanOrEqual(12.5);
  });
});

describe('TimerFd', () => {
  it('fires at its absolute time, at once for the past, and not when switched off', () => {
    const timer = new TimerFd();
    const poller = new Poller([timer.fd]);
    const at = monotonicMs() + 15;
    timer.setAt(at);
    expect(poller.wait(2000)).toBe(1);
    expect(monotonicMs()).toBeGreaterThanOrEqual(at);
    expect(timer.drain()).toBe(true);
    timer.setAt(0);
    expect(poller.wait(2000)).toBe(1);
    timer.setAt(-1);
    expect(poller.wait(20)).toBe(0);
    expect(timer.drain()).toBe(false);
    closeFd(timer.fd);
  });
});

describe('privileges', () => {
  it('findUser() gives uid and gid, or null', () => {
    expect(findUser('root')).toEqual({ name: 'root', uid: 0, gid: 0 });
    expect(findUser('no-such-user-here')).toBeNull();
  });

  it('dropPrivileges() takes the first user that exists and loses root for good', () => {
    const printed = child(`
      const { dropPrivileges } = await import(${JSON.stringify(index)});
      const user = dropPrivileges(['no-such-user-here', 'nobody']);
      let back = 'refused';
      try { process.setuid(0); back = 'root again'; } catch {}
      console.log(user.name, process.getuid(), process.getgid(), process.getgroups().join(','), back);`);
    expect(printed).toMatch(/^nobody (\d+) (\d+) \2 refused$/);
  });

  it('dropPrivileges() throws LB_KERNEL_NO_USER when none exists', () => {
    const printed = child(`
      const { dropPrivileges } = await import(${JSON.stringify(index)});
      try { dropPrivileges(['no-such-user-here']); } catch (error) { console.log(error.code, process.getuid()); }`);
    expect(printed).toBe('LB_KERNEL_NO_USER 0');
  });

  it('without privileges, raw sockets and address changes throw LB_KERNEL_NO_CAPABILITY', () => {
    const printed = child(`
      const linux = await import(${JSON.stringify(index)});
      linux.dropPrivileges(['nobody']);
      const at = { protocol: 112, interface: 'lo', interfaceIndex: 1, localAddress: '127.0.0.1' };
      const attempts = [
        () => linux.openRawReceiver(at),
        () => linux.openRawSender(at),
        () => linux.openPacketSender(),
        () => new linux.AddressControl().add({ interfaceIndex: 1, address: '127.9.9.9', prefixLength: 32 }),
      ];
      for (const attempt of attempts) {
        try { attempt(); console.log('allowed'); } catch (error) { console.log(error.code, error.params.capability); }
      }`);
    expect(printed.split('\n')).toEqual([
      'LB_KERNEL_NO_CAPABILITY CAP_NET_RAW',
      'LB_KERNEL_NO_CAPABILITY CAP_NET_RAW',
      'LB_KERNEL_NO_CAPABILITY CAP_NET_RAW',
      'LB_KERNEL_NO_CAPABILITY CAP_NET_ADMIN',
    ]);
  });

  it('raiseThread() says what the thread got, without root too', () => {
    const printed = child(`
      const { raiseThread, dropPrivileges } = await import(${JSON.stringify(index)});
      dropPrivileges(['nobody']);
      const got = raiseThread();
      console.log(got.policy, '|', got.detail);`);
    expect(printed).toMatch(/^normal \| SCHED_RR refused: EPERM, nice -20 refused: E(ACCES|PERM)$/);
  });
});

describe('notifySystemd()', () => {
  it('does nothing without a socket and reports one that is gone', () => {
    expect(notifySystemd('READY=1', undefined)).toBe(false);
    expect(notifySystemd('READY=1', '')).toBe(false);
    expect(notifySystemd('READY=1', join(tmpdir(), 'no-such-notify-socket'))).toBe(false);
  });

  it.skipIf(!existsSync('/usr/bin/python3'))('delivers to a datagram socket, also in the abstract namespace', () => {
    // Node has no Unix datagram sockets to listen with.
    const name = `@tospann-test-${process.pid}`;
    const listener = `
import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("\\0" + sys.argv[1][1:]); s.settimeout(20)
subprocess.run(sys.argv[2:], check=True)
print(s.recv(100).decode())`;
    const sender = `import { notifySystemd } from ${JSON.stringify(index)}; notifySystemd('READY=1', ${JSON.stringify(name)});`;
    const command = [process.execPath, ...NODE_FLAGS, '--input-type=module', '-e', sender];
    const printed = execFileSync('/usr/bin/python3', ['-c', listener, name, ...command], { encoding: 'utf8' });
    expect(printed.trim()).toBe('READY=1');
  });
});

describe.skipIf(!probeIoUring().usable)('IoUring', () => {
  it('completes every entry once, in a ring far smaller than their number', () => {
    const ring = new IoUring({ entries: 8, completionEntries: 16 });
    const seen: number[] = [];
    const handler: CompletionHandler = {
      complete(low, high, result) {
        expect([high, result]).toEqual([7, 0]);
        seen.push(low);
      },
    };
    for (let i = 0; i < 100; i++) ring.prepare(RingOp.NOP, -1, 0, 0, 0, i, 7);
    while (seen.length < 100) {
      ring.submitAndWait();
      ring.reap(handler);
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(ring.reap(handler)).toBe(0);
    expect(ring.lostCompletions).toBe(0);
    ring.close();
  });

  it('probeIoUring() says why not when a filter forbids it', () => {
    // The child forbids io_uring_setup to itself by seccomp, as container runtimes do.
    const printed = child(`
      const { libc, addressOf } = await import(${JSON.stringify(new URL('../src/io/libc.ts', import.meta.url).href)});
      const { probeIoUring } = await import(${JSON.stringify(index)});
      const rule = (code, yes, no, k) => [code & 255, code >> 8, yes, no, k & 255, (k >> 8) & 255, (k >> 16) & 255, (k >> 24) & 255];
      const filter = Buffer.from([...rule(0x20, 0, 0, 0), ...rule(0x15, 0, 1, 425), ...rule(6, 0, 0, 0x00050001), ...rule(6, 0, 0, 0x7fff0000)]);
      const program = Buffer.alloc(64);
      program.writeUInt16LE(4, 0);
      program.writeBigUInt64LE(addressOf(filter), 8);
      const { prctl } = libc({ prctl: { arguments: ['i32', 'u64', 'pointer', 'u64', 'u64'], return: 'i32' } });
      if (prctl(38, 1n, null, 0n, 0n) !== 0 || prctl(22, 2n, program, 0n, 0n) !== 0) throw new Error('no seccomp');
      console.log(JSON.stringify(probeIoUring()));`);
    expect(JSON.parse(printed)).toEqual({
      usable: false,
      reason: 'a seccomp profile or security module forbids io_uring_setup',
    });
  });
});

const NODE_FLAGS = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];

/** Runs a module in a Node process of its own, for what cannot be undone, and returns what it printed. */
function child(source: string): string {
  const words = [...NODE_FLAGS, '--input-type=module', '-e', source];
  return execFileSync(process.execPath, words, { encoding: 'utf8' }).trim();
}
