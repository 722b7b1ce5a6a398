// The statistics as HAProxy shows them: a row for each frontend, server and backend, made from the node's status and its
// configuration. What we do not measure stays empty; nothing is invented. Pure.
import type { BackendConfig, FrontendConfig, PairConfig } from '@tospann/config';
import type { BackendStatus, FrontendStatus, NodeStatus, ServerStatus } from '../../contract.ts';
import { isLive, takesTraffic } from '../traffic.ts';
import type { StatsRow } from './columns.ts';
import type { Peaks, Watched } from './peaks.ts';

/** Where the rows come from. */
export interface StatsSource {
  readonly status: NodeStatus;
  readonly config: Pick<PairConfig, 'frontends' | 'backends'>;
  readonly peaks: Peaks;
}

const FRONTEND = 0;
const BACKEND = 1;
const SERVER = 2;

/** The levels and counters that `Peaks` watches. */
export function watchedFigures(status: NodeStatus): readonly Watched[] {
  const { frontends = [], backends = [] } = status.proxy ?? {};
  return [
    ...frontends.flatMap((frontend) => [
      { key: `f ${frontend.name}`, level: frontend.currentConnections, total: frontend.connectionsTotal },
      { key: `r ${frontend.name}`, level: 0, total: frontend.requestsTotal },
    ]),
    ...backends.flatMap((backend) => [
      { key: `b ${backend.name}`, level: sum(backend, 'currentSessions'), total: sum(backend, 'requestsTotal') },
      { key: `q ${backend.name}`, level: backend.queued ?? 0, total: 0 },
      ...backend.servers.map((server) => ({
        key: `s ${backend.name}/${server.name}`,
        level: server.currentSessions,
        total: server.requestsTotal,
      })),
      ...backend.servers.map((server) => ({
        key: `q ${backend.name}/${server.name}`,
        level: server.queued ?? 0,
        total: 0,
      })),
    ]),
  ];
}

/** All rows, in HAProxy's order: frontends, then each backend's servers and the backend. Empty without a proxy. */
export function statsRows(source: StatsSource): readonly StatsRow[] {
  const { frontends = [], backends = [] } = source.status.proxy ?? {};
  return [
    ...frontends.map((frontend, i) => frontendRow(source, frontend, i + 1)),
    ...backends.flatMap((backend, i) => backendRows(source, backend, frontends.length + i + 1)),
  ];
}

function frontendRow({ config, peaks }: StatsSource, frontend: FrontendStatus, iid: number): StatsRow {
  const configured = config.frontends.find(({ name }) => name === frontend.name);
  const connections = peaks.of(`f ${frontend.name}`);
  const requests = peaks.of(`r ${frontend.name}`);
  return {
    pxname: frontend.name,
    svname: 'FRONTEND',
    scur: frontend.currentConnections,
    smax: Math.max(connections.levelMax, frontend.currentConnections),
    slim: configured?.maxConnections ?? '',
    stot: frontend.connectionsTotal,
    bin: frontend.bytesInTotal,
    bout: frontend.bytesOutTotal,
    ereq: Object.values(frontend.refusedTotal).reduce((total, count) => total + count, 0),
    status: 'OPEN',
    pid: 1,
    iid,
    sid: 0,
    type: FRONTEND,
    rate: connections.rate,
    rate_max: connections.rateMax,
    ...answers(frontend.responsesTotal),
    req_rate: requests.rate,
    req_rate_max: requests.rateMax,
    req_tot: frontend.requestsTotal,
    mode: modeOf(configured),
    conn_rate: connections.rate,
    conn_rate_max: connections.rateMax,
    conn_tot: frontend.connectionsTotal,
  };
}

function backendRows(source: StatsSource, backend: BackendStatus, iid: number): readonly StatsRow[] {
  const configured = source.config.backends.find(({ name }) => name === backend.name);
  const servers = backend.servers.map((server, i) => ({
    ...serverRow({ ...source, configured, backend }, server),
    pid: 1,
    iid,
    sid: i + 1,
  }));
  return [...servers, { ...backendRow(source, backend, configured), pid: 1, iid, sid: 0 }];
}

