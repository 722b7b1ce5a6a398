// The failover agent's figures as metric families: addresses, the agent itself, the link to the other node. Pure.
import type { NodeStatus, PeerLinkStatus, VipStatus, VrrpStatus } from '../contract.ts';
import {
  family,
  one,
  oneHot,
  reasons,
  type Labels,
  type MetricFamily,
  type MetricSample,
  type Row,
} from './metric-rows.ts';

const vipStates = ['init', 'backup', 'master', 'fault'] as const;

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

/** The failover agent's families. */
export function vrrpFamilies({ vrrp }: NodeStatus): readonly MetricFamily[] {
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
