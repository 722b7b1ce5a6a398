// The figures of one node as metric families: names, help and samples. Pure data; io/exposition.ts writes the text.
// Names follow HAProxy's exporter where it has one, base units, `_total` on counters, never a path or an address
// of a client in a label.
import type { BackendStatus, FrontendStatus, NodeStatus, PeerStatus, ServerStatus } from '../contract.ts';
import {
  family,
  known,
  one,
  oneHot,
  reasons,
  type Labels,
  type MetricFamily,
  type MetricSample,
  type Row,
} from './metric-rows.ts';
import { takesTraffic } from './traffic.ts';
import { vrrpFamilies } from './vrrp-metrics.ts';

const codes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const serverStates = ['starting', 'up', 'down', 'unchecked', 'drain', 'maint'] as const;

/**
 * Makes the families of one node.
 *
 * @param status The node's own status; a family whose source does not answer is left out.
 * @param peer What the node knows of its peer: only whether and since when it hears it.
 */
export function metricFamilies(status: NodeStatus, peer?: PeerStatus): readonly MetricFamily[] {
  return [
    ...nodeFamilies(status, peer),
    ...proxyFamilies(status),
    ...vrrpFamilies(status),
    ...hostFamilies(status),
  ].filter((family) => family.samples.length > 0);
}

function nodeFamilies(status: NodeStatus, peer?: PeerStatus): readonly MetricFamily[] {
  const nodeRows: readonly Row<NodeStatus>[] = [
    ['build_info', 'gauge', 'Version and node name; always 1.', (s) => one(1, { version: s.version, node: s.node })],
    [
      'config_revision_info',
      'gauge',
      'Hash of the running configuration; always 1.',
      (s) => one(1, { hash: s.configHash }),
    ],
    ['uptime_seconds', 'gauge', 'Time since the supervisor started.', (s) => one(s.uptimeMs / 1000)],
    [
      'child_up',
      'gauge',
      '1 while a child process of the supervisor does its work.',
      (s) => s.children.map((c) => ({ labels: { child: c.name }, value: c.state === 'ready' ? 1 : 0 })),
    ],
    [
      'child_restarts_total',
      'counter',
      'Restarts of a child process after it ended by itself.',
      (s) => s.children.map((c) => ({ labels: { child: c.name }, value: c.restartsTotal })),
    ],
  ];
  const peerRows: readonly Row<PeerStatus>[] = [
    [
      'peer_up',
      'gauge',
      '1 while the peer answers over the authenticated link.',
      (p) => one(p.reachable ? 1 : 0, { peer: p.name }),
    ],
    [
      'peer_last_seen_seconds',
      'gauge',
      'Age of the last authenticated answer of the peer.',
      (p) => (p.lastSeenAgeMs < 0 ? [] : one(p.lastSeenAgeMs / 1000, { peer: p.name })),
    ],
  ];
  return [
    ...nodeRows.map((row) => family(row, [status])),
    ...peerRows.map((row) => family(row, peer === undefined ? [] : [peer])),
  ];
}

const frontendRows: readonly Row<FrontendStatus>[] = [
  [
    'frontend_current_sessions',
    'gauge',
    'Client connections open now.',
    (f) => one(f.currentConnections, { proxy: f.name }),
  ],
  [
    'frontend_connections_total',
    'counter',
    'Client connections accepted.',
    (f) => one(f.connectionsTotal, { proxy: f.name }),
  ],
  ['frontend_http_requests_total', 'counter', 'Requests received.', (f) => one(f.requestsTotal, { proxy: f.name })],
  [
    'frontend_http_responses_total',
    'counter',
    'Answers to clients by class.',
    (f) => classes(f.responsesTotal, { proxy: f.name }),
  ],
  [
    'frontend_request_errors_total',
    'counter',
    'Requests refused by the parser or a limit, by reason.',
    (f) => reasons(f.refusedTotal, { proxy: f.name }),
  ],
  ['frontend_bytes_in_total', 'counter', 'Bytes received from clients.', (f) => one(f.bytesInTotal, { proxy: f.name })],
  ['frontend_bytes_out_total', 'counter', 'Bytes sent to clients.', (f) => one(f.bytesOutTotal, { proxy: f.name })],
  [
    'frontend_http_comp_responses_total',
    'counter',
    'Answers that were compressed.',
    (f) => known(f.compressedAnswersTotal, { proxy: f.name }),
  ],
  [
    'frontend_http_comp_bytes_in_total',
    'counter',
    'Bytes of compressed answers before compression.',
    (f) => known(f.compressedBytesInTotal, { proxy: f.name }),
  ],
  [
    'frontend_http_comp_bytes_out_total',
    'counter',
    'Bytes of compressed answers after compression.',
    (f) => known(f.compressedBytesOutTotal, { proxy: f.name }),
  ],
];

type ServerCounter = { [K in keyof ServerStatus]-?: ServerStatus[K] extends number ? K : never }[keyof ServerStatus];
type CounterRow = readonly [name: string, type: 'counter' | 'gauge', help: string, key: ServerCounter];