interface ServerSource extends StatsSource {
  readonly configured: BackendConfig | undefined;
  readonly backend: BackendStatus;
}

function serverRow({ status, peaks, configured, backend }: ServerSource, server: ServerStatus): StatsRow {
  const settings = configured?.servers.find(({ name }) => name === server.name);
  const peak = peaks.of(`s ${backend.name}/${server.name}`);
  const isBackup = settings?.backup === true;
  return {
    pxname: backend.name,
    svname: server.name,
    ...queue(peaks, `${backend.name}/${server.name}`, server.queued),
    scur: server.currentSessions,
    smax: Math.max(peak.levelMax, server.currentSessions),
    slim: settings?.maxConnections ?? '',
    stot: server.requestsTotal,
    bin: server.bytesInTotal,
    bout: server.bytesOutTotal,
    econ: server.connectErrorsTotal,
    eresp: server.responseErrorsTotal,
    wretr: server.retriesTotal,
    wredis: server.redispatchesTotal,
    status: serverStatusText(server),
    weight: weightOf(server),
    act: isBackup ? 0 : 1,
    bck: isBackup ? 1 : 0,
    chkfail: server.checkFailuresTotal,
    lastchg: ageSeconds(status, server.sinceMs),
    lbtot: server.requestsTotal,
    type: SERVER,
    rate: peak.rate,
    rate_max: peak.rateMax,
    ...checkResult(server, configured),
    ...answers(server.responsesTotal),
    ...times([server]),
    last_chk: server.lastCheck,
    addr: server.address.includes(':') ? `[${server.address}]:${server.port}` : `${server.address}:${server.port}`,
    cookie: settings?.cookie ?? '',
    mode: modeOf(configured),
    uweight: settings?.weight ?? server.weight,
  };
}

function backendRow({ status, peaks }: StatsSource, backend: BackendStatus, configured?: BackendConfig): StatsRow {
  const peak = peaks.of(`b ${backend.name}`);
  const isBackup = (server: ServerStatus): boolean =>
    configured?.servers.find(({ name }) => name === server.name)?.backup === true;
  // HAProxy counts all that could serve, and weighs those whose turn it is.
  const live = backend.servers.filter(isLive);
  const backups = live.filter(isBackup);
  const taking = backend.servers.filter(takesTraffic);
  const current = sum(backend, 'currentSessions');
  return {
    pxname: backend.name,
    svname: 'BACKEND',
    ...queue(peaks, backend.name, backend.queued),
    scur: current,
    smax: Math.max(peak.levelMax, current),
    slim: configured?.maxConnections ?? '',
    stot: sum(backend, 'requestsTotal'),
    bin: sum(backend, 'bytesInTotal'),
    bout: sum(backend, 'bytesOutTotal'),
    econ: sum(backend, 'connectErrorsTotal'),
    eresp: sum(backend, 'responseErrorsTotal'),
    wretr: sum(backend, 'retriesTotal'),
    wredis: sum(backend, 'redispatchesTotal'),
    status: taking.length > 0 ? 'UP' : 'DOWN',
    weight: taking.reduce((total, server) => total + weightOf(server), 0),
    act: live.length - backups.length,
    bck: backups.length,
    lastchg: ageSeconds(status, Math.max(0, ...backend.servers.map((server) => server.sinceMs))),
    lbtot: sum(backend, 'requestsTotal'),
    type: BACKEND,
    rate: peak.rate,
    rate_max: peak.rateMax,
    ...answers([0, 1, 2, 3, 4].map((i) => backend.servers.reduce((n, s) => n + (s.responsesTotal[i] ?? 0), 0))),
    ...times(backend.servers),
    req_tot: sum(backend, 'requestsTotal'),
    mode: modeOf(configured),
    algo: configured?.balance ?? '',
    cookie: configured?.cookie?.name ?? '',
  };
}

