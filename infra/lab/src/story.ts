// The demo's story: serve the article's site, lose LB1's proxy, lose LB1, serve on, bring LB1 back, move the address
// on purpose under load. Each act measures and judges; the sentence of each finding has its figure in it.
import { checkArticleSite } from './article-checks.ts';
import { monotonicMs, pause, until } from './clock.ts';
import { HttpClient } from './http-client.ts';
import { Load, Prober } from './instruments.ts';
import type { CommandResult, Pair, PairMember } from './pair.ts';
import { signalAll } from './system.ts';
import { INNER_ADDRESSES, VIP } from './topology.ts';

/** One judged statement of an act. */
export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** Takes the story's output: a heading for each act, then its findings. */
export interface Audience {
  act(title: string): void;
  finding(finding: Finding): void;
}

/** Longest run of refused connections when a proxy process is killed, ms. */
const REFUSED_LIMIT_MS = 200;
/** A node's death is noticed after three adverts and the skew: 3.61 s at 1 s; a probe may then need its own time-out. */
const CRASH_GAP_LIMIT_MS = 4_000;
/** The address leaves a dead node by its lease: two down intervals, in whole seconds, 7 s at 1 s adverts. */
const LEASE_LIMIT_MS = 7_400;
const TARGET = `${VIP}:80`;

/** Plays the acts in order on a pair that has been created and not started; returns true when every finding is good. */
export async function playStory(pair: Pair, audience: Audience): Promise<boolean> {
  let good = true;
  const judge = (ok: boolean, text: string): void => {
    good &&= ok;
    audience.finding({ ok, text });
  };
  await using client = await HttpClient.start(pair.client);
  const scene: Scene = { pair, client, judge };
  for (const act of ACTS) {
    audience.act(act.title);
    await act.play(scene);
  }
  return good;
}

interface Scene {
  readonly pair: Pair;
  readonly client: HttpClient;
  readonly judge: (ok: boolean, text: string) => void;
}

interface Act {
  readonly title: string;
  readonly play: (scene: Scene) => Promise<void>;
}

const ACTS: readonly Act[] = [
  { title: 'LB1 and LB2 start', play: bothStart },
  { title: "The article's site through the floating address", play: siteIsServed },
  { title: "SIGKILL of LB1's proxy process", play: proxyDies },
  { title: 'SIGKILL of the whole of LB1', play: nodeDies },
  { title: 'LB1 comes back', play: nodeReturns },
  { title: 'Planned failover under 200 new connections a second', play: plannedFailover },
  { title: 'Both nodes end', play: bothEnd },
];

async function bothStart({ pair, judge }: Scene): Promise<void> {
  const startMs = monotonicMs();
  await pair.start();
  await pair.waitForOwner(pair.lb1, 30_000);
  judge(true, `both ready and ${VIP} on lb1 alone after ${ms(monotonicMs() - startMs)}`);
}

async function siteIsServed({ pair, client, judge }: Scene): Promise<void> {
  await until(
    'both web servers in use',
    async () => {
      const answers = [await client.request(`http://${VIP}/echo`), await client.request(`http://${VIP}/echo`)];
      return new Set(answers.map((answer) => answer.body.slice(0, 16))).size === 2;
    },
    { timeoutMs: 10_000, everyMs: 100 },
  );
  for (const check of await checkArticleSite(client, VIP)) judge(check.ok, `${check.name}: ${check.detail}`);
  const asked = await statusOf(pair.lb1);
  judge(asked.code === 0, `tospann status on lb1: exit ${asked.code}. ${verdictOf(asked.stdout)}`);
}

/** Asks a node how the pair is; the nodes may need a moment after their start until they know each other. */
async function statusOf(member: PairMember): Promise<CommandResult> {
  const deadlineMs = monotonicMs() + 8_000;
  for (;;) {
    const result = await member.command(['status', '--json']);
    if (result.code === 0 || monotonicMs() > deadlineMs) return result;
    await pause(200);
  }
}

async function proxyDies({ pair, judge }: Scene): Promise<void> {
  await using prober = await startProber(pair);
  const before = pair.lb1.childPids('proxy');
  const killedMs = monotonicMs();
  signalAll(before, 'SIGKILL');
  await until('another proxy process', () => pair.lb1.childPids('proxy').some((pid) => !before.includes(pid)), {
    timeoutMs: 5_000,
  });
  await pause(1_500);
  await prober.finish();
  const report = prober.report(killedMs - 50);
  judge(before.length > 0, `killed: process ${before.join(' ')}`);
  judge(
    report.longestRefusedMs < REFUSED_LIMIT_MS,
    `refused connections for ${ms(report.longestRefusedMs)} (limit ${ms(REFUSED_LIMIT_MS)}); ` +
      `no answer for ${ms(report.longestSilenceMs)}; lost ${lost(report)} of ${report.total}`,
  );
  judge(pair.watch.owners.join() !== '', `the address is on ${pair.watch.owners.join(' and ')}`);
}

