// Planned moves under load, there and back again: new and kept connections at a steady rate, upgraded connections, long
// downloads. Gathers what was lost and what each move said of itself; it judges nothing.
import { monotonicMs, pause } from './clock.ts';
import { Load, tool, type LoadReport } from './instruments.ts';
import type { Pair } from './pair.ts';
import { VIP } from './topology.ts';

const TARGET = `${VIP}:80`;

/** What a planned move reports, as `tospann failover --json` prints it. */
export interface MoveReport {
  readonly from: string;
  readonly to: string;
  readonly detectionMs: number;
  readonly durationMs: number;
  readonly firstAnswerMs?: number;
  readonly connections: number;
  readonly notPromised: readonly string[];
}

/** What the long-lived clients say at the end. */
export interface LongLivedReport {
  readonly tunnels: number;
  readonly echoed: number;
  readonly broken: readonly string[];
  readonly downloads: number;
  readonly bytes: number;
  readonly bad: readonly string[];
}

export interface HandOverRunReport {
  readonly moves: readonly (MoveReport & { readonly ownerlessMs: number })[];
  /** Requests on a new connection each, and on kept ones. */
  readonly fresh: LoadReport;
  readonly kept: LoadReport;
  readonly longLived: LongLivedReport;
}

export interface HandOverRunOptions {
  readonly times: number;
  /** Between two moves. @default 3000 */
  readonly pauseMs?: number;
  /** Requests a second, half of them on kept connections. @default 300 */
  readonly rps?: number;
  readonly onMove?: (move: MoveReport & { readonly ownerlessMs: number }) => void;
}

/** Moves the addresses so many times under load. Both nodes run, and one owns the address. */
export async function handOverUnderLoad(pair: Pair, options: HandOverRunOptions): Promise<HandOverRunReport> {
  const { times, pauseMs = 3000, rps = 300, onMove } = options;
  const seconds = 3600;
  await using fresh = new Load(pair.client, { target: TARGET, rps: rps / 2, seconds });
  await using kept = new Load(pair.client, { target: TARGET, rps: rps / 2, seconds, keepAlive: true });
  const clients = tool('long-lived', { target: TARGET, tunnels: 50, downloads: 20, parts: 100 });
  const longLived = pair.client.spawnInstrument('long-lived', clients);
  try {
    await Promise.all([fresh.started(), kept.started(), longLived.waitForEvent('ready')]);
    const moves: HandOverRunReport['moves'][number][] = [];
    for (let count = 0; count < times; count++) {
      await pause(pauseMs);
      const move = await moveOnce(pair);
      moves.push(move);
      onMove?.(move);
    }
    await pause(pauseMs);
    longLived.signal('SIGTERM');
    const end = await longLived.waitForEvent('long-lived-end', () => true, { timeoutMs: 60_000 });
    const [one, other] = [await fresh.finish(), await kept.finish()];
    return { moves, fresh: one, kept: other, longLived: end.json as unknown as LongLivedReport };
  } finally {
    await longLived.stop({ signal: 'SIGKILL' });
  }
}

async function moveOnce(pair: Pair): Promise<HandOverRunReport['moves'][number]> {
  const from = await pair.waitForOwner();
  const askedMs = monotonicMs();
  const result = await from.failover();
  if (result.code !== 0) throw new Error(`Cannot move from ${from.name}: exit ${result.code} ${result.stderr}`);
  await pair.waitForOwner(pair.other(from), 10_000);
  return { ...(JSON.parse(result.stdout) as MoveReport), ownerlessMs: pair.watch.ownerlessMs(askedMs) };
}
