// The nodes of the pair from keepalived files: names, interfaces, and addresses where the files have them.
import { isIpv4, isIpv6, readAnyHost } from '../units.ts';
import type { ConfigProblem } from '../problem.ts';
import { contradiction } from './contradiction.ts';
import type { Instance, Setting } from './keepalived-instance.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { NodeDraft, PairDraft } from './pair-draft.ts';
import type { ImportReport } from './report.ts';

type AddressKey = 'address' | 'address6';
const addressKeys: readonly AddressKey[] = ['address', 'address6'];

/** What the lines of both files say about the addresses of the nodes. */
type Claims = Readonly<Record<AddressKey, Map<NodeDraft, Setting<string>>>>;

/** Adds one node for each file. */
export function makeNodes(files: readonly KeepalivedFile[], draft: PairDraft, report: ImportReport): ConfigProblem[] {
  const names = nodeNames(files, report);
  const nodes = files.map((_file, index): NodeDraft => ({ name: names[index] ?? `lb${index + 1}` }));
  draft.nodes.push(...nodes);
  const claims: Claims = { address: new Map(), address6: new Map() };
  const problems = files.flatMap((file, index) => {
    const node = nodes[index];
    const others = nodes.filter((other) => other !== node);
    return node === undefined ? [] : readNode(file, { node, others, claims }, report);
  });
  for (const key of addressKeys) {
    problems.push(...sameAddress(claims[key], key, report));
    for (const [node, claim] of claims[key]) node[key] = claim.value;
  }
  return problems;
}

/** Both peers are one machine, or a node is its own peer: adverts would never reach the other one. */
function sameAddress(claims: Map<NodeDraft, Setting<string>>, key: AddressKey, report: ImportReport): ConfigProblem[] {
  const [first, second] = [...claims];
  if (first === undefined || second === undefined || first[1].value !== second[1].value) return [];
  const [node, claim] = second;
  const about = {
    what: `the address of both nodes (unicast_peer names the other node, not this one): that of ${first[0].name} and of ${node.name}`,
    path: ['cluster', 'nodes', node.name, key],
    target: `cluster.nodes.${node.name}.${key}`,
  };
  const problem = contradiction(report, about, [
    { shown: first[1].value, line: first[1].line },
    { shown: claim.value, line: claim.line },
  ]);
  claims.set(node, { value: `FILL-IN-address-of-${node.name}`, line: claim.line });
  return [problem];
}

// router_id is a free text in keepalived; it is a name here only when both files have different ones that fit.
function nodeNames(files: readonly KeepalivedFile[], report: ImportReport): string[] {
  const names = files.map((file) => file.routerName?.value ?? '');
  const usable = names.every((name) => /^\w[\w.-]{0,63}$/.test(name)) && new Set(names).size === names.length;
  for (const file of files) {
    if (file.routerName === undefined) continue;
    report.answer(
      file.routerName.line,
      usable
        ? { verdict: 'taken', why: 'the name of the node', target: 'cluster.nodes' }
        : {
            verdict: 'refused',
            why: 'node names must differ and both be given: the nodes are lb1 and lb2, in the order of the files',
          },
    );
  }
  return usable ? names : files.map((_file, index) => `lb${index + 1}`);
}

interface Who {
  readonly node: NodeDraft;
  readonly others: readonly NodeDraft[];
  readonly claims: Claims;
}

function readNode(file: KeepalivedFile, who: Who, report: ImportReport): ConfigProblem[] {
  const { node } = who;
  const own = ownInterface(file);
  if (own !== undefined) node.interface = own;
  return file.instances.flatMap((instance) => {
    const { interface: network } = instance;
    if (network !== undefined && network.value !== own) {
      const why = `the interface of its VIPs; adverts go over ${own}, the interface of ${node.name}`;
      report.answer(network.line, { verdict: 'changed', why, target: `vips.${instance.name}.interface` });
      refuseAddresses(instance, `adverts go over ${own}, between the addresses there`, report);
      return [];
    }
    if (network !== undefined) {
      const target = `cluster.nodes.${node.name}.interface`;
      report.answer(network.line, { verdict: 'taken', why: `the interface of ${node.name}`, target });
    }
    return claimAddresses(instance, who, report);
  });
}

/** That of the first instance which names IPv4 addresses of the nodes, else of the first one. */
function ownInterface({ instances }: KeepalivedFile): string | undefined {
  const withAddresses = instances.find(
    ({ interface: network, sourceAddress, peers }) =>
      network !== undefined && (isIpv4(sourceAddress?.value ?? '') || isIpv4(peers[0]?.value ?? '')),
  );
  return (withAddresses ?? instances.find((instance) => instance.interface !== undefined))?.interface?.value;
}

function refuseAddresses({ sourceAddress, peers }: Instance, why: string, report: ImportReport): void {
  for (const setting of [...(sourceAddress === undefined ? [] : [sourceAddress]), ...peers]) {
    report.answer(setting.line, { verdict: 'changed', why });
  }
}

function claimAddresses(instance: Instance, who: Who, report: ImportReport): ConfigProblem[] {
  const problems =
    instance.sourceAddress === undefined ? [] : claim(who.node, instance.sourceAddress, { claims: who.claims, report });
  const [other] = who.others;
  for (const peer of instance.peers) {
    if (other !== undefined && instance.peers.length === 1)
      problems.push(...claim(other, peer, { claims: who.claims, report }));
    else
      report.answer(peer.line, {
        verdict: 'refused',
        why: 'the file of the other node is missing, or there is more than one peer: a pair has two nodes, give the files of both (--keepalived twice)',
      });
  }
  return problems;
}

/** Gives a node an address that a file names, unless another line named a different one. */
function claim(
  node: NodeDraft,
  setting: Setting<string>,
  to: { readonly claims: Claims; readonly report: ImportReport },
): ConfigProblem[] {
  const key = isIpv4(setting.value) ? 'address' : 'address6';
  const target = `cluster.nodes.${node.name}.${key}`;
  const reading = readAnyHost(setting.value);
  if (!reading.ok || /^fe[89ab]/i.test(setting.value)) {
    const why = isIpv6(setting.value.split('%')[0] ?? '')
      ? 'a link-local address is none of a node: write its global or unique local one as address6'
      : 'this is no address of a host: write the address of the node';
    to.report.answer(setting.line, { verdict: 'refused', why, target });
    return [];
  }
  const before = to.claims[key].get(node);
  if (before !== undefined && before.value !== reading.value) {
    const about = { what: `the address of ${node.name}`, path: ['cluster', 'nodes', node.name, key], target };
    const problem = contradiction(to.report, about, [
      { shown: before.value, line: before.line },
      { shown: setting.value, line: setting.line },
    ]);
    to.claims[key].set(node, { value: `FILL-IN-${before.value}-or-${setting.value}`, line: before.line });
    return [problem];
  }
  to.claims[key].set(node, { value: reading.value, line: setting.line });
  const what = key === 'address' ? 'the address' : 'the IPv6 address';
  to.report.answer(setting.line, { verdict: 'taken', why: `${what} of ${node.name}`, target });
  return [];
}
