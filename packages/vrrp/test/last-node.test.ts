// Whoever is left serves, on real sockets in namespaces: adverts that the node's own rules drop, a family that is switched off,
// an own address that is lost, two nodes that both cannot serve. keepalived owns in each of these. Needs root and nft.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lab, run, until, vip, vip6, type AgentOptions, type AgentProcess, type Place } from './lab.ts';

/** Three adverts of 100 ms and the skew of priority 100, and that of the lowest priority. */
const downMs = 361;
const lastDownMs = 400;
/** Waits for output of a loaded machine; where a time matters it is measured, not waited for. */
const slackMs = 3000;
/** A node that its kernel has refused an address waits so long; nobody may be without one for that reason. */
const holdOffMs = 5000;

async function startPair(lab: Lab, options: AgentOptions = {}): Promise<[AgentProcess, AgentProcess]> {
  const a = await lab.startAgent('a', options);
  await a.becomes('master', { withinMs: downMs + slackMs });
  const b = await lab.startAgent('b', options);
  await b.becomes('backup', { withinMs: slackMs });
  return [a, b];
}

/** Looks all the time whether a place has an address, and counts when it has not. */
async function missing(lab: Lab, place: Place, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let gone = 0;
  while (performance.now() < endMs) {
    if (!lab.hasVip(place)) gone++;
    await sleep(50);
  }
  return gone;
}

/** Its own rules drop the adverts of a place: the kernel answers each of them with EPERM. */
function dropAdverts(lab: Lab, place: Place): void {
  const rules = 'add table inet mute; add chain inet mute out { type filter hook output priority 0; }';
  run('ip', 'netns', 'exec', lab.namespace(place), 'nft', `${rules}; add rule inet mute out meta l4proto 112 drop`);
}

test.concurrent('a survivor whose adverts cannot leave owns the address, and goes on owning it', async () => {
  await using lab = new Lab(['a', 'b']);
  const [a, b] = await startPair(lab);
  dropAdverts(lab, 'b');
  lab.cable('a', 'cut');
  await a.kill();
  await b.becomes('master', { withinMs: downMs + slackMs });
  await b.line((line) => line.includes('"what":"send-failed"'), { withinMs: slackMs });
  expect(await missing(lab, 'b', holdOffMs)).toBe(0);
  expect((await b.snapshot()).vips[0]).toMatchObject({ state: 'master', transitionsTotal: 2 });
});

test.concurrent('an owner whose adverts cannot leave goes when the other node is heard to own', async () => {
  await using lab = new Lab(['a', 'b']);
  const [a, b] = await startPair(lab);
  dropAdverts(lab, 'a');
  await b.becomes('master', { withinMs: downMs + slackMs });
  await a.becomes('backup', { withinMs: slackMs });
  await until('b alone has it', () => lab.hasVip('b') && !lab.hasVip('a'), slackMs);
});

test.concurrent('IPv6 switched off on the backup costs the IPv6 address alone, and is told before', async () => {
  await using lab = new Lab(['a', 'b']);
  run('ip', 'netns', 'exec', lab.namespace('b'), 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1');
  const [a, b] = await startPair(lab, {
    vips: { public: { address: vip }, public6: { address: vip6 } },
    groups: {
      all: {
        vips: ['public', 'public6'],
        routers: [
          { routerId: 51, family: 4, vips: ['public'] },
          { routerId: 51, family: 6, vips: ['public6'] },
        ],
      },
    },
  });
  await b.line((line) => line.includes('vrrp-problem') && line.includes('disable_ipv6 is 1'), { withinMs: slackMs });
  expect((await b.snapshot()).linkDown).toBe(false);
  lab.cable('a', 'cut');
  await a.kill();
  await b.becomes('master', { withinMs: downMs + slackMs });
  expect(await missing(lab, 'b', holdOffMs)).toBe(0);
  // Switched on again, the rest follows with the next renewal of the lease.
  run('ip', 'netns', 'exec', lab.namespace('b'), 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0');
  await until('b has the IPv6 address, too', () => lab.hasVip('b', vip6), slackMs);
});

test.concurrent('an owner that loses its own address on a second interface gives way to one that has its own', async () => {
  await using lab = new Lab(['a', 'b']);
  lab.connectInside(['a', 'b']);
  const inside = { a: '10.98.0.2/24', b: '10.98.0.3/24' } as const;
  for (const place of ['a', 'b'] as const)
    run('ip', '-n', lab.namespace(place), 'addr', 'add', inside[place], 'dev', 'eth1');
  const [a, b] = await startPair(lab, {
    vips: { public: { address: vip }, inside: { address: '10.98.0.100', interface: 'eth1' } },
    groups: { all: { vips: ['public', 'inside'], routers: [{ routerId: 51, family: 4, vips: ['public', 'inside'] }] } },
  });
  const lose = (place: 'a' | 'b'): string =>
    run('ip', '-n', lab.namespace(place), 'addr', 'del', inside[place], 'dev', 'eth1');
  lose('a');
  await a.line((line) => line.includes('LB_VRRP_NETWORK_LOST'), { withinMs: slackMs });
  const taken = await b.becomes('master', { withinMs: slackMs });
  expect(taken['reason']).toBe('the owner is impaired, this node is not');
  // Both have lost theirs: nobody is better, and nothing moves.
  lose('b');
  await b.line((line) => line.includes('LB_VRRP_NETWORK_LOST'), { withinMs: slackMs });
  await sleep(4 * downMs);
  expect((await b.snapshot()).vips[0]).toMatchObject({ state: 'master', owner: 'lb2' });
});

test.concurrent('of two nodes that both cannot serve one owns, and the first that can takes over', async () => {
  await using lab = new Lab(['a', 'b']);
  const [a, b] = await startPair(lab);
  b.say('cannot-serve');
  await b.becomes('fault', { withinMs: slackMs });
  a.say('cannot-serve');
  await a.line((line) => line.includes('no-substitute'), { withinMs: slackMs });
  expect(await missing(lab, 'a', 5 * downMs)).toBe(0);
  lab.cable('a', 'cut');
  await a.kill();
  await b.becomes('master', { withinMs: lastDownMs + slackMs });
  const from = b.lines.length;
  const again = await lab.startAgent('a', { serves: false });
  lab.cable('a', 'whole');
  again.say('serves');
  const taken = await again.becomes('master', { withinMs: slackMs });
  expect(taken['reason']).toBe('the owner has no live server');
  await b.becomes('fault', { withinMs: slackMs, from });
  expect(lab.hasVip('b')).toBe(false);
});
