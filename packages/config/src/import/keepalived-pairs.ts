// Which vrrp_instance blocks of the two files are one VRRP router, which of those a sync group makes one election, and
// what both files say about a setting.
import type { ConfigProblem } from '../problem.ts';
import { contradiction } from './contradiction.ts';
import type { Instance, Setting } from './keepalived-instance.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { PairDraft } from './pair-draft.ts';
import type { ImportReport, SourceLine } from './report.ts';

/** One node's side of a VRRP router. */
export interface Member {
  readonly node: string;
  readonly file: KeepalivedFile;
  readonly instance: Instance;
}

/** One VRRP router: the instance of each node that has it. */
export interface Pair {
  readonly name: string;
  readonly members: readonly Member[];
}

/** VRRP routers that have one owner: those of a sync group, or a single one. */
export interface Election {
  readonly name: string;
  readonly pairs: readonly Pair[];
}

/** What the makers of elections work with. */
export interface Work {
  readonly draft: PairDraft;
  readonly report: ImportReport;
  readonly files: readonly KeepalivedFile[];
  /** Names of VIPs that are given. */
  readonly names: Set<string>;
  /** Addresses of VIPs, without prefix. */
  readonly addresses: Set<string>;
  /** `51/4` and the election that has this router id in this family. */
  readonly routers: Map<string, string>;
}

/** The name says that two instances belong together; where names differ, the router id does. */
export function pairInstances(files: readonly KeepalivedFile[], nodes: readonly string[]): Pair[] {
  const [first, second] = files;
  const [one = '', two = ''] = nodes;
  const rest = [...(second?.instances ?? [])];
  const member = (node: string, file: KeepalivedFile | undefined, instance: Instance): Member[] =>
    file === undefined ? [] : [{ node, file, instance }];
  const pairs = (first?.instances ?? []).map((instance): Pair => {
    const byName = rest.findIndex((other) => other.name === instance.name);
    const byId = rest.findIndex((other) => other.routerId?.value === instance.routerId?.value);
    const at = byName === -1 ? byId : byName;
    const others = at === -1 ? [] : rest.splice(at, 1);
    const members = [member(one, first, instance), ...others.map((other) => member(two, second, other))];
    return { name: instance.name, members: members.flat() };
  });
  return [...pairs, ...rest.map((instance) => ({ name: instance.name, members: member(two, second, instance) }))];
}

/** Joins what a sync group of either file joins, and answers the lines of the groups. */
export function electionsOf(pairs: readonly Pair[], { files, report }: Work): Election[] {
  const groupOf = new Map<Pair, string>();
  for (const file of files) {
    for (const group of file.syncGroups) {
      const target = `groups.${group.name}`;
      const why = 'its instances are one election, which has one owner';
      report.answer(group.line, { verdict: 'taken', why, target });
      if (files.some((other) => !other.syncGroups.some(({ name }) => name === group.name))) {
        const only = 'only one of both files has this group: here it holds on both nodes';
        report.answer(group.line, { verdict: 'changed', why: only, target });
      }
      for (const { value, line } of group.members) {
        const pair = pairs.find(({ members }) =>
          members.some((member) => member.file === file && member.instance.name === value),
        );
        const taken = pair === undefined ? undefined : (groupOf.get(pair) ?? group.name);
        if (pair !== undefined && taken === group.name) {
          groupOf.set(pair, group.name);
          report.answer(line, { verdict: 'taken', why: `"${value}" moves with the group`, target });
        } else {
          const reason =
            pair === undefined ? 'no vrrp_instance has this name' : `it is in the group "${taken}" already`;
          report.answer(line, { verdict: 'refused', why: reason, target });
        }
      }
    }
  }
  const elections = new Map<string, Pair[]>();
  for (const [index, pair] of pairs.entries()) {
    const group = groupOf.get(pair);
    const key = group === undefined ? `pair ${index}` : `group ${group}`;
    elections.set(key, [...(elections.get(key) ?? []), pair]);
  }
  return [...elections.values()].map((members) => {
    const [first] = members;
    return { name: (first && groupOf.get(first)) ?? first?.name ?? '', pairs: members };
  });
}

export interface Question {
  readonly key: string;
  /** What it is called in the old files. */
  readonly what: string;
  readonly of: (member: Member) => Setting<string> | undefined;
  /** keepalived's default. */
  readonly absent?: string;
  /** The value may not be shown. */
  readonly secret?: boolean;
}

export interface Agreed {
  /** One value, keepalived's default, or a placeholder that `validate` refuses. */
  readonly value?: string;
  /** The lines that say it. */
  readonly said: readonly Setting<string>[];
  readonly isDisputed: boolean;
  readonly problems: readonly ConfigProblem[];
}

/** What all members say about a setting. */
export function agree(pair: Pair, report: ImportReport, question: Question): Agreed {
  const sides = pair.members.map((member) => ({ member, setting: question.of(member) }));
  const said = sides.flatMap(({ setting }) => (setting === undefined ? [] : [setting]));
  const [first, second] = sides;
  const own = first?.setting?.value ?? question.absent;
  const peers = second === undefined ? own : (second.setting?.value ?? question.absent);
  if (first === undefined || second === undefined || own === peers) {
    return { ...(own === undefined ? {} : { value: own }), said, isDisputed: false, problems: [] };
  }
  const shown: readonly [string, string] =
    question.secret === true ? ['one password', 'another'] : [own ?? 'not set', peers ?? 'not set'];
  const problem = disagreement({ name: pair.name, question, shown, lines: [lineOf(first), lineOf(second)] }, report);
  return { value: `FILL-IN-${shown.join('-or-').replaceAll(' ', '-')}`, said, isDisputed: true, problems: [problem] };
}

interface Side {
  readonly member: Member;
  readonly setting: Setting<string> | undefined;
}

/** The instance stands for a setting that it does not have. */
function lineOf({ member, setting }: Side): SourceLine {
  return setting?.line ?? member.instance.line;
}

function disagreement(
  about: {
    readonly name: string;
    readonly question: Question;
    readonly shown: readonly [string, string];
    readonly lines: readonly [SourceLine, SourceLine];
  },
  report: ImportReport,
): ConfigProblem {
  const { name, question, shown, lines } = about;
  const { key, what } = question;
  return contradiction(report, { what, path: ['vips', name, key], target: `vips.${name}.${key}` }, [
    { shown: shown[0], line: lines[0] },
    { shown: shown[1], line: lines[1] },
  ]);
}
