// The self-probe: real requests through one of this node's own listeners, as a client would make them, twice a second. It
// answers the first question of the election: does this frontend serve? Not a health check of servers. Side effects: a
// timer and one loopback connection a round.
import { request } from 'node:http';
import { SELF_PROBE_ADDRESS, SELF_PROBE_AGENT } from '@tospann/config';
import { afterRunning } from '@tospann/linux';
import { connect, type Socket } from 'node:net';
import {
  firstProbe,
  judgeProbe,
  type ProbePlan,
  type ProbeResult,
  type ProbeVerdict,
} from '../../core/probe-verdict.ts';
import type { Watch } from '../track/watch.ts';

/** A request to make; `path` begins with `/`. */
export interface ProbeTarget {
  readonly frontend: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The listener speaks no HTTP: it is asked from the probe's own address, and says `ok` or `no server`. */
  readonly isStream?: boolean;
  /** What the listener wants to hear first: a PROXY protocol header. Default nothing. */
  readonly opening?: string;
}

export interface SelfProbeOptions {
  readonly target: ProbeTarget;
  /** What the data plane says of a frontend whose places are all taken; undefined: it is not. */
  readonly whenFull?: () => FullState | undefined;
  /** Called with the first verdict and with each change; `reason` is for the operator. */
  readonly onChange: (ability: ProbeVerdict, reason: string) => void;
}

/** A full frontend; `live`: it has a server. */
export interface FullState {
  readonly live: boolean;
  readonly maxConnections: number;
}

/** Starts probing at once; the first verdict comes with the first answer of the proxy. */
export function startSelfProbe(options: SelfProbeOptions): Watch {
  const { target, onChange, whenFull = () => undefined } = options;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async (plan: ProbePlan): Promise<void> => {
    const first = await probeOnce(target, plan.timeoutMs);
    if (closed) return;
    // Its connection waits behind those of clients: the proxy itself is asked instead.
    const full = first === 'timed-out' ? whenFull() : undefined;
    const result = full === undefined ? first : full.live ? 'full' : 'no-server';
    const next = judgeProbe(plan.state, result);
    const { verdict } = next.state;
    if (verdict !== plan.state.verdict && verdict !== 'unknown') onChange(verdict, describe(result, target, full));
    timer = setTimeout(() => void round(next), next.delayMs);
  };
  void round(firstProbe);
  return {
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** What our proxy answers when it found no server: 503, or 502 and 504 when the one it tried failed. */
const noServerStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

function describe(result: ProbeResult, { host, port }: ProbeTarget, full?: FullState): string {
  const words: Readonly<Record<ProbeResult, string>> = {
    answered: 'the own listener answers from a live server',
    'no-server': 'the own listener answers, but no server is alive',
    refused: 'the own listener refuses connections',
    full: `all ${full?.maxConnections} connections that maxConnections allows are taken, so that others wait`,
    slow: 'the own listener answers, but the server that it asked does not',
    'timed-out': 'the own listener does not answer',
    reset: 'the own listener closes connections without an answer',
  };
  return `${words[result]} (${host}:${port})`;
}

/** How many requests that need no server are sent when a real one hangs: a single hung worker must not hide. */
const bareRequests = 3;

/** One real request. When half of its time has passed, the proxy alone is asked, too: it must not wait for a server. */
export async function probeOnce(target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  if (target.isStream === true) return await streamProbe(target, timeoutMs);
  const real = realRequest(target, timeoutMs);
  const early = await Promise.race([real, after(timeoutMs / 2)]);
  if (early !== undefined) return early;
  const bare = await Promise.all(
    Array.from({ length: bareRequests }, async () => await bareRequest(target, timeoutMs / 2)),
  );
  const result = await real;
  return result === 'timed-out' && bare.every(Boolean) ? 'slow' : result;
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}

/** A request without Host, which the proxy answers by itself with 400: true when it does. */
function bareRequest({ host, port, opening = '' }: ProbeTarget, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const finish = (answered: boolean): void => {
      stopDeadline();
      resolve(answered);
      socket.destroy();
    };
    const stopDeadline = afterRunning(timeoutMs, () => finish(false));
    socket.on('connect', () =>
      socket.write(`${opening}GET / HTTP/1.1\r\nUser-Agent: ${SELF_PROBE_AGENT}\r\nConnection: close\r\n\r\n`),
    );
    socket.once('data', (bytes: Buffer) => finish(bytes.toString('latin1').startsWith('HTTP/1.')));
    socket.on('error', () => finish(false));
    socket.on('end', () => finish(false));
  });
}

/** A connection to a listener in mode tcp, from the address by which the proxy knows it. */
function streamProbe({ host, port, opening }: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: SELF_PROBE_ADDRESS });
    const finish = (result: ProbeResult): void => {
      stopDeadline();
      resolve(result);
      socket.destroy();
    };
    const stopDeadline = afterRunning(timeoutMs, () => finish('timed-out'));
    if (opening !== undefined) socket.write(opening);
    socket.once('data', (bytes: Buffer) => {
      finish(bytes.toString('latin1').startsWith('ok') ? 'answered' : 'no-server');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
    socket.on('end', () => finish('reset'));
  });
}

/** A connection that begins with what the listener wants to hear first. */
function openWith({ host, port, opening }: ProbeTarget): { agent: false } | { createConnection: () => Socket } {
  if (opening === undefined) return { agent: false };
  return {
    createConnection: () => {
      const socket = connect({ host, port });
      socket.write(opening);
      return socket;
    },
  };
}

function realRequest(target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const { host, port, path } = target;
    // A connection of its own each time: a kept one would not see that the listener is gone.
    const headers = { 'user-agent': SELF_PROBE_AGENT, connection: 'close' };
    const attempt = request({ host, port, path, headers, method: 'GET', ...openWith(target) });
    const stopDeadline = afterRunning(timeoutMs, () => finish('timed-out'));
    const finish = (result: ProbeResult): void => {
      stopDeadline();
      resolve(result);
      attempt.destroy();
    };
    attempt.on('response', (response) => {
      finish(noServerStatuses.has(response.statusCode ?? 0) ? 'no-server' : 'answered');
    });
    attempt.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
    attempt.end();
  });
}
