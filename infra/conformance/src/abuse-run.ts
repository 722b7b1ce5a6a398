// Plays the abuse rows against one proxy, one row after another, each with its CPU time.
import { cpuNanoseconds, pause } from '@tospann/lab';
import { AbuseClient, AbuseOrigin } from './abuse-ends.ts';
import { ABUSE_TIMEOUTS, abuseRows, type AbuseResult, type AbuseRow } from './abuse-rows.ts';
import { Target, type TargetName } from './targets.ts';

export interface PlayedRow extends AbuseResult {
  readonly row: AbuseRow;
  readonly cpuMs: number;
}

/** Requests before the first row, so that code is compiled and buffers are touched. */
const WARM_UP_REQUESTS = 3000;

export interface AbuseOptions {
  /** How many at once where memory is measured. */
  readonly connections: number;
  /** All rows at once: soon over, but then memory and CPU time are those of all of them. */
  readonly atOnce?: boolean;
}

/** Starts a proxy, plays every row, ends it. */
export async function playAbuse(name: TargetName, { connections, atOnce = false }: AbuseOptions): Promise<PlayedRow[]> {
  await using origin = await AbuseOrigin.open();
  await using target = await Target.start(name, { origins: [origin.port], timeouts: ABUSE_TIMEOUTS });
  await warmUp(target);
  const play = async (row: AbuseRow): Promise<PlayedRow> => {
    const before = cpuNanoseconds(target.servingPids);
    const result = await row.play({ target, origin, connections });
    if (!target.running) throw new Error(`${name} has ended:\n${target.tail}`);
    return { row, ...result, cpuMs: (cpuNanoseconds(target.servingPids) - before) / 1e6 };
  };
  if (atOnce) return await Promise.all(abuseRows.map(play));
  const played: PlayedRow[] = [];
  for (const row of abuseRows) played.push(await play(row));
  return played;
}

async function warmUp(target: Target): Promise<void> {
  const one = async (count: number): Promise<void> => {
    using client = new AbuseClient({ address: target.address, port: target.port(0) });
    for (let i = 0; i < count; i++) {
      client.text = '';
      client.write('GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n');
      await client.wait(() => client.text.endsWith('ok') || client.over, 3000);
    }
  };
  await Promise.all(Array.from({ length: 50 }, async () => await one(WARM_UP_REQUESTS / 50)));
  // A pool of buffers of fixed size counts as memory only once it has been touched: it is, before anything is measured.
  const readers = Array.from({ length: 60 }, () => new AbuseClient({ address: target.address, port: target.port(0) }));
  for (const reader of readers) {
    reader.socket.pause();
    reader.write('GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n');
  }
  await pause(1500);
  for (const reader of readers) reader[Symbol.dispose]();
  await pause(200);
}
