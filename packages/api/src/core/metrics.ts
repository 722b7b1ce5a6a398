// The figures of one node as metric families: names, help and samples. Pure data; io/exposition.ts writes the text.
// Names follow HAProxy's exporter where it has one, base units, `_total` on counters, never a path or an address
// of a client in a label.
import type {
  BackendStatus,
  FrontendStatus,
  NodeStatus,
  PeerLinkStatus,
  PeerStatus,
  ServerStatus,
  VipStatus,
  VrrpStatus,
} from '../contract.ts';

export type Labels = Readonly<Record<string, string>>;

/** One sample; `suffix` is `_bucket`, `_sum` or `_count` in a histogram. */
export interface MetricSample {
  readonly labels: Labels;
  readonly value: number;
  readonly suffix?: string;
}

/** One family: all samples of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

type Read<T> = (item: T) => readonly MetricSample[];
type Row<T> = readonly [name: string, type: 'counter' | 'gauge', help: string, read: Read<T>];

const codes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const vipStates = ['init', 'backup', 'master', 'fault'] as const;
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

function family<T>(row: Row<T>, items: readonly T[]): MetricFamily {
  const [name, type, help, read] = row;
  return { name: `tospann_${name}`, type, help, samples: items.flatMap(read) };
}

function one(value: number, labels: Labels = {}): readonly MetricSample[] {
  return Number.isFinite(value) ? [{ labels, value }] : [];
}

/** Nothing where the node does not know the figure. */
function known(value: number | undefined, labels: Labels): readonly MetricSample[] {
  return value === undefined ? [] : one(value, labels);
}