async function nodeDies({ pair, client, judge }: Scene): Promise<void> {
  await pair.waitForOwner(pair.lb1, 30_000);
  await using prober = await startProber(pair);
  const killedMs = pair.lb1.node.killGroup('SIGKILL');
  await pair.waitForOwner(pair.lb2, 10_000);
  await pause(500);
  await prober.finish();
  const report = prober.report(killedMs - 50);
  const leftMs = (pair.releasedAtMs(pair.lb1, killedMs) ?? Infinity) - killedMs;
  const tookMs = (pair.ownedAtMs(pair.lb2, killedMs) ?? Infinity) - killedMs;
  judge(leftMs <= LEASE_LIMIT_MS, `the address left the dead lb1 after ${ms(leftMs)} by its lease`);
  judge(
    tookMs <= CRASH_GAP_LIMIT_MS,
    `lb2 took it after ${ms(tookMs)}; both had it for ${ms(pair.watch.overlapMs(killedMs))}`,
  );
  judge(
    report.longestOutageMs <= CRASH_GAP_LIMIT_MS,
    `client gap ${ms(report.longestOutageMs)}; lost ${lost(report)} of ${report.total}`,
  );
  await serveOn({ pair, client, judge }, pair.lb2);
}

async function serveOn({ client, judge }: Scene, owner: PairMember): Promise<void> {
  let served = 0;
  for (let count = 0; count < 50; count++) {
    const answer = await client.request(`http://${VIP}/echo`);
    if (answer.status === 200 && viaOf(answer.body) === owner.name) served += 1;
  }
  judge(served === 50, `${served} of 50 requests served by ${owner.name}`);
}

async function nodeReturns({ pair, judge }: Scene): Promise<void> {
  await using prober = await startProber(pair);
  const startMs = monotonicMs();
  await pair.lb1.start(pair.configFile);
  const readyMs = monotonicMs() - startMs;
  // The article's LB1 is the preferred owner: it takes the address back, but not before it has been well for a while.
  await pair.waitForOwner(pair.lb1, 30_000);
  const backMs = monotonicMs() - startMs;
  await pause(500);
  await prober.finish();
  const report = prober.report();
  judge(true, `lb1 ready after ${ms(readyMs)}, owner again after ${ms(backMs)}`);
  judge(report.failed === 0, `meanwhile lost ${lost(report)} of ${report.total}`);
}

async function plannedFailover({ pair, judge }: Scene): Promise<void> {
  const from = await pair.waitForOwner();
  const to = pair.other(from);
  await using load = new Load(pair.client, { target: TARGET, rps: 200, seconds: 20 });
  await using prober = await startProber(pair);
  await load.started();
  await pause(1_000);
  const askedMs = monotonicMs();
  const result = await from.failover();
  const tookMs = monotonicMs() - askedMs;
  judge(
    result.code === 0,
    `tospann failover on ${from.name}: exit ${result.code} after ${ms(tookMs)} ${result.stderr.trim()}`,
  );
  if (result.code === 0) await pair.waitForOwner(to, 5_000);
  await pause(1_500);
  const report = await load.finish();
  await prober.finish();
  const probes = prober.report(askedMs - 50);
  judge(report.failedToConnect === 0, `${report.failedToConnect} of ${report.sent} new connections failed`);
  const underWay = report.lostUnderWay + report.lostOnReusedConnection;
  judge(underWay === 0, `${underWay} requests lost that were under way; slowest answer ${ms(report.maxMs)}`);
  judge(servedByBoth(report.servedBy), `served by ${describeServed(report.servedBy)}`);
  judge(
    probes.failedToConnect === 0,
    `client gap ${ms(probes.longestOutageMs)}; lost ${lost(probes)} of ${probes.total} probes`,
  );
}

async function bothEnd({ pair, judge }: Scene): Promise<void> {
  const [one, other] = await Promise.all([pair.lb1.stop(), pair.lb2.stop()]);
  judge(
    one.code === 0 && other.code === 0,
    `exit codes ${String(one.code ?? one.signal)} and ${String(other.code ?? other.signal)}`,
  );
  judge(
    pair.watch.owners.length === 0,
    pair.watch.owners.length === 0 ? 'no address is left' : `left on ${pair.watch.owners.join(' ')}`,
  );
}

/** A prober that has been answered for half a second before the act begins. */
async function startProber(pair: Pair): Promise<Prober> {
  const prober = new Prober(pair.client, { target: TARGET });
  await prober.started();
  await pause(500);
  return prober;
}

function servedByBoth(servedBy: Readonly<Record<string, number>>): boolean {
  return Object.keys(servedBy).filter((address) => INNER_ADDRESSES[address] !== undefined).length === 2;
}

function describeServed(servedBy: Readonly<Record<string, number>>): string {
  return Object.entries(servedBy)
    .map(([address, count]) => `${INNER_ADDRESSES[address] ?? address} ${count}`)
    .join(', ');
}

function viaOf(body: string): string {
  return INNER_ADDRESSES[/"peer":"([^"]+)"/.exec(body)?.[1] ?? ''] ?? '';
}

function verdictOf(json: string): string {
  return /"sentence":"([^"]*)"/.exec(json)?.[1] ?? 'no verdict';
}

function lost(report: { readonly failed: number; readonly byKind: Readonly<Record<string, number>> }): string {
  const kinds = Object.entries(report.byKind).filter(([kind]) => kind !== 'ok');
  return kinds.length === 0 ? '0' : `${report.failed} (${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')})`;
}

function ms(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : 'never';
}
