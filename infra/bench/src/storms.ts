// The storms of storm.ts: what each does to a node, and the counters that are read before and after. Not the settings.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { pause, signalAll, tool, type LabProcess, type Single } from '@tospann/lab';

import { readWrk, WRK_REPORT } from './clients.ts';

export type StormName = 'clients' | 'servers' | 'burst' | 'stall';

/** What one storm did. */
export interface StormResult {
  readonly perSecond: number;
  /** Requests or connections that did not get an answer, and answers of 5xx. */
  readonly failed: number;
  /** TcpExt ListenOverflows: connections that an accept queue had no room for. */
  readonly overflows: number;
  /** Tcp RetransSegs of the load balancer and of the client. */
  readonly retransmits: number;
  readonly p99Ms: number;
}

const BACKENDS = `
backends:
  app: { servers: { web1: { address: "10.10.10.1:80" }, web2: { address: "10.10.10.2:80" } } }
log: { access: { enabled: false } }
`;

/** Where clients storm, the node answers itself, so that the storm is its own and not the servers'. */
const frontend = (rules: string): string =>
  `frontends: { main: { bind: ["*:80"], maxConnections: 20000, ${rules}defaultBackend: app } }`;
const OWN_ANSWER = 'rules: [{ return: { status: 200, body: "ok" } }], ';

/** Plays one storm on a node that it starts, and reads the counters around it. */
export async function playStorm(
  single: Single,
  options: { readonly storm: StormName; readonly address: string; readonly seconds: number },
): Promise<StormResult> {
  const { storm } = options;
  const yaml =
    storm === 'servers'
      ? `${frontend('')}${BACKENDS}http: { serverClose: true }\n`
      : `${frontend(OWN_ANSWER)}${BACKENDS}`;
  await single.start(yaml);
  const before = counters(single);
  const report = await reportOf(single, options);
  const after = counters(single);
  return {
    ...report,
    overflows: after.overflows - before.overflows,
    retransmits: after.retransmits - before.retransmits,
  };
}

/** How long a hypervisor may take a processor away. */
const STALL_MS = 1500;

async function reportOf(
  single: Single,
  options: { readonly storm: StormName; readonly address: string; readonly seconds: number },
): Promise<ClientReport> {
  if (options.storm === 'burst') return await burst(single, options.address);
  if (options.storm !== 'stall') return await load(single, options);
  const pids = single.proxyPids;
  signalAll(pids, 'SIGSTOP');
  const report = burst(single, options.address);
  await pause(STALL_MS);
  signalAll(pids, 'SIGCONT');
  return await report;
}

type ClientReport = Pick<StormResult, 'perSecond' | 'failed' | 'p99Ms'>;

async function load(
  single: Single,
  { storm, address, seconds }: { readonly storm: StormName; readonly address: string; readonly seconds: number },
): Promise<ClientReport> {
  const script = join(single.lab.folder, 'report.lua');
  writeFileSync(script, WRK_REPORT);
  const close = storm === 'clients' ? ['-H', 'Connection: close'] : [];
  const command = ['wrk', '-t1', '-c200', `-d${seconds}s`, '--timeout', '5s', '-s', script, ...close];
  const wrk = single.client.spawn('wrk', [...command, `http://${address}/`]);
  await wrk.exited;
  const line = lastReport(wrk, 'requests');
  const { requests, errors, p99, seconds: took } = readWrk(line);
  return { perSecond: requests / took, failed: errors, p99Ms: p99 / 1000 };
}

/** Thousands of connections at one moment, each with one request; a client of our own, because wrk opens them one by one. */
async function burst(single: Single, address: string): Promise<ClientReport> {
  const client = single.client.spawn('burst', tool('burst', { target: `${address}:80`, count: 10_000 }));
  await client.exited;
  const report = lastReport(client, 'answered') as {
    readonly answered: number;
    readonly failed: number;
    readonly p99Ms: number;
    readonly tookMs: number;
  };
  return { perSecond: (report.answered * 1000) / report.tookMs, failed: report.failed, p99Ms: report.p99Ms };
}

function lastReport(process: LabProcess, key: string): Readonly<Record<string, unknown>> {
  const line = process.lines.find(({ json }) => json?.[key] !== undefined)?.json;
  if (line === undefined) throw new Error(`Cannot read the report of ${key}:\n${process.tail()}`);
  return line;
}

function counters(single: Single): Pick<StormResult, 'overflows' | 'retransmits'> {
  const of = (node: Single['node'], group: string, name: string): number =>
    counterOf(node.run(['cat', '/proc/net/netstat', '/proc/net/snmp']), group, name);
  return {
    overflows: of(single.node, 'TcpExt', 'ListenOverflows'),
    retransmits: of(single.node, 'Tcp', 'RetransSegs') + of(single.client, 'Tcp', 'RetransSegs'),
  };
}

/** One figure of /proc/net/netstat or snmp: a line of names above a line of values. */
export function counterOf(text: string, group: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${group}:`));
  const at = lines[0]?.split(' ').indexOf(name) ?? -1;
  return Number(lines[1]?.split(' ')[at] ?? 0);
}
