// The fault table: for each election and each single fault, who owns its addresses afterwards, after how long, and by
// which mechanism. Worked out from the configuration with the formulas by which the agent runs (timing.ts); nothing is
// measured. What must not be configured at all is in faults-refused.ts. Pure.
import { failoverOf, groupsOf } from './elections.ts';
import type { FailoverConfig, GroupConfig } from './model-failover.ts';
import type { PairConfig } from './model.ts';
import { downUs, leaseSeconds, probeDetectionMs, type ElectionTiming } from './timing.ts';
import { formatDuration } from './units.ts';

/** A single fault; `script` and `gateway` are there when they are configured. */
export type FaultKind =
  | 'proxy dead'
  | 'proxy hung'
  | 'agent dead'
  | 'supervisor dead'
  | 'node dead'
  | 'node dead, other in maintenance'
  | 'node frozen'
  | 'link down'
  | 'link one-way'
  | 'adverts filtered'
  | 'peer path cut'
  | 'address removed'
  | 'all servers down'
  | `script ${string}`
  | 'gateway lost';

/** One fault of the owner. */
export interface FaultRow {
  readonly fault: FaultKind;
  /** Who owns the addresses afterwards: nobody, one node, or both. */
  readonly owners: readonly string[];
  /** Longest time until then, ms. 0: the owner keeps them. */
  readonly withinMs: number;
  /** The mechanism, one sentence without its period. */
  readonly how: string;
}

/** The rows of one election. */
export interface ElectionFaults {
  readonly election: string;
  readonly vips: readonly string[];
  /** Who owns the addresses before. */
  readonly owner: string;
  /** Both nodes have the same priority: with the other node as the owner the table is the same with the names changed. */
  readonly symmetric: boolean;
  readonly rows: readonly FaultRow[];
}

/** What every row is worked out from. */
interface Situation {
  readonly owner: string;
  /** Absent: there is one node only. */
  readonly other: string | undefined;
  readonly group: GroupConfig;
  readonly failover: FailoverConfig;
  /** Until the other node takes over from silence, ms. */
  readonly downMs: number;
  readonly lease: number;
}

/** The fault table of a valid configuration. */
export function faultTable(config: PairConfig): readonly ElectionFaults[] {
  const nodes = config.cluster.nodes.map(({ name }) => name);
  return groupsOf(config).map((group) => {
    const owner = group.owner ?? group.preferred ?? nodes[0] ?? '';
    const situation = situationOf(config, group, { owner, other: nodes.find((name) => name !== owner) });
    return {
      election: group.name,
      vips: group.vips,
      owner,
      symmetric: new Set(nodes.map((name) => group.priorities[name])).size < 2,
      rows: rowsOf(situation),
    };
  });
}

function situationOf(
  config: PairConfig,
  group: GroupConfig,
  nodes: { readonly owner: string; readonly other: string | undefined },
): Situation {
  const timing = (node: string): ElectionTiming => ({
    priority: group.priorities[node] ?? 100,
    intervalUs: group.advertIntervalMs * 1000,
    missedAdverts: group.missedAdverts,
    version: group.version,
  });
  return {
    ...nodes,
    group,
    failover: failoverOf(config),
    downMs: Math.ceil(downUs(timing(nodes.other ?? nodes.owner)) / 1000),
    lease: leaseSeconds(timing(nodes.owner)),
  };
}

function rowsOf(of: Situation): readonly FaultRow[] {
  return [
    ...processRows(of),
    ...machineRows(of),
    ...networkRows(of),
    {
      fault: 'all servers down',
      owners: [of.owner],
      withinMs: 0,
      how: `both nodes stand with priority 1 and none gives way, whichever of them finds out first, so clients get 503 from ${of.owner} and not silence`,
    },
    ...conditionRows(of),
  ];
}

/** A row in which the other node takes over; with one node nobody does. */
function moved(of: Situation, row: Omit<FaultRow, 'owners'>): FaultRow {
  return { ...row, owners: of.other === undefined ? [] : [of.other] };
}

function kept(of: Situation, row: Omit<FaultRow, 'owners' | 'withinMs'>): FaultRow {
  return { ...row, owners: [of.owner], withinMs: 0 };
}

