// The verdict: one sentence that tells a tired operator whether clients are served, by whom, and what needs a hand.
// Pure. It holds no ages, so that it changes only when something has changed (it is read out by screen readers).
import type { ChildStatus, NodeStatus, PeerStatus, ServerStatus, Verdict } from '../contract.ts';
import { ownersOf, vipsOf, type Owner } from './owners.ts';
import { notReady } from './ready.ts';
import { isOut, whyOut } from './traffic.ts';

interface Finding {
  /** `notice`: as somebody has ordered it, and worth knowing. */
  readonly level: 'notice' | 'degraded' | 'down';
  readonly text: string;
}

const findingsShown = 4;
/** Characters of a configuration hash in sentences. */
const hashShown = 12;

/**
 * Judges the pair as one node sees it.
 *
 * @param self This node's own status.
 * @param peer What this node knows of its peer; absent when the cluster has one node.
 * @returns `down` when clients are hurt, `degraded` when a fault needs a person, with the gravest findings first.
 */
export function judge(self: NodeStatus, peer?: PeerStatus): Verdict {
  const peerNode = peer?.reachable ? peer.status : undefined;
  const nodes = peerNode === undefined ? [self] : [self, peerNode];
  const owners = ownersOf(nodes);
  const findings = [
    ...ownerFindings(owners, nodes),
    ...helplessOwners(owners, nodes),
    ...nodes.flatMap((node) => nodeFindings(node, owners)),
    ...peerFindings(self, peer),
    ...pathFindings(nodes),
    ...serverFindings(nodes, owners),
    ...spareFindings(nodes, owners),
  ].sort((a, b) => rank(a) - rank(b));
  const gravest = findings[0]?.level ?? 'notice';
  const worst = gravest === 'notice' ? 'ok' : gravest;
  const more = findings.length - findingsShown;
  const parts = [
    { ok: 'Healthy.', degraded: 'Degraded.', down: 'Down.' }[worst],
    ...findings.slice(0, findingsShown).map((finding) => finding.text),
    more > 0 ? `${more} more findings below.` : '',
    standing(owners, nodes),
  ];
  return { level: worst, sentence: parts.filter((part) => part !== '').join(' ') };
}

function rank(finding: Finding): number {
  return { down: 0, degraded: 1, notice: 2 }[finding.level];
}

function ownerFindings(owners: readonly Owner[], nodes: readonly NodeStatus[]): readonly Finding[] {
  return owners.flatMap(({ vip, nodes: holding }): readonly Finding[] => {
    if (holding.length === 0) return [{ level: 'down', text: `Nobody holds ${vip}${whyNobody(vip, nodes)}.` }];
    const conflict = `${list(holding)} both hold ${vip}: they do not hear each other.`;
    return holding.length > 1 ? [{ level: 'down', text: conflict }] : [];
  });
}

/** An owner that gives way to nobody keeps the address though it cannot serve: clients are hurt all the same. */
function helplessOwners(owners: readonly Owner[], nodes: readonly NodeStatus[]): readonly Finding[] {
  return nodes.flatMap((node): readonly Finding[] => {
    const held = owners.filter((owner) => owner.nodes.includes(node.node)).map(({ vip }) => vip);
    const { ability, abilityReason = '' } = node.vrrp ?? {};
    // Without a live server the backends say it, each with its servers.
    if (held.length === 0 || ability !== 'cannot-serve') return [];
    const why = abilityReason === '' ? '' : `: ${abilityReason}`;
    return [{ level: 'down', text: `${node.node} holds ${list(held)} but cannot serve${why}.` }];
  });
}

function whyNobody(name: string, nodes: readonly NodeStatus[]): string {
  const faults = nodes.flatMap((node) =>
    vipsOf(node)
      .filter((vip) => vip.name === name && vip.state === 'fault')
      .map((vip) => `${node.node}: ${vip.reason}`),
  );
  return faults.length === 0 ? '' : ` (${faults.join('; ')})`;
}

