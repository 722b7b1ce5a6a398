// The text of `tospann status`: pure. One verdict sentence, then the addresses, then the servers.
import { FOREIGN_TEXT_LIMIT, plainText } from '@tospann/errors';
import {
  idleBecause,
  takesTraffic,
  heirOf,
  type MoverStatus,
  type NodeStatus,
  type PairStatus,
  type PeerLinkStatus,
  planMaintenance,
} from '@tospann/api';

/** Renders the pair for a terminal; no colour, so that it can be piped and pasted. */
export function renderStatus(pair: PairStatus): readonly string[] {
  const lines = [pair.verdict.sentence, ''];
  lines.push(
    ...table([['NODE', 'VERSION', 'CONFIG', 'UP', 'ENGINE', 'CHILDREN'], nodeRow(pair.self), ...peerRows(pair)]),
  );
  const vips = pair.self.vrrp?.vips ?? [];
  if (vips.length > 0) {
    const rows = vips.map((vip) => [
      vip.name,
      vip.address,
      vip.owner || '?',
      `${vip.state} here for ${duration(pair.self.monotonicMs - vip.sinceMs)}`,
      vip.reason,
    ]);
    lines.push('', ...table([['VIP', 'ADDRESS', 'OWNER', 'STATE', 'WHY'], ...rows]));
  }
  const movers = pair.self.vrrp?.movers ?? [];
  if (movers.length > 0)
    lines.push('', ...table([['MOVER', 'LAST MOVE', 'TERM', 'ATTEMPTS', 'WHY'], ...movers.map(moverRow)]));
  lines.push(...conditionLines(pair.self), ...maintenanceLines(pair), ...returnLines(pair), ...stopLines(pair));
  const link = pair.self.vrrp?.peerLink;
  if (link !== undefined) lines.push('', peerLinkLine(link, pair.self.monotonicMs));
  const servers = serverRows(pair.self);
  if (servers.length > 0)
    lines.push(
      '',
      ...table([
        ['SERVER', 'ADDRESS', 'STATE', 'TRAFFIC', 'SESSIONS', 'QUEUE', 'REQUESTS', '5XX', 'LAST CHECK'],
        ...servers,
      ]),
    );
  for (const notice of pair.self.notices) lines.push('', notice);
  return lines;
}

/** What decides whether this node may own addresses, the worst first. */
function conditionLines(node: NodeStatus): readonly string[] {
  const conditions = (node.vrrp?.conditions ?? []).toSorted((one, other) => graveness(other) - graveness(one));
  if (conditions.length === 0) return [];
  const rows = conditions.map(({ name, state, sinceMs, sentence, output }) => [
    name,
    `${state} for ${duration(node.monotonicMs - sinceMs)}`,
    state === 'ok' || output === undefined ? sentence : `${sentence}: ${lastLine(output)}`,
  ]);
  return ['', ...table([['CONDITION', 'STATE', 'WHAT WAS FOUND'], ...rows])];
}

const byGraveness = ['ok', 'waiting', 'warning', 'impaired', 'no-server', 'failed'] as const;