function processRows(of: Situation): FaultRow[] {
  const { owner, downMs, lease } = of;
  const probeMs = probeDetectionMs();
  const unanswered = 'two requests through its own listener get no answer';
  const alone = of.other === undefined;
  const resigns = alone
    ? `${unanswered}; there is no other node, so ${owner} keeps the address`
    : `${unanswered} and ${owner} gives way; if ${of.other} can serve no better it keeps the address`;
  const lost = (row: Omit<FaultRow, 'owners'>): FaultRow => (alone ? kept(of, row) : moved(of, row));
  return [
    lost({
      fault: 'proxy dead',
      withinMs: probeMs,
      how: `${resigns}; a proxy that its supervisor brings back before that moves nothing`,
    }),
    lost({ fault: 'proxy hung', withinMs: probeMs, how: resigns }),
    moved(of, {
      fault: 'agent dead',
      withinMs: downMs,
      how: `its adverts are missed, and the kernel of ${owner} removes the address at the latest after its lease of ${lease}s; an agent that is back within ${formatDuration(Math.floor(downMs / 2))} goes on`,
    }),
    moved(of, {
      fault: 'supervisor dead',
      withinMs: downMs,
      how: `its agent sees the channel close, resigns and removes the address`,
    }),
  ];
}

function machineRows(of: Situation): FaultRow[] {
  const { owner, downMs, lease, group } = of;
  const missed = `${group.missedAdverts} adverts of ${formatDuration(group.advertIntervalMs)} and the skew are missed`;
  return [
    moved(of, { fault: 'node dead', withinMs: downMs, how: missed }),
    ...(of.other === undefined ? [] : [deadInMaintenance(of, of.other)]),
    moved(of, {
      fault: 'node frozen',
      withinMs: downMs,
      how: `${missed}; ${owner} lets the other's advert decide before it answers again, and its address has expired (lease ${lease}s)`,
    }),
    moved(of, {
      fault: 'link down',
      withinMs: downMs,
      how: `${owner} sees its carrier go and gives way; no advert can leave it, so ${missed}`,
    }),
  ];
}

/** By design, so that it is said before. */
function deadInMaintenance({ owner }: Situation, other: string): FaultRow {
  return {
    fault: 'node dead, other in maintenance',
    owners: [],
    withinMs: 0,
    how: `${other} takes nothing over while it is in maintenance: nobody has the address until that is over or ${owner} is back`,
  };
}

function networkRows(of: Situation): FaultRow[] {
  const { owner, other, downMs, group, failover } = of;
  if (other === undefined) {
    return [kept(of, { fault: 'address removed', how: restored(group) })];
  }
  const hasLink = failover.peerPort > 0;
  const both = [owner, other];
  const hold = formatDuration(failover.holdMs);
  return [
    group.owner === owner
      ? {
          fault: 'link one-way',
          owners: both,
          withinMs: downMs,
          how: `${owner} is the address owner (priority 255) and yields to nobody: use preferred instead of owner`,
        }
      : moved(of, {
          fault: 'link one-way',
          withinMs: downMs,
          how: `${other} hears nothing and takes over; ${owner} goes on hearing lower-ranked adverts, knows that it is unheard and yields`,
        }),
    hasLink
      ? kept(of, {
          fault: 'adverts filtered',
          how: `the peer link tells ${other} that ${owner} is well: it waits for ${hold} at most (failover.hold), with the alarm "vrrp path broken"; if clients do not reach ${owner} either, they wait as long`,
        })
      : {
          fault: 'adverts filtered',
          owners: both,
          withinMs: downMs,
          how: 'there is no peer link (failover.peerPort: 0), so a filter looks like a dead node',
        },
    {
      fault: 'peer path cut',
      owners: both,
      withinMs: downMs,
      how: 'two nodes cannot tell a cut path from a dead peer: each serves the clients on its side; the higher rank stays when the path is back',
    },
    kept(of, { fault: 'address removed', how: restored(group) }),
  ];
}

function restored(group: GroupConfig): string {
  return group.announce.type === 'none'
    ? 'the address is not on an interface (announce: none)'
    : 'the agent sees it go and puts it back within milliseconds';
}

function conditionRows(of: Situation): FaultRow[] {
  const { owner, failover, group } = of;
  const scripts = failover.scripts.map(({ name, intervalMs, timeoutMs, fall }): FaultRow => {
    const fault = `script ${name}` as const;
    if (of.other === undefined) return kept(of, { fault, how: 'there is no better node' });
    const how = `${fall} bad runs in a row on ${owner} alone, and it gives way; on both nodes they move nothing`;
    return moved(of, { fault, withinMs: fall * intervalMs + timeoutMs, how });
  });
  const { gateway } = failover;
  if (gateway === undefined) return scripts;
  const lost = moved(of, {
    fault: 'gateway lost',
    withinMs: gateway.fall * gateway.intervalMs + gateway.timeoutMs + group.advertIntervalMs,
    how: `${gateway.fall} questions of ${owner} alone have no answer, and it gives way; lost for both nodes it moves nothing`,
  });
  return [
    ...scripts,
    of.other === undefined ? kept(of, { fault: 'gateway lost', how: 'there is no better node' }) : lost,
  ];
}
