// `tospann servers`: what the servers do, and what an operator wants of them. Over the control socket; the node keeps
// it over restarts and tells the other node.
import {
  serverChangeReport,
  serverList,
  type ServerChange,
  type ServerChangeReport,
  type ServerList,
} from '@tospann/api';
import { renderServers, weightText } from '../core/render-servers.ts';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { problemOf } from './failover.ts';

export interface ServersOptions {
  readonly runDir: string;
  readonly json?: boolean;
  /** Seconds to wait until no session is left, as given. */
  readonly wait?: string;
  /** Also the last one that takes traffic. */
  readonly force?: boolean;
}

/** What is wanted, as the words of the command line. */
export interface ServersOrder {
  readonly action: 'ready' | 'drain' | 'maint' | 'weight';
  /** `BACKEND/SERVER`. */
  readonly target: string;
  readonly value?: string;
}

const WAIT_POLL_MS = 200;

export async function listServersCommand(options: ServersOptions): Promise<ExitCode> {
  const list = await readList(options);
  if (list === undefined) return Exit.failed;
  if (options.json === true) outJson(list);
  else out(renderServers(list));
  return Exit.ok;
}

/** Exit 6: it is the last server of its backend that takes traffic, and nothing has changed. */
export async function changeServerCommand(order: ServersOrder, options: ServersOptions): Promise<ExitCode> {
  const target = targetOf(order.target);
  const change = changeOf(order);
  const waitMs = durationMs(options.wait);
  if (target === undefined || change === undefined || waitMs === undefined) {
    say(usageOf(order));
    return Exit.usage;
  }
  const path = `/api/v1/servers/${encodeURIComponent(target.backend)}/${encodeURIComponent(target.server)}`;
  const answer = await ask(options.runDir, {
    method: 'PUT',
    path,
    body: { ...change, ...(options.force === true ? { force: true } : {}) },
  });
  const report = serverChangeReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return answer.status === 409 ? Exit.refused : Exit.failed;
  }
  const { peer } = report.data;
  if (peer !== undefined && peer !== 'done') say(`On this node only: ${peer}`);
  const left = waitMs > 0 ? await sessionsAfter({ ...target, waitMs }, options) : report.data.currentSessions;
  const after = { ...report.data, currentSessions: left };
  if (options.json === true) outJson(after);
  else out(sentenceOf(after));
  if (waitMs === 0 || left === 0) return Exit.ok;
  say(`Still ${sessions(left)} after ${waitMs / 1000} s`);
  return Exit.failed;
}

function sentenceOf(report: ServerChangeReport): string {
  const { backend, server, status, weight, effectiveWeight, currentSessions } = report;
  return `${backend}/${server} is ${status}, weight ${weightText(weight, effectiveWeight)}, ${sessions(currentSessions)}`;
}

function sessions(count: number): string {
  return `${count} ${count === 1 ? 'session' : 'sessions'}`;
}

function targetOf(text: string): { readonly backend: string; readonly server: string } | undefined {
  const [backend = '', server = '', ...rest] = text.split('/');
  return backend === '' || server === '' || rest.length > 0 ? undefined : { backend, server };
}

/** The sessions that are left when none is left, or when the time is over. */
async function sessionsAfter(
  target: { readonly backend: string; readonly server: string; readonly waitMs: number },
  options: ServersOptions,
): Promise<number> {
  const endsMs = performance.now() + target.waitMs;
  for (;;) {
    // Figures are half a second old at most: the first look must not be at those from before the change.
    await new Promise((resolve) => setTimeout(resolve, WAIT_POLL_MS));
    const list = await readList(options);
    const server = list?.servers.find((one) => one.backend === target.backend && one.name === target.server);
    const left = server?.currentSessions ?? 0;
    if (left === 0 && server?.admin !== 'ready') return 0;
    if (performance.now() >= endsMs) return left;
  }
}

async function readList(options: ServersOptions): Promise<ServerList | undefined> {
  const answer = await ask(options.runDir, { method: 'GET', path: '/api/v1/servers' });
  const list = serverList.safeParse(answer.body);
  if (answer.status === 200 && list.success) return list.data;
  complain(problemOf(answer.body));
  return undefined;
}

function changeOf({ action, value }: ServersOrder): ServerChange | undefined {
  if (action !== 'weight') return { state: action };
  if (value === 'configured') return { weight: null };
  const weight = value !== undefined && /^\d{1,3}$/.test(value) ? Number(value) : 257;
  return weight > 256 ? undefined : { weight };
}

/** Ms of `60s`, `500ms`, `2m`; 0 when absent; undefined when it is no duration. */
function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return 0;
  const [, number, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h']; // by the pattern
}

function usageOf({ action }: ServersOrder): string {
  const value = action === 'weight' ? ' WEIGHT|configured   (WEIGHT is 0 to 256)' : '';
  return `usage: tospann servers ${action} BACKEND/SERVER${value}${action === 'weight' ? '' : ' [--wait 60s]'}`;
}