function graveness({ state }: { readonly state: (typeof byGraveness)[number] }): number {
  return byGraveness.indexOf(state);
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** What a stop of this node would mean now. */
function stopLines(pair: PairStatus): readonly string[] {
  const { self } = pair;
  const owned = (self.vrrp?.vips ?? []).filter(({ state }) => state === 'master').map(({ name }) => name);
  if (owned.length === 0 || (self.nodes ?? []).length < 2) return [];
  // One sentence for all addresses with the same fate.
  const fates = new Map<string, string[]>();
  for (const vip of owned) {
    const heir = heirOf(vip, pair);
    const fate = 'to' in heir ? `${heir.to} takes` : `nobody takes|: ${heir.why}`;
    fates.set(fate, [...(fates.get(fate) ?? []), vip]);
  }
  const lines = [...fates].map(([fate, vips]) => {
    const [who = '', why = ''] = fate.split('|');
    return `If ${self.node} stops now, ${who} ${vips.join(', ')}${why}`;
  });
  return ['', ...lines, ...plannedLines(pair)];
}

/** A planned move asks for more than an election: what it would refuse, or could not promise. */
function plannedLines(pair: PairStatus): readonly string[] {
  const plan = planMaintenance(pair, false);
  if (plan.action === 'refuse') return `A planned move would be refused: ${plan.detail}`.split('\n');
  if (plan.notPromised.length === 0) return ['A planned move keeps connections under way'];
  return plan.notPromised.map((sentence) => `A planned move: ${sentence}`);
}

/** A preferred node that waits until it is sure to stay: when it takes its addresses back. */
function returnLines({ self, peer }: PairStatus): readonly string[] {
  const nodes = peer?.reachable === true && peer.status !== undefined ? [self, peer.status] : [self];
  const lines = nodes.flatMap((node) =>
    (node.vrrp?.vips ?? []).flatMap(({ name, state, takesBackAtMs }) =>
      takesBackAtMs === undefined || state === 'master'
        ? []
        : [`${node.node} takes ${name} back in ${duration(takesBackAtMs - node.monotonicMs)}`],
    ),
  );
  return lines.length === 0 ? [] : ['', ...lines];
}

/** The own node's maintenance is among its notices. */
function maintenanceLines({ peer }: PairStatus): readonly string[] {
  const maintenance = peer?.status?.vrrp?.maintenance;
  if (maintenance === undefined) return [];
  const reason = maintenance.reason === '' ? '' : `: ${maintenance.reason}`;
  return ['', `${peer?.name ?? ''} is in maintenance since ${maintenance.since}${reason}`];
}

/** The problems are in the verdict. */
function peerLinkLine(link: PeerLinkStatus, nowMs: number): string {
  const since = duration(nowMs - link.sinceMs);
  if (!link.connected) return `Peer link to ${link.peer}: down for ${since}: ${link.detail || 'not connected yet'}`;
  const facts = [
    `up for ${since}`,
    link.lastWordAgeMs < 0 ? 'no word yet' : `last word ${link.lastWordAgeMs.toFixed(0)} ms ago`,
    link.roundTripMs < 0 ? '' : `round trip ${link.roundTripMs.toFixed(1)} ms`,
    `clocks ${Math.abs(link.clockAheadMs).toFixed(0)} ms apart`,
  ];
  return `Peer link to ${link.peer}: ${facts.filter((fact) => fact !== '').join(', ')}`;
}

function nodeRow(node: NodeStatus): readonly string[] {
  const children = node.children.map(
    (child) => `${child.name} ${child.state}${child.restartsTotal > 0 ? ` (${child.restartsTotal} restarts)` : ''}`,
  );
  return [
    node.node,
    node.version,
    node.configHash.slice(0, 12),
    duration(node.uptimeMs),
    node.proxy?.engine ?? '-',
    children.join(', '),
  ];
}

function peerRows(pair: PairStatus): readonly (readonly string[])[] {
  const { peer } = pair;
  if (peer === undefined) return [];
  if (peer.reachable && peer.status !== undefined) return [nodeRow(peer.status)];
  const seen = peer.lastSeenAgeMs < 0 ? 'never heard' : `not heard for ${duration(peer.lastSeenAgeMs)}`;
  return [[peer.name, '-', '-', '-', '-', `${seen}: ${peer.error ?? 'no answer'}`]];
}

function moverRow({ vip, outcome, durationMs, term, attempts, detail }: MoverStatus): readonly string[] {
  return [vip, `${outcome} after ${Math.round(durationMs)} ms`, String(term), String(attempts), detail];
}

function serverRows(node: NodeStatus): readonly (readonly string[])[] {
  return (node.proxy?.backends ?? []).flatMap((backend) =>
    backend.servers.map((server) => [
      `${backend.name}/${server.name}`,
      `${server.address}:${server.port}`,
      server.status ?? server.state,
      takesTraffic(server) ? 'yes' : `no: ${idleBecause(server)}`,
      String(server.currentSessions),
      queueText(server.queued, backend.queued),
      String(server.requestsTotal),
      String(server.responsesTotal[4]),
      [server.lastCheck, server.checkDetail].filter((text) => text !== undefined && text !== '').join('; '),
    ]),
  );
}

/** Requests that wait: for this server, and for any of its backend; `-`: the data plane does not say it. */
export function queueText(server: number | undefined, backend = 0): string {
  if (server === undefined) return '-';
  return backend > 0 ? `${server}, ${backend} for any` : String(server);
}

/** `4 s`, `12 min`, `3 h`, `9 d`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Columns as wide as their widest cell; what a cell shows is often foreign, so it is one bounded line. */
export function table(texts: readonly (readonly string[])[]): readonly string[] {
  const rows = texts.map((row) => row.map((cell) => plainText(cell, FOREIGN_TEXT_LIMIT)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
