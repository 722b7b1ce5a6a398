// Splits that heal in one direction first, on real sockets: two agents without a peer link that are both owners, a client
// that was told to go to the one that has to give way. That one hears the other a while before it is heard itself, so its one
// last advert reaches nobody. How long is the client without an answer?
//   node --conditions=@tospann/source packages/vrrp/test/one-way-heals.ts 50
// prints a line for each heal and what they come to; exit status 1 if one left the client for more than 20 ms. Needs root.
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, nodeAddress, run, until, vip, type AgentProcess } from './lab.ts';

/** Four datagrams: the client asks every 5 ms. */
export const bearableMs = 20;
const slackMs = 5000;
const probeSeconds = 2;

export interface Heal {
  /** The longest run of datagrams without an answer. */
  readonly longestMs: number;
  readonly lost: number;
  /** Who answered, in their order: `a` gives way to `b`. */
  readonly order: readonly string[];
  /** How much later the second direction healed. */
  readonly secondAfterMs: number;
}

function cut(lab: Lab, place: 'a' | 'b'): void {
  const nft = (...words: readonly string[]): string =>
    run('ip', 'netns', 'exec', lab.namespace(place), 'nft', ...words);
  nft('add', 'table', 'inet', 'split');
  nft('add', 'chain', 'inet', 'split', 'in', '{ type filter hook input priority -300; }');
  nft('add', 'rule', 'inet', 'split', 'in', 'ip', 'saddr', nodeAddress[place === 'a' ? 'b' : 'a'], 'drop');
}

function heal(lab: Lab, place: 'a' | 'b'): void {
  run('ip', 'netns', 'exec', lab.namespace(place), 'nft', 'delete', 'table', 'inet', 'split');
}

/** b is owner and wins a tie; a takes over in the split, announces itself last, and has to give way. */
async function once(lab: Lab, [a]: readonly [AgentProcess, AgentProcess], secondAfterMs: number): Promise<Heal> {
  const from = a.lines.length;
  cut(lab, 'a');
  cut(lab, 'b');
  await a.becomes('master', { withinMs: slackMs, from });
  // The burst of a is over but for what comes after seconds.
  await sleep(400);
  const client = lab.script('c', 'udp-echo.ts', 'probe', vip, String(probeSeconds));
  await client.line((line) => line === 'ready', { withinMs: 10_000 });
  await sleep(300);
  heal(lab, 'a');
  await a.becomes('backup', { withinMs: slackMs, from });
  await sleep(secondAfterMs);
  heal(lab, 'b');
  const line = await client.line((text) => text.startsWith('{'), { withinMs: probeSeconds * 1000 + 10_000 });
  await until('one owner', () => lab.hasVip('b') && !lab.hasVip('a'), slackMs);
  return { ...(JSON.parse(line) as Omit<Heal, 'secondAfterMs'>), secondAfterMs };
}

/** Plays so many heals in one lab; `each` hears of every one. */
export async function oneWayHeals(count: number, each: (heal: Heal) => void): Promise<void> {
  await using lab = new Lab();
  const b = await lab.startAgent('b');
  await b.becomes('master', { withinMs: slackMs });
  const a = await lab.startAgent('a');
  await a.becomes('backup', { withinMs: slackMs });
  for (const place of ['a', 'b'] as const)
    await lab.script(place, 'udp-echo.ts', 'echo', place).line((line) => line === 'ready', { withinMs: 10_000 });
  for (let index = 0; index < count; index++) each(await once(lab, [a, b], (index * 137) % 900));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const worst: number[] = [];
  await oneWayHeals(Number(process.argv[2] ?? 50), (one) => {
    worst.push(one.order.at(-1) === 'b' ? one.longestMs : Infinity);
    process.stdout.write(`${JSON.stringify(one)}\n`);
  });
  const bad = worst.filter((ms) => ms > bearableMs).length;
  process.stdout.write(`${bad} of ${worst.length} heals left the client for more than ${bearableMs} ms\n`);
  process.exitCode = bad === 0 ? 0 : 1;
}
