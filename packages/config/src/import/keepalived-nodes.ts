// The nodes of the pair from keepalived files: names, interfaces, and addresses where the files have them.
import { isIpv4 } from '../units.ts';
import type { ConfigProblem } from '../problem.ts';
import { contradiction } from './contradiction.ts';
import type { Setting } from './keepalived-instance.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { NodeDraft, PairDraft } from './pair-draft.ts';
import type { ImportReport } from './report.ts';

/** Adds one node for each file. */
export function makeNodes(files: readonly KeepalivedFile[], draft: PairDraft, report: ImportReport): ConfigProblem[] {
  const names = nodeNames(files, report);
  const nodes = files.map((_file, index): NodeDraft => ({ name: names[index] ?? `lb${index + 1}` }));
  draft.nodes.push(...nodes);
  const claims = new Map<NodeDraft, Setting<string>>();
  const problems = files.flatMap((file, index) => {
    const node = nodes[index];
    return node === undefined
      ? []
      : readNode(file, { node, others: nodes.filter((other) => other !== node), claims }, report);
  });
  problems.push(...sameAddress(claims, report));
  for (const [node, claim] of claims) node.address = claim.value;
  return problems;
}

/** Both peers are one machine, or a node is its own peer: adverts would never reach the other one. */
function sameAddress(claims: Map<NodeDraft, Setting<string>>, report: ImportReport): ConfigProblem[] {
  const [first, second] = [...claims];
  if (first === undefined || second === undefined || first[1].value !== second[1].value) return [];
  const [node, claim] = second;
  const about = {
    what: `the address of both nodes (unicast_peer names the other node, not this one): that of ${first[0].name} and of ${node.name}`,
    path: ['cluster', 'nodes', node.name, 'address'],
    target: `cluster.nodes.${node.name}.address`,
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

function readNode(
  file: KeepalivedFile,
  who: {
    readonly node: NodeDraft;
    readonly others: readonly NodeDraft[];
    readonly claims: Map<NodeDraft, Setting<string>>;
  },
  report: ImportReport,
): ConfigProblem[] {
  const { node, claims } = who;
  const problems: ConfigProblem[] = [];
  let first: Setting<string> | undefined;
  for (const instance of file.instances) {
    const own = instance.interface;
    if (own !== undefined) {
      const target = `cluster.nodes.${node.name}.interface`;
      if (first === undefined || first.value === own.value) {
        first ??= own;
        node.interface = own.value;
        report.answer(own.line, { verdict: 'taken', why: `the interface of ${node.name}`, target });
      } else {
        const about = {
          what: `the interface of ${node.name}`,
          path: ['cluster', 'nodes', node.name, 'interface'],
          target,
        };
        problems.push(
          contradiction(report, about, [
            { shown: first.value, line: first.line },
            { shown: own.value, line: own.line },
          ]),
        );
        node.interface = `FILL-IN-${first.value}-or-${own.value}`;
      }
    }
    if (instance.sourceAddress !== undefined) problems.push(...claim(node, instance.sourceAddress, { claims, report }));
    const [other] = who.others;
    for (const peer of instance.peers) {
      if (other !== undefined && instance.peers.length === 1) problems.push(...claim(other, peer, { claims, report }));
      else
        report.answer(peer.line, {
          verdict: 'refused',
          why: 'the file of the other node is missing, or there is more than one peer',
        });
    }
  }
  return problems;
}

/** Gives a node an address that a file names, unless another line named a different one. */
function claim(
  node: NodeDraft,
  setting: Setting<string>,
  to: { readonly claims: Map<NodeDraft, Setting<string>>; readonly report: ImportReport },
): ConfigProblem[] {
  const target = `cluster.nodes.${node.name}.address`;
  if (!isIpv4(setting.value)) {
    to.report.answer(setting.line, {
      verdict: 'refused',
      why: 'not taken over by itself: write an IPv6 address of a node as address6',
      target,
    });
    return [];
  }
  const before = to.claims.get(node);
  if (before !== undefined && before.value !== setting.value) {
    const about = { what: `the address of ${node.name}`, path: ['cluster', 'nodes', node.name, 'address'], target };
    const problem = contradiction(to.report, about, [
      { shown: before.value, line: before.line },
      { shown: setting.value, line: setting.line },
    ]);
    to.claims.set(node, { value: `FILL-IN-${before.value}-or-${setting.value}`, line: before.line });
    return [problem];
  }
  to.claims.set(node, setting);
  to.report.answer(setting.line, { verdict: 'taken', why: `the address of ${node.name}`, target });
  return [];
}