function nodeFindings(node: NodeStatus, owners: readonly Owner[]): readonly Finding[] {
  const owns = ownsAny(node, owners);
  const findings: Finding[] = [];
  for (const child of node.children) {
    if (child.state === 'down' || (child.state === 'starting' && child.restartsTotal > 0)) {
      const hurts = child.name === 'proxy' && owns;
      findings.push({ level: hurts ? 'down' : 'degraded', text: childSentence(node.node, child) });
    }
  }
  findings.push(...fileFindings(node), ...abilityFindings(node), ...moverFindings(node), ...limitFindings(node));
  for (const vip of vipsOf(node)) {
    const held = owners.some((owner) => owner.vip === vip.name && owner.nodes.length > 0);
    if (vip.state === 'fault' && held && node.vrrp?.maintenance === undefined) {
      findings.push({ level: 'degraded', text: `${node.node} cannot take ${vip.name}: ${vip.reason}.` });
    }
  }
  return findings;
}

/** A file that is not what runs: a reboot, of all times, would show it. */
function fileFindings({ node, configuration }: NodeStatus): readonly Finding[] {
  if (configuration === undefined) return [];
  const { differs, broken } = configuration;
  const text =
    broken === ''
      ? `The configuration file on ${node} is not what runs there: "tospann reload" takes it.`
      : `The configuration file on ${node} cannot be used (${broken}): the next start needs a right one.`;
  return differs || broken !== '' ? [{ level: 'degraded', text }] : [];
}

/** Maintenance and conditions that a person should look at. */
function abilityFindings(node: NodeStatus): readonly Finding[] {
  const findings: Finding[] = [];
  const { maintenance, conditions = [] } = node.vrrp ?? {};
  if (maintenance !== undefined) {
    const why = maintenance.reason === '' ? '' : ` (${maintenance.reason})`;
    findings.push({ level: 'notice', text: `${node.node} is in maintenance${why}.` });
  }
  for (const { name, state, sentence } of conditions) {
    // A gateway that never answered is no news: many networks filter the question.
    if (state !== 'impaired' && (state !== 'warning' || !name.startsWith('script '))) continue;
    findings.push({ level: 'degraded', text: `${name} of ${node.node}: ${sentence}.` });
  }
  return findings;
}

/** Where the address moves outside this machine, an owner that it was not moved to is none. */
function moverFindings(node: NodeStatus): readonly Finding[] {
  const owned = new Set(vipsOf(node).flatMap(({ name, state }) => (state === 'master' ? [name] : [])));
  return (node.vrrp?.movers ?? []).flatMap(({ vip, outcome, detail }): readonly Finding[] => {
    if (!owned.has(vip)) return [];
    const why = detail === '' ? '' : ` (${detail})`;
    if (outcome === 'failed') return [{ level: 'down', text: `${vip} was not moved to ${node.node}${why}.` }];
    if (outcome !== 'waiting') return [];
    return [{ level: 'degraded', text: `${vip} is not yet moved to ${node.node}${why}.` }];
  });
}

/** Limits of the kernel: what hurts users now, or will soon. */
function limitFindings(node: NodeStatus): readonly Finding[] {
  return (node.host?.alarms ?? []).map(({ text }) => ({ level: 'degraded', text: `${node.node}: ${text}.` }));
}

function ownsAny(node: NodeStatus, owners: readonly Owner[]): boolean {
  return owners.length === 0 || owners.some((owner) => owner.nodes.includes(node.node));
}

function childSentence(node: string, child: ChildStatus): string {
  const detail = child.detail === '' ? '' : ` (${child.detail})`;
  return `${child.name} on ${node} is ${child.state === 'down' ? 'down' : 'starting again'}${detail}.`;
}

function peerFindings(self: NodeStatus, peer?: PeerStatus): readonly Finding[] {
  if (peer === undefined) return [];
  if (!peer.reachable) {
    const why = peer.error === undefined ? '' : ` (${peer.error})`;
    return [{ level: 'degraded', text: `${peer.name} does not answer${why}.` }];
  }
  if (peer.status === undefined || peer.status.configHash === self.configHash) return [];
  // The peer link says it with what differs: once is enough.
  const theirs = peer.status.configHash.slice(0, hashShown);
  if (problemsOf(self).some((sentence) => sentence.includes(theirs))) return [];
  return [{ level: 'degraded', text: `${self.node} and ${peer.name} run different configurations.` }];
}