function oneHot(states: readonly string[], state: string, labels: Labels): readonly MetricSample[] {
  return states.map((name) => ({ labels: { ...labels, state: name }, value: name === state ? 1 : 0 }));
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
  ['check_failures_total', 'counter', 'Health checks that failed.', 'checkFailuresTotal'],
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
      'backend_active_servers',
      'gauge',
      'Servers that take traffic now.',
      (b) => one(b.servers.filter((s) => s.state !== 'down' && s.admin !== 'maint').length, { proxy: b.name }),
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

const vipRows: readonly Row<VipStatus>[] = [
  [
    'vrrp_state',
    'gauge',
    'State of the failover agent for an address: 1 for the one it is in.',
    (v) => oneHot(vipStates, v.state, vipLabel(v)),
  ],
  [
    'vrrp_term',
    'gauge',
    'Take-overs over both nodes: the fencing token.',
    (v) => (v.term === undefined ? [] : one(v.term, vipLabel(v))),
  ],
  ['vrrp_transitions_total', 'counter', 'Changes of that state.', (v) => one(v.transitionsTotal, vipLabel(v))],
  [
    'vrrp_priority',
    'gauge',
    'Priority that this node advertises, 0 when it gives up.',
    (v) => one(v.priority, vipLabel(v)),
  ],
  [
    'vrrp_advert_age_seconds',
    'gauge',
    'Age of the last valid advert of the peer.',
    (v) => (v.lastAdvertAgeMs < 0 ? [] : one(v.lastAdvertAgeMs / 1000, vipLabel(v))),
  ],
  [
    'vrrp_first_answer_seconds',
    'gauge',
    "From this node's last take-over to its first real answer on the address, while it owns it.",
    (v) => (v.firstAnswerMs === undefined ? [] : one(v.firstAnswerMs / 1000, vipLabel(v))),
  ],
  ['vrrp_adverts_sent_total', 'counter', 'Adverts sent.', (v) => one(v.adverts.sentTotal, vipLabel(v))],
  [
    'vrrp_adverts_received_total',
    'counter',
    'Valid adverts received.',
    (v) => one(v.adverts.receivedTotal, vipLabel(v)),
  ],
  [
    'vrrp_adverts_dropped_total',
    'counter',
    'Packets dropped before they could touch a timer, by reason.',
    (v) => reasons(v.adverts.droppedTotal, vipLabel(v)),
  ],
];

const conditionStates = ['waiting', 'ok', 'warning', 'impaired', 'no-server', 'failed'] as const;

const agentRows: readonly Row<VrrpStatus>[] = [
  [
    'vrrp_condition',
    'gauge',
    'A condition under which this node may own addresses: 1 for the state it is in.',
    (a) => (a.conditions ?? []).flatMap(({ name, state }) => oneHot(conditionStates, state, { condition: name })),
  ],
  [
    'vrrp_maintenance',
    'gauge',
    'Whether this node is in maintenance: 1 then.',
    (a) => one(a.maintenance === undefined ? 0 : 1),
  ],
  [
    'vrrp_gratuitous_arp_total',
    'counter',
    'Gratuitous ARP packets and unsolicited neighbour advertisements sent.',
    (a) => one(a.gratuitousArpTotal),
  ],
  [
    'vrrp_address_restored_total',
    'counter',
    'Addresses put back after somebody else removed them.',
    (a) => one(a.addressRestoredTotal),
  ],
  ['vrrp_freezes_total', 'counter', 'Stalls of the machine longer than the down interval.', (a) => one(a.freezesTotal)],
  [
    'vrrp_lateness_max_seconds',
    'gauge',
    "Largest lateness of the agent's loop since its start.",
    (a) => one(a.latenessMaxMs / 1000),
  ],
  [
    'vrrp_lateness_seconds',
    'gauge',
    "Largest lateness of the agent's loop in the last minute.",
    (a) => one(a.latenessLastMinuteMs / 1000),
  ],
  [
    'vrrp_advert_lateness_seconds',
    'gauge',
    "How late this node's adverts left in the last minute; quantile 1 is the largest.",
    (a) => (a.advertLateness === undefined || a.advertLateness.count === 0 ? [] : quantiles(a.advertLateness)),
  ],
];

const peerLinkRows: readonly Row<PeerLinkStatus>[] = [
  ['vrrp_peer_link_up', 'gauge', 'The peer link is connected and speaks.', (p) => one(p.speaking ? 1 : 0)],
  [
    'vrrp_peer_last_word_age_seconds',
    'gauge',
    'Age of the last word of the other node over the peer link.',
    (p) => (p.lastWordAgeMs < 0 ? [] : one(p.lastWordAgeMs / 1000)),
  ],
  [
    'vrrp_peer_round_trip_seconds',
    'gauge',
    'Time of a word there and back.',
    (p) => (p.roundTripMs < 0 ? [] : one(p.roundTripMs / 1000)),
  ],
  [
    'vrrp_peer_clock_ahead_seconds',
    'gauge',
    "How far the other node's wall clock is ahead of this one's.",
    (p) => one(p.clockAheadMs / 1000),
  ],
  [
    'vrrp_peer_problems',
    'gauge',
    'Problems between the nodes that the peer link shows; status has their sentences.',
    (p) => one(p.problems.length),
  ],
  ['vrrp_peer_connections_total', 'counter', 'Connections of the peer link.', (p) => one(p.connectionsTotal)],
  [
    'vrrp_peer_strangers_total',
    'counter',
    "Connections to the peer link's port from other addresses than the peer's.",
    (p) => one(p.strangersTotal),
  ],
];

function vrrpFamilies({ vrrp }: NodeStatus): readonly MetricFamily[] {
  if (vrrp === undefined) return [];
  return [
    ...vipRows.map((row) => family(row, vrrp.vips)),
    ...agentRows.map((row) => family(row, [vrrp])),
    ...peerLinkRows.map((row) => family(row, vrrp.peerLink === undefined ? [] : [vrrp.peerLink])),
  ];
}

function quantiles(late: NonNullable<VrrpStatus['advertLateness']>): readonly MetricSample[] {
  const { p50Ms, p99Ms, p999Ms, maxMs } = late;
  const rows: readonly (readonly [string, number])[] = [
    ['0.5', p50Ms],
    ['0.99', p99Ms],
    ['0.999', p999Ms],
    ['1', maxMs],
  ];
  return rows.flatMap(([quantile, ms]) => one(ms / 1000, { quantile }));
}

function vipLabel(vip: VipStatus): Labels {
  return { vip: vip.name };
}

function hostFamilies(status: NodeStatus): readonly MetricFamily[] {
  const host = status.host ?? {};
  const rows: readonly (readonly [string, string, number | undefined])[] = [
    ['conntrack_entries', 'Connections that the kernel tracks now.', host.conntrackEntries],
    ['conntrack_limit', 'Connections that the kernel can track.', host.conntrackLimit],
    ['cpu_steal_ratio', 'Share of time that the hypervisor gave to others, 0 to 1.', host.cpuStealRatio],
    ['cpu_busy_ratio', 'Share of time that all processors were busy, 0 to 1.', host.cpuBusyRatio],
  ];
  return rows.map(([name, help, value]) =>
    family([name, 'gauge', help, () => (value === undefined ? [] : one(value))], [0]),
  );
}

function classes(counts: readonly number[], labels: Labels): readonly MetricSample[] {
  return codes.map((code, i) => ({ labels: { ...labels, code }, value: counts[i] ?? 0 }));
}

function reasons(counts: Readonly<Record<string, number>>, labels: Labels): readonly MetricSample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
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