/** Figures that a server has and that a backend has as the sum over its servers. */
const sharedCounters: readonly CounterRow[] = [
  ['current_sessions', 'gauge', 'Requests under way.', 'currentSessions'],
  ['http_requests_total', 'counter', 'Requests sent to servers.', 'requestsTotal'],
  ['connection_errors_total', 'counter', 'Connections to servers that failed.', 'connectErrorsTotal'],
  ['response_errors_total', 'counter', 'Answers of servers that were broken or cut.', 'responseErrorsTotal'],
  ['retry_warnings_total', 'counter', 'Further attempts after a failed connection.', 'retriesTotal'],
  ['redispatch_warnings_total', 'counter', 'Attempts that went to another server.', 'redispatchesTotal'],
  ['bytes_in_total', 'counter', 'Bytes sent to servers: what clients brought in.', 'bytesInTotal'],
  ['bytes_out_total', 'counter', 'Bytes received from servers: what goes out to clients.', 'bytesOutTotal'],
];

const serverOnlyCounters: readonly CounterRow[] = [
  ['check_failures_total', 'counter', 'Health checks that failed while the server was not down.', 'checkFailuresTotal'],
];

interface ServerOf {
  readonly proxy: string;
  readonly server: ServerStatus;
}

function proxyFamilies(status: NodeStatus): readonly MetricFamily[] {
  const { proxy } = status;
  if (proxy === undefined) return [];
  const servers = proxy.backends.flatMap((b) => b.servers.map((server) => ({ proxy: b.name, server })));
  return [
    ...frontendRows.map((row) => family(row, proxy.frontends)),
    ...backendRows().map((row) => family(row, proxy.backends)),
    ...serverRows().map((row) => family(row, servers)),
    family(
      ['engine_info', 'gauge', 'Transport of the data plane; always 1.', () => one(1, { engine: proxy.engine })],
      [0],
    ),
    family(['engine_threads', 'gauge', 'Worker threads of the data plane.', () => one(proxy.threads)], [0]),
    family(
      [
        'log_lines_dropped_total',
        'counter',
        'Access log lines lost because the writer was behind.',
        () => one(proxy.logLinesDroppedTotal),
      ],
      [0],
    ),
    ...timeFamilies(servers),
    responseTimeFamily(proxy.backends, proxy.latencyBoundsMs),
    latencyFamily(proxy.latencyBoundsMs, proxy.latencyCounts),
  ];
}

function backendRows(): readonly Row<BackendStatus>[] {
  const sums = sharedCounters.map(([name, type, help, key]): Row<BackendStatus> => {
    const sum = (b: BackendStatus): number => b.servers.reduce((total, server) => total + server[key], 0);
    return [`backend_${name}`, type, help, (b) => one(sum(b), { proxy: b.name })];
  });
  return [
    ...sums,
    [
      'backend_current_queue',
      'gauge',
      'Requests that wait for any server of the backend.',
      (b) => known(b.queued, { proxy: b.name }),
    ],
    [
      'backend_active_servers',
      'gauge',
      'Servers that take traffic now.',
      (b) => one(b.servers.filter(takesTraffic).length, { proxy: b.name }),
    ],
    [
      'backend_http_responses_total',
      'counter',
      'Answers of servers by class.',
      (b) =>
        classes(
          codes.map((_, i) => b.servers.reduce((total, s) => total + (s.responsesTotal[i] ?? 0), 0)),
          { proxy: b.name },
        ),
    ],
  ];
}

function serverRows(): readonly Row<ServerOf>[] {
  const label = ({ proxy, server }: ServerOf): Labels => ({ proxy, server: server.name });
  const counters = [...sharedCounters, ...serverOnlyCounters].map(([name, type, help, key]): Row<ServerOf> => [
    `server_${name}`,
    type,
    help,
    (item) => one(item.server[key], label(item)),
  ]);
  return [
    [
      'server_current_queue',
      'gauge',
      'Requests that wait for this server.',
      (item) => known(item.server.queued, label(item)),
    ],
    [
      'server_takes_traffic',
      'gauge',
      '1 while a server takes new requests: healthy, ready, with a weight, and its turn.',
      (item) => one(takesTraffic(item.server) ? 1 : 0, label(item)),
    ],
    [
      'server_status',
      'gauge',
      'State of a server: 1 for the one it is in.',
      (item) => oneHot(serverStates, item.server.status ?? item.server.state, label(item)),
    ],
    ...counters,
    [
      'server_weight',
      'gauge',
      'Weight in balancing now, 0 takes no new sessions.',
      (item) => one(item.server.effectiveWeight ?? item.server.weight, label(item)),
    ],
    [
      'server_http_responses_total',
      'counter',
      'Answers of a server by class.',
      (item) => classes(item.server.responsesTotal, label(item)),
    ],
  ];
}

