// Asking a neighbour, finding the default route, and the sockets on an address, against the real kernel: this namespace
// and one behind a veth pair that plays the gateway.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddressControl, defaultRoute, NeighbourQuestion, TcpSockets, type OnLink } from '../src/index.ts';
import { enterNamespace, run } from './namespace.ts';

const gateway = `tB-gw-${process.pid}`;
let leave: () => void;
let onLink: OnLink;

beforeAll(() => {
  leave = enterNamespace();
  run(`ip netns add ${gateway}`);
  run(`ip link add up0 type veth peer name gw0 netns ${gateway}`);
  run('ip addr add 10.98.0.2/24 dev up0');
  run('ip addr add fd98::2/64 dev up0 nodad');
  run('ip link set up0 up');
  for (const command of [
    'ip link set lo up',
    'ip addr add 10.98.0.1/24 dev gw0',
    'ip addr add fd98::1/64 dev gw0 nodad',
    'ip addr add 10.97.0.1/32 dev lo',
    'ip link set gw0 up',
  ])
    inGateway(command);
  run('ip route add default via 10.98.0.9 metric 50');
  run('ip route add default via 10.98.0.1 metric 20');
  run('ip -6 route add default via fd98::1');
  const control = new AddressControl();
  const { index, mac } = control.link('up0');
  control.close();
  onLink = { name: 'up0', index, mac, own: '10.98.0.2' };
});

afterAll(() => {
  run(`ip netns del ${gateway}`);
  leave();
});

function inGateway(command: string): void {
  run(`ip netns exec ${gateway} ${command}`);
}

async function ask(address: string, place?: OnLink, patienceMs = 10_000): Promise<string | undefined> {
  const question = new NeighbourQuestion(address, 4711, place);
  try {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const answer = question.answer();
      if (answer !== undefined || performance.now() > endMs) return answer;
      await sleep(5);
    }
  } finally {
    question.close();
  }
}

describe('defaultRoute()', () => {
  it('is the one with the lowest metric, in each family', () => {
    expect(defaultRoute(4)).toMatchObject({ gateway: '10.98.0.1', interfaceIndex: onLink.index, metric: 20 });
    expect(defaultRoute(6)).toMatchObject({ gateway: 'fd98::1', interfaceIndex: onLink.index });
  });

  it('is undefined without one', () => {
    run('ip -6 route del default');
    expect(defaultRoute(6)).toBeUndefined();
    run('ip -6 route add default via fd98::1');
  });
});

describe('NeighbourQuestion', () => {
  it('is answered by ARP where ICMP is filtered', async () => {
    inGateway('sysctl -qw net.ipv4.icmp_echo_ignore_all=1');
    expect(await ask('10.98.0.1', onLink)).toBe('ARP');
    inGateway('sysctl -qw net.ipv4.icmp_echo_ignore_all=0');
  });

  it('is answered by ICMP echo from behind a route', async () => {
    expect(await ask('10.97.0.1')).toBe('ICMP echo');
  });

  it('is answered by neighbour discovery where ICMPv6 echo is filtered', async () => {
    inGateway('sysctl -qw net.ipv6.icmp.echo_ignore_all=1');
    expect(await ask('fd98::1', onLink)).toBe('neighbour discovery');
  });

  it('is not answered by an address that nobody has, nor by somebody else', async () => {
    const [nobody, other] = await Promise.all([ask('10.98.0.77', onLink, 300), ask('10.98.0.1', onLink)]);
    expect([nobody, other === undefined]).toEqual([undefined, false]);
  });
});

describe('TcpSockets', () => {
  it('counts what is established on one address, and forgets what is in TIME_WAIT on it', async () => {
    // The server ends first, so that TIME_WAIT is on its side.
    const server = createServer((socket) => void socket.on('data', () => socket.end()));
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const open = async (host: string): Promise<Socket> => {
      const socket = connect({ host, port, localAddress: '127.0.0.3' });
      await once(socket, 'connect');
      return socket;
    };
    const forget = (ip: string, limit: number): number =>
      sockets.forgetTimeWait([ip, '127.0.0.9'], limit)?.get(ip) ?? 0;
    const kept = await Promise.all([open('127.0.0.1'), open('127.0.0.1'), open('127.0.0.2')]);
    const sockets = new TcpSockets();
    await expect
      .poll(() => ['127.0.0.1', '127.0.0.2', '127.0.0.9'].map((ip) => sockets.countEstablished([ip])))
      .toEqual([2, 1, 0]);
    const many = Array.from({ length: 250 }, (_, index) => `127.0.1.${index}`);
    expect(sockets.countEstablished([...many, '127.0.0.2', '::1', '127.0.0.1'])).toBe(3);
    expect(sockets.countEstablished(many)).toBe(0);
    for (const socket of kept) {
      socket.write('x');
      socket.resume();
      await once(socket, 'close');
    }
    await expect.poll(() => forget('127.0.0.2', 0)).toBe(1);
    expect(forget('127.0.0.1', 1)).toBe(2);
    expect(forget('127.0.0.1', 10)).toBe(1);
    expect(forget('127.0.0.1', 10)).toBe(0);
    expect(forget('127.0.0.2', 10)).toBe(1);
    sockets.close();
    server.close();
  });
});