function problemsOf(node: NodeStatus): readonly string[] {
  return [...(node.vrrp?.peerLink?.problems ?? []), ...(node.vrrp?.addressProblems ?? [])];
}

/** What the failover agents find wrong between each other. Both see most of it, each from its side: one side is enough. */
function pathFindings(nodes: readonly NodeStatus[]): readonly Finding[] {
  const seen = nodes.map(problemsOf);
  return (seen.find((problems) => problems.length > 0) ?? []).map((sentence) => ({
    level: 'degraded',
    text: `${sentence}.`,
  }));
}

/** Servers are judged as the node sees them that serves: its checks decide where requests go. */
function serverFindings(nodes: readonly NodeStatus[], owners: readonly Owner[]): readonly Finding[] {
  const serving = nodes.find((node) => node.proxy !== undefined && ownsAny(node, owners));
  const judged = serving ?? nodes.find((node) => node.proxy !== undefined);
  const findings: Finding[] = [];
  let total = 0;
  const lost: string[] = [];
  for (const backend of judged?.proxy?.backends ?? []) {
    // What an operator took out is no fault; but a backend without any other server is.
    const down = backend.servers.filter((server) => server.state === 'down' && server.admin !== 'maint');
    total += backend.servers.length;
    lost.push(...down.map((server) => `${backend.name}/${server.name}${lastCheckOf(server)}`));
    if (isOut(backend))
      findings.push({ level: 'down', text: `No server of ${backend.name} takes traffic (${whyOut(backend)}).` });
  }
  if (lost.length > 0) {
    const names = lost.length > 3 ? `${lost.slice(0, 3).join(', ')} and others` : list(lost);
    const verb = lost.length === 1 ? 'is' : 'are';
    findings.push({ level: 'degraded', text: `${lost.length} of ${total} servers ${verb} down: ${names}.` });
  }
  return findings;
}

/** What would fail at a take-over, before it: backends that are served now and would not be then. */
function spareFindings(nodes: readonly NodeStatus[], owners: readonly Owner[]): readonly Finding[] {
  const serving = nodes.filter((node) => ownsAny(node, owners));
  const outNow = new Set(serving.flatMap((node) => node.proxy?.backends.filter(isOut).map(({ name }) => name) ?? []));
  return nodes
    .filter((node) => !serving.includes(node) && node.vrrp?.maintenance === undefined)
    .flatMap((node) => (node.proxy?.backends ?? []).map((backend) => ({ node, backend })))
    .filter(({ backend }) => isOut(backend) && !outNow.has(backend.name))
    .map(({ node, backend }) => ({
      level: 'degraded',
      text: `${node.node} could not serve ${backend.name} if it took over (${whyOut(backend)}).`,
    }));
}

function lastCheckOf(server: ServerStatus): string {
  return server.lastCheck === '' ? '' : ` (${server.lastCheck})`;
}

/** Who holds what, and who could: the holder comes first, whichever node is asked. */
function standing(owners: readonly Owner[], nodes: readonly NodeStatus[]): string {
  if (owners.length === 0) {
    const names = list(nodes.map((node) => node.node));
    return `${names} ${nodes.length === 1 ? 'serves' : 'serve'}; there is no floating address.`;
  }
  const undisputed = owners.filter((owner) => owner.nodes.length === 1);
  const holders = new Set(undisputed.flatMap((owner) => owner.nodes));
  const parts = [...holders].map((name) => {
    const held = list(undisputed.filter((owner) => owner.nodes[0] === name).map((owner) => owner.vip));
    return nodes.some((node) => node.node === name) ? `${name} holds ${held}` : `${name} still advertises ${held}`;
  });
  for (const node of nodes) {
    if (undisputed.length > 0 && !holders.has(node.node) && notReady(node) === undefined)
      parts.push(`${node.node} ready`);
  }
  return parts.length === 0 ? '' : `${parts.join(', ')}.`;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
