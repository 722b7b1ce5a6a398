// Crowds: many clients that each make a proxy keep something, by four ways, and what a client of another frontend sees of
// it. Data and plays; crowds.ts prints them.
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { cpuNanoseconds, LabProcess, pause, until } from '@tospann/lab';
import { AbuseClient, memoryOf } from './abuse-ends.ts';
import { Target, type TargetName } from './targets.ts';

/** Lanes of a target: the attacked one, another, and one whose server takes one request at a time. */
const LANES = { attacked: 0, other: 1, oneAtATime: 2 } as const;
/** Long enough that nobody of the crowd is let go while it is looked at. */
const TIMEOUT_MS = 120_000;
/** Clients that connect side by side. */
const AT_ONCE = 100;
const CANARIES = 20;
/** Who has no answer by then counts as not served. */
export const PATIENCE_MS = 3000;
const GIVEN_UP = 3;
/** The proxy works no more on the crowd: less than a tenth of a CPU in half a second. */
const QUIET_NS = 50e6;
const QUIET_MS = 500;
const MOST_QUIETS = 40;

export interface CrowdWay {
  readonly threat: string;
  readonly lane: number;
  /** What each client sends; `later` when all have sent that. None of them reads. */
  readonly text: string;
  readonly later?: readonly string[];
}

/** What it came to. */
export interface CrowdResult {
  readonly count: number;
  /** Answers that the other client got of 20, the median and the slowest in ms; those that did not come count as all of the patience. */
  readonly answered: number;
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly grownBytes: number;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

export const crowdWays: readonly CrowdWay[] = [
  { threat: 'slow readers: a large answer, nothing is read', lane: LANES.attacked, text: get('/endless') },
  { threat: 'queue of a hung server', lane: LANES.oneAtATime, text: get('/silent') },
  { threat: 'two bytes behind a request', lane: LANES.attacked, text: get('/silent'), later: ['G', 'G'] },
  { threat: 'partial heads', lane: LANES.attacked, text: 'GET /', later: ['a'] },
];

/** Servers in a process of their own: their descriptors and their time are not those of the clients. */
async function startOrigin(): Promise<{ readonly origin: LabProcess; readonly port: number }> {
  const script = fileURLToPath(new URL('./crowd-origin.ts', import.meta.url));
  const origin = new LabProcess('origin', [process.execPath, '--conditions=@tospann/source', script]);
  const port = (): number => Number(/^port (\d+)$/m.exec(origin.lines.map(({ text }) => text).join('\n'))?.[1] ?? 0);
  await until('the origin listens', () => port() > 0, { timeoutMs: 30_000, everyMs: 20 });
  return { origin, port: port() };
}

async function gather(target: Target, way: CrowdWay, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const one = async (): Promise<void> => {
    const socket = connect({ host: target.address, port: target.port(way.lane), noDelay: true });
    socket.pause();
    socket.on('error', () => undefined);
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
    socket.write(way.text);
  };
  while (sockets.length < count) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, one));
  }
  for (const text of way.later ?? []) {
    await pause(300);
    for (const socket of sockets) socket.write(text);
  }
  return sockets;
}

/** As long as bytes still go into the kernel's buffers, it is work and not what is kept. */
async function untilQuiet(target: Target): Promise<void> {
  let before = cpuNanoseconds(target.servingPids);
  for (let i = 0; i < MOST_QUIETS; i++) {
    await pause(QUIET_MS);
    const now = cpuNanoseconds(target.servingPids);
    if (now - before < QUIET_NS) return;
    before = now;
  }
}

/** Requests on new connections to the other frontend, one after another: how long each took. */
async function askOther(target: Target, patienceMs: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < CANARIES; i++) {
    using client = new AbuseClient({ address: target.address, port: target.port(LANES.other) });
    client.write(get('/ok'));
    await client.wait(() => client.text.endsWith('ok') || client.over, patienceMs);
    times.push(client.status === 200 ? (client.firstByteAtMs ?? Infinity) - client.openedAtMs : Infinity);
    // Nobody is served any more: the others would only take their time.
    if (times.length >= GIVEN_UP && times.slice(-GIVEN_UP).every((ms) => ms === Infinity)) break;
  }
  while (times.length < CANARIES) times.push(Infinity);
  return times.toSorted((a, b) => a - b);
}

/** Plays one way with so many clients against a proxy of its own. */
// oxlint-disable-next-line max-params -- three numbers of a table and nothing else
export async function playCrowd(
  name: TargetName,
  way: CrowdWay,
  count: number,
  patienceMs = PATIENCE_MS,
): Promise<CrowdResult> {
  const { origin, port } = await startOrigin();
  // The other frontend's server is well: a process of its own.
  const { origin: otherOrigin, port: otherPort } = await startOrigin();
  const timeouts = {
    httpRequestMs: TIMEOUT_MS,
    clientMs: TIMEOUT_MS,
    serverMs: TIMEOUT_MS,
    connectMs: 5000,
    keepAliveMs: TIMEOUT_MS,
  };
  await using _ = origin;
  await using _other = otherOrigin;
  await using target = await Target.start(name, {
    origins: [port, otherPort, port],
    timeouts,
    oneAtATime: LANES.oneAtATime,
  });
  await askOther(target, patienceMs);
  const before = memoryOf(target.servingPids);
  const sockets = await gather(target, way, count);
  await untilQuiet(target);
  const times = await askOther(target, patienceMs);
  const grown = memoryOf(target.servingPids) - before;
  for (const socket of sockets) socket.destroy();
  if (!target.running) throw new Error(`${name} has ended:\n${target.tail}`);
  const capped = times.map((ms) => Math.min(ms, patienceMs));
  return {
    count,
    answered: times.filter((ms) => ms < Infinity).length,
    medianMs: capped[CANARIES / 2] ?? patienceMs,
    slowestMs: capped.at(-1) ?? patienceMs,
    grownBytes: Math.max(0, grown),
  };
}

/** All answered: what the machine's speed makes of the times is another matter. */
export function isServed({ answered }: CrowdResult): boolean {
  return answered === CANARIES;
}

export function figuresOf(result: CrowdResult): string {
  const { answered, medianMs, slowestMs, grownBytes } = result;
  const memory = `${Math.round(grownBytes / (1 << 20))} MiB`;
  if (answered === 0) return `**not served**, ${memory}`;
  const some = answered < CANARIES ? `**${CANARIES - answered} of ${CANARIES} not served**, ` : '';
  return `${some}${medianMs.toFixed(1)} ms (${slowestMs.toFixed(1)}), ${memory}`;
}