function hostFamilies(status: NodeStatus): readonly MetricFamily[] {
  const host = status.host ?? {};
  const rows: readonly (readonly [string, 'counter' | 'gauge', string, number | undefined])[] = [
    ['conntrack_entries', 'gauge', 'Connections that the kernel tracks now.', host.conntrackEntries],
    ['conntrack_limit', 'gauge', 'Connections that the kernel can track.', host.conntrackLimit],
    [
      'conntrack_full_in_seconds',
      'gauge',
      'Time until the table is full at the present rate; absent while it does not grow.',
      host.conntrackFullInSeconds,
    ],
    ['conntrack_dropped_total', 'counter', 'Packets dropped because the table was full.', host.conntrackDroppedTotal],
    [
      'conntrack_insert_failed_total',
      'counter',
      'Connections that could not be entered into the table.',
      host.conntrackInsertFailedTotal,
    ],
    [
      'listen_overflows_total',
      'counter',
      'Connections that a full accept queue turned away.',
      host.listenOverflowsTotal,
    ],
    ['time_wait_overflows_total', 'counter', 'Sockets that left TIME_WAIT early.', host.timeWaitOverflowsTotal],
    ['softnet_dropped_total', 'counter', 'Packets dropped before the network stack.', host.softnetDroppedTotal],
    ['cpu_steal_ratio', 'gauge', 'Share of time that the hypervisor gave to others, 0 to 1.', host.cpuStealRatio],
    ['cpu_busy_ratio', 'gauge', 'Share of time that all processors were busy, 0 to 1.', host.cpuBusyRatio],
  ];
  return [
    ...rows.map(([name, type, help, value]) =>
      family([name, type, help, () => (value === undefined ? [] : one(value))], [0]),
    ),
    family(
      [
        'limit_alarm',
        'gauge',
        'A limit of the kernel that hurts users, or soon will.',
        ({ name }) => one(1, { alarm: name }),
      ],
      host.alarms ?? [],
    ),
  ];
}

function classes(counts: readonly number[], labels: Labels): readonly MetricSample[] {
  return codes.map((code, i) => ({ labels: { ...labels, code }, value: counts[i] ?? 0 }));
}

const timeRows: readonly (readonly [name: string, help: string, key: TimeSum])[] = [
  ['queue_time_seconds_total', 'Time that answered requests waited for a place at the server.', 'queueMsTotal'],
  ['connect_time_seconds_total', 'Time until connections for answered requests stood.', 'connectMsTotal'],
  ['response_time_seconds_total', "Time until the heads of the server's answers.", 'responseMsTotal'],
  ['total_time_seconds_total', 'Whole time of answered requests.', 'totalMsTotal'],
];
type TimeSum = 'queueMsTotal' | 'connectMsTotal' | 'responseMsTotal' | 'totalMsTotal';

function timeFamilies(servers: readonly ServerOf[]): readonly MetricFamily[] {
  return timeRows.map(([name, help, key]) => {
    const read = ({ proxy, server }: ServerOf): readonly MetricSample[] =>
      one((server[key] ?? NaN) / 1000, { proxy, server: server.name });
    return family([`server_${name}`, 'counter', help, read], servers);
  });
}

/** A histogram for each backend, over its servers. */
function responseTimeFamily(backends: readonly BackendStatus[], boundsMs: readonly number[]): MetricFamily {
  const samples = backends.flatMap((backend) => {
    const counted = backend.servers.filter((server) => server.responseTimeCounts !== undefined);
    const counts = [...boundsMs, Infinity].map((_, i) =>
      counted.reduce((total, server) => total + (server.responseTimeCounts?.[i] ?? 0), 0),
    );
    const sumMs = counted.reduce((total, server) => total + (server.responseMsTotal ?? 0), 0);
    return counted.length === 0 ? [] : buckets({ boundsMs, counts, sumMs, labels: { proxy: backend.name } });
  });
  const help = "Time from a request's connection to the head of the server's answer.";
  return { name: 'tospann_backend_response_time_seconds', help, type: 'histogram', samples };
}

interface Buckets {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
  readonly sumMs: number;
  readonly labels: Labels;
}

function buckets({ boundsMs, counts, sumMs, labels }: Buckets): readonly MetricSample[] {
  let below = 0;
  const samples = [...boundsMs.map((bound) => String(bound / 1000)), '+Inf'].map((le, i) => {
    below += counts[i] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le }, value: below };
  });
  return [...samples, { suffix: '_sum', labels, value: sumMs / 1000 }, { suffix: '_count', labels, value: below }];
}

/** The data plane counts by bucket only, so the sum is taken with each bucket's middle; the help text says so. */
function latencyFamily(boundsMs: readonly number[], counts: readonly number[]): MetricFamily {
  const middle = (i: number): number => ((boundsMs[i - 1] ?? 0) + (boundsMs[i] ?? boundsMs.at(-1) ?? 0)) / 2;
  const last = boundsMs.at(-1) ?? 0;
  const sumMs = counts.reduce((sum, count, i) => sum + count * (i < boundsMs.length ? middle(i) : last), 0);
  const help = 'Time from the head of a request to the end of its answer; the sum is estimated from the buckets.';
  const samples = buckets({ boundsMs, counts, sumMs, labels: {} });
  return { name: 'tospann_http_request_duration_seconds', help, type: 'histogram', samples };
}
