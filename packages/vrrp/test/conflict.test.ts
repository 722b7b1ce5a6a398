// A third host announces addresses that an agent owns, on real sockets: an alarm that names it, and the owner takes its
// clients back, in both families; the other node of the pair is no such host. Needs root.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lab, run, until, vip, vip6, type AgentLine, type Place } from './lab.ts';

const slackMs = 5000;
const both = { vips: { public: { address: vip }, public6: { address: vip6, routerId: 52 } } };

function macOf(lab: Lab, place: Place): string {
  const link = run('ip', '-n', lab.namespace(place), '-o', 'link', 'show', 'eth0');
  return /link\/ether ([0-9a-f:]{17})/.exec(link)?.[1] ?? '';
}

/** Where the node that is only a client here sends what it has for an address. */
function neighbour(lab: Lab, address: string): string {
  const entry = run('ip', '-n', lab.namespace('b'), 'neigh', 'show', address);
  return /lladdr ([0-9a-f:]{17})/.exec(entry)?.[1] ?? '';
}

test('the owner defends its addresses against a third host, and says which one it is', async () => {
  await using lab = new Lab();
  const a = await lab.startAgent('a', both);
  await a.becomes('master', { withinMs: slackMs, vip: 'public' });
  await a.becomes('master', { withinMs: slackMs, vip: 'public6' });
  for (const address of [vip, vip6]) {
    const entry = [address, 'lladdr', macOf(lab, 'a'), 'dev', 'eth0', 'nud', 'reachable'];
    run('ip', '-n', lab.namespace('b'), 'neigh', 'replace', ...entry);
    await lab.script('c', 'announce.ts', address).line((line) => line === 'announced', { withinMs: 20_000 });
    await until('the client was told otherwise', () => neighbour(lab, address) === macOf(lab, 'a'), slackMs);
  }
  const problems = (): AgentLine[] => a.events.filter(({ event }) => event === 'vrrp-problem');
  await until('both are told', () => problems().length === 2, slackMs);
  for (const { code, message } of problems())
    expect([code, message]).toEqual(['LB_VRRP_ADDRESS_CONFLICT', expect.stringContaining(macOf(lab, 'c'))]);
  const { addressProblems } = await a.snapshot();
  expect(addressProblems).toHaveLength(2);
  // A planned move: the other node announces what this one has just had, and that is no conflict on either side.
  const b = await lab.startAgent('b', both);
  await b.becomes('backup', { withinMs: slackMs, vip: 'public6' });
  await until('b hears a', () => b.events.length > 0, slackMs);
  a.say('failover');
  await b.becomes('master', { withinMs: slackMs, vip: 'public' });
  await b.becomes('master', { withinMs: slackMs, vip: 'public6' });
  let announced = 0;
  while (announced < 12) announced = (await b.snapshot()).gratuitousArpTotal;
  // a looks at the frames four times a second.
  await sleep(600);
  expect(problems()).toHaveLength(2);
  expect(b.events.filter(({ event }) => event === 'vrrp-problem')).toEqual([]);
});