type Summed = 'currentSessions' | 'requestsTotal' | 'bytesInTotal' | 'bytesOutTotal' | 'connectErrorsTotal';
type SummedToo = 'responseErrorsTotal' | 'retriesTotal' | 'redispatchesTotal';

function sum(backend: BackendStatus, key: Summed | SummedToo): number {
  return backend.servers.reduce((total, server) => total + server[key], 0);
}

/** Requests that wait, now and at most; nothing where the data plane does not say it. */
function queue(peaks: Peaks, key: string, queued: number | undefined): StatsRow {
  if (queued === undefined) return {};
  return { qcur: queued, qmax: Math.max(peaks.of(`q ${key}`).levelMax, queued) };
}

function modeOf(configured: FrontendConfig | BackendConfig | undefined): string {
  return configured?.mode ?? 'http';
}

function answers(byClass: readonly number[]): StatsRow {
  const [hrsp_1xx = 0, hrsp_2xx = 0, hrsp_3xx = 0, hrsp_4xx = 0, hrsp_5xx = 0] = byClass;
  return { hrsp_1xx, hrsp_2xx, hrsp_3xx, hrsp_4xx, hrsp_5xx, hrsp_other: 0 };
}

/** Average times in ms of all answered requests (HAProxy's are of the last 1024). */
function times(servers: readonly ServerStatus[]): StatsRow {
  const total = (pick: (server: ServerStatus) => number | undefined): number =>
    servers.reduce((sum, server) => sum + (pick(server) ?? 0), 0);
  const answered = total((server) => server.responseTimeCounts?.reduce((sum, count) => sum + count, 0));
  if (answered === 0) return { qtime: 0, ctime: 0, rtime: 0, ttime: 0 };
  const average = (pick: (server: ServerStatus) => number | undefined): number => Math.round(total(pick) / answered);
  return {
    qtime: average((server) => server.queueMsTotal),
    ctime: average((server) => server.connectMsTotal),
    rtime: average((server) => server.responseMsTotal),
    ttime: average((server) => server.totalMsTotal),
  };
}

/** With the agent's percentage; of a server that drains, what it will have again, as HAProxy shows it. */
function weightOf({ admin = 'ready', state, weight, effectiveWeight = weight }: ServerStatus): number {
  return admin === 'ready' && state !== 'down' ? effectiveWeight : weight;
}

function serverStatusText(server: ServerStatus): string {
  if (server.admin === 'maint') return 'MAINT';
  if (server.state === 'down') return 'DOWN';
  if (server.admin === 'drain') return 'DRAIN';
  return server.state === 'unchecked' ? 'no check' : 'UP';
}

function ageSeconds(status: NodeStatus, sinceMs: number): number {
  return Math.max(0, Math.round((status.monotonicMs - sinceMs) / 1000));
}

/** HAProxy's short names for the end of a check: L4 is the connection, L7 the answer. */
function checkResult(server: ServerStatus, configured: BackendConfig | undefined): StatsRow {
  const text = server.lastCheck;
  if (configured?.check === undefined || text === '') return {};
  const check_code = /^HTTP (\d{3})/.exec(text)?.[1] ?? '';
  const check_duration = / in (\d+) ms$/.exec(text)?.[1] ?? '';
  const layer = configured.check.type === 'http' ? 'L7' : 'L4';
  return { check_status: server.checkStatus ?? statusOf(server, layer), check_code, check_duration };
}

/** From the words, for figures without a short name. */
function statusOf(server: ServerStatus, layer: 'L4' | 'L7'): string {
  const text = server.lastCheck;
  if (server.state !== 'down') return `${layer}OK`;
  if (text.startsWith('HTTP ')) return 'L7STS';
  if (text.startsWith('no answer')) return `${layer}TOUT`;
  return /refused|route|reset/.test(text) ? 'L4CON' : 'L7RSP';
}
