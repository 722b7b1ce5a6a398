// From the files of an old pair (HAProxy, keepalived, sysctl) to one configuration file and a report of every line.
// Pure: texts in, texts out. Values that the old files do not have are given by the caller or left as placeholders
// that `parseConfig` refuses; nothing is invented.
import { problemAt, type ConfigProblem } from '../problem.ts';
import { isIpv4, readHostAddress6 } from '../units.ts';
import { importHaproxy } from './haproxy.ts';
import { importKeepalived } from './keepalived.ts';
import { emptyDraft, type PairDraft } from './pair-draft.ts';
import { ImportReport, type ImportLine } from './report.ts';
import { importSysctl } from './sysctl.ts';
import { writeYaml } from './write-yaml.ts';

/** A file of an old node. */
export interface ImportSource {
  readonly file: string;
  readonly text: string;
}

export interface ImportInput {
  /** One file, or one for each old node; the first one is taken, the other compared with it. */
  readonly haproxy: readonly ImportSource[];
  /** One file for each old node: the first one is lb1's. */
  readonly keepalived: readonly ImportSource[];
  readonly sysctl: readonly ImportSource[];
  /**
   * The nodes' own addresses by node name, an IPv4 and an IPv6 address with a comma between them or one of both; they are
   * in none of the old files unless adverts were unicast.
   */
  readonly nodeAddresses?: Readonly<Record<string, string>>;
  /** Values of environment variables of the old HAProxy process that its file uses. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ImportResult {
  /** The new file. `parseConfig` accepts it, or says what is still to be written. */
  readonly yaml: string;
  /** One entry for every line of the old files that says something, in order. */
  readonly report: readonly ImportLine[];
  /** Contradictions between the files and wrong options: the new file needs a person first. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Makes one configuration of a pair from the files of its two old nodes. Never throws on input.
 *
 * @param input The texts. File names appear in the report.
 */
export function importConfig(input: ImportInput): ImportResult {
  const draft = emptyDraft();
  const report = new ImportReport();
  importHaproxy({ sources: input.haproxy, environment: input.environment ?? {} }, draft, report);
  const given: ConfigProblem[] = [];
  const problems = importKeepalived(input.keepalived, { draft, report }, () => {
    addMissingNodes(draft, input);
    given.push(...giveAddresses(draft, input.nodeAddresses ?? {}));
  });
  problems.push(...given);
  importSysctl(input.sysctl, report);
  const sources = [...input.haproxy, ...input.keepalived, ...input.sysctl].map((source) => source.file);
  return { yaml: writeYaml(draft, sources), report: report.finish(), problems };
}

// Without keepalived files the nodes are those that have an address, else one for each haproxy file.
function addMissingNodes(draft: PairDraft, input: ImportInput): void {
  if (draft.nodes.length > 0) return;
  const named = Object.keys(input.nodeAddresses ?? {});
  const count = Math.min(2, Math.max(1, input.haproxy.length));
  const names = named.length > 0 ? named : Array.from({ length: count }, (_, index) => `lb${index + 1}`);
  draft.nodes.push(...names.map((name) => ({ name })));
}

function giveAddresses(draft: PairDraft, addresses: Readonly<Record<string, string>>): ConfigProblem[] {
  const names = draft.nodes.map((node) => node.name).join(', ');
  const place = { file: '--node-address', line: 1, column: 1 };
  return Object.entries(addresses).flatMap(([name, value]) => {
    const node = draft.nodes.find((known) => known.name === name);
    const finding = { severity: 'error', path: ['cluster', 'nodes', name, 'address'], at: 'value' } as const;
    if (node === undefined) {
      return [problemAt({ ...finding, code: 'LB_IMPORT_UNKNOWN_NODE', params: { name, nodes: names } }, place)];
    }
    return value.split(',').flatMap((address) => {
      if (isIpv4(address)) node.address = address;
      else if (readHostAddress6(address).ok) node.address6 = address;
      else return [problemAt({ ...finding, code: 'LB_IMPORT_BAD_ADDRESS', params: { name, value: address } }, place)];
      return [];
    });
  });
}
