// `tospann events`: what happened on this node, as lines for people or JSON lines for programs. --follow goes on over
// a restart of the node and says which events it has missed, if any. Of a node that does not run they come from the file
// that it kept: that is when one wants to read them.
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EVENT_KINDS, eventGap, nodeEvent, readEventFile, type EventLine } from '@tospann/api';
import { isTospannError, TospannError } from '@tospann/errors';
import { renderEvent } from '../core/render-events.ts';
import { SOCKET_NAME } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { problemOf } from './failover.ts';

export interface EventsOptions {
  readonly runDir: string;
  readonly stateDir: string;
  readonly json?: boolean;
  readonly follow?: boolean;
  /** A number of an event, or how far back: `42`, `10m`. */
  readonly since?: string;
  readonly kind?: string;
}

/** How long --follow waits before it asks a node again that does not answer, ms. */
const AGAIN_MS = 500;
/** Events that --follow shows from before. */
const SHOWN_BEFORE = 10;
/** Events of a node that does not run that are read at most: all that its files hold. */
const KEPT_SHOWN = 100_000;
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

interface Wish {
  /** As GET /api/v1/events takes it; undefined: all that is held. */
  since: number | undefined;
  /** Older ones are not shown. */
  readonly fromMs: number;
}

export async function eventsCommand(options: EventsOptions): Promise<ExitCode> {
  const wish = wishOf(options);
  if (wish === undefined) {
    say('--since takes the number of an event or a duration, for instance 42 or 10m');
    return Exit.usage;
  }
  const kinds = (options.kind ?? '').split(',').filter((kind) => kind !== '');
  const unknown = kinds.find((kind) => !EVENT_KINDS.some((known) => known === kind));
  if (unknown !== undefined) {
    say(`There is no kind "${unknown}"; the kinds are ${EVENT_KINDS.join(', ')}`);
    return Exit.usage;
  }
  let code = await read(options, wish).catch((error: unknown) => {
    if (!isNotRunning(error) || !showKept(options, { wish, kinds })) throw error;
    return Exit.ok;
  });
  while (options.follow === true && code !== Exit.failed) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    // The node starts again: what has happened meanwhile is asked for.
    code = await read(options, wish).catch(() => Exit.ok);
  }
  return code;
}

function wishOf({ since, follow }: EventsOptions): Wish | undefined {
  if (since === undefined) return { since: follow === true ? -SHOWN_BEFORE : undefined, fromMs: 0 };
  if (/^\d+$/.test(since)) return { since: Number(since), fromMs: 0 };
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(since) ?? [];
  const unitMs = Object.entries(UNITS_MS).find(([name]) => name === unit)?.[1];
  return unitMs === undefined ? undefined : { since: undefined, fromMs: Date.now() - Number(amount) * unitMs };
}

/** Nobody listens on the socket. One that may not be used is another matter. */
function isNotRunning(error: unknown): boolean {
  if (!isTospannError(error) || error.code !== 'LB_OPERATION_NOT_REACHABLE') return false;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED');
}

/** Prints what a node that does not run has kept; false: nothing. @throws {TospannError} LB_API_STATE_FILE. */
function showKept(options: EventsOptions, { wish, kinds }: { wish: Wish; kinds: readonly string[] }): boolean {
  const kept = readEventFile(options.stateDir, KEPT_SHOWN);
  if (kept.length === 0) return false;
  say(`The node does not run: these events are from ${join(options.stateDir, 'events.jsonl')}`);
  const { since = 0 } = wish;
  const chosen = since < 0 ? kept.slice(since) : kept.filter(({ seq }) => seq > since);
  for (const event of chosen) {
    wish.since = event.seq;
    if (kinds.length === 0 || kinds.includes(event.event)) show(event, options, wish);
  }
  return true;
}

/** Prints what the node sends until it ends; `wish.since` goes with it. @throws {TospannError} LB_OPERATION_NOT_REACHABLE. */
async function read(options: EventsOptions, wish: Wish): Promise<ExitCode> {
  const socketPath = join(options.runDir, SOCKET_NAME);
  const query = new URLSearchParams({
    ...(wish.since === undefined ? {} : { since: String(wish.since) }),
    ...(options.follow === true ? { follow: '1' } : {}),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
  });
  return await new Promise<ExitCode>((resolve, reject) => {
    const path = `/api/v1/events?${query.toString()}`;
    const sent = request({ socketPath, path, headers: { host: 'localhost' } }, (response) => {
      const isStream = response.statusCode === 200;
      const lines = createInterface({ input: response, crlfDelay: Infinity });
      let answer = '';
      lines.on('line', (line) => {
        if (isStream) show(parsed(line), options, wish);
        else answer += line;
        // Who reads this program's output slowly makes the node wait, not this program grow.
        if (process.stdout.writableNeedDrain) {
          response.pause();
          process.stdout.once('drain', () => response.resume());
        }
      });
      // The node may end in mid-answer: the stream is over, and a line that was cut off is not shown.
      lines.on('error', () => undefined);
      response.on('close', () => lines.close());
      lines.on('close', () => {
        if (!isStream) complain(problemOf(parsed(answer)));
        resolve(isStream ? Exit.ok : Exit.failed);
      });
    });
    sent.on('error', (error) =>
      reject(
        new TospannError('LB_OPERATION_NOT_REACHABLE', { socket: socketPath, detail: error.message }, { cause: error }),
      ),
    );
    sent.end();
  });
}

function show(value: unknown, { json }: EventsOptions, wish: Wish): void {
  const line = lineOf(value);
  if (line === undefined) return;
  wish.since = 'seq' in line ? line.seq : line.to;
  if ('timeMs' in line && line.timeMs < wish.fromMs) return;
  if (json === true) outJson(value);
  else out(renderEvent(line, localTime));
}

function lineOf(value: unknown): EventLine | undefined {
  return nodeEvent.safeParse(value).data ?? eventGap.safeParse(value).data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text }; // a line that was cut off
  }
}

/** `2026-11-23 03:04:05.678`, in the terminal's time zone. */
function localTime(timeMs: number): string {
  const date = new Date(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000);
  return date.toISOString().replace('T', ' ').replace('Z', '');
}
