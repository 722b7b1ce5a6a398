// The vrrp_script blocks of keepalived.conf, and whether the weight of each would have moved the address. What is written
// in their place: keepalived-checks.ts.
import {
  answerTree,
  conditionOf,
  DEFAULT_PRIORITY,
  tableAnswer,
  type Instance,
  type Setting,
  type Tracking,
} from './keepalived-instance.ts';
import type { KeepalivedBlock } from './keepalived-text.ts';
import type { ImportReport, SourceLine } from './report.ts';

/** One vrrp_script: its settings with their lines; keepalived-checks.ts answers them. */
export interface Script {
  readonly name: string;
  readonly line: SourceLine;
  readonly weight: number;
  readonly weightLine?: SourceLine;
  /** The condition of a `script` line that counts in some configurations only. */
  readonly condition?: string;
  /** script, interval, timeout, rise, fall and user by keyword. */
  readonly settings: Readonly<Partial<Record<string, Setting<string>>>>;
}

const SETTINGS: ReadonlySet<string> = new Set(['script', 'interval', 'timeout', 'rise', 'fall', 'user']);

/** Reads a block `vrrp_script NAME { ... }`. */
export function readScript(block: KeepalivedBlock, report: ImportReport): Script {
  const settings: Partial<Record<string, Setting<string>>> = {};
  let weight: Setting<number> | undefined;
  let condition: string | undefined;
  for (const child of block.children ?? []) {
    if (child.words[1] === 'script') condition ??= conditionOf(child);
    const [keyword = '', value = ''] = child.words;
    const { line } = child;
    if (keyword === 'weight') weight = { value: Number(value), line };
    else if (keyword === 'script') settings['script'] = { value: child.words.slice(1).join(' '), line };
    else if (SETTINGS.has(keyword)) settings[keyword] = { value, line };
    else answerTree(child, report, tableAnswer('script', child));
  }
  const name = block.words[1] ?? '';
  const { value = 0, line: weightLine } = weight ?? {};
  return {
    name,
    line: block.line,
    weight: value,
    ...(weightLine === undefined ? {} : { weightLine }),
    ...(condition === undefined ? {} : { condition }),
    settings,
  };
}

/** One node's side of a VRRP group: what it announces, and what its script adds to that. */
export interface Side {
  readonly priority: number;
  readonly weight: number;
}

/** What of a file the weights need. */
interface Tracked {
  readonly scripts: readonly Script[];
  readonly instances: readonly Instance[];
  readonly syncGroups: readonly Tracking[];
}

/** Answers the weight of each script of a file with what it did next to the other node's file. */
export function answerWeights(own: Tracked, other: Tracked | undefined, report: ImportReport): void {
  for (const script of own.scripts) {
    if (script.weightLine === undefined) continue;
    const why = `${effectOf(script, own, other)}; there are no weights here: a node that cannot serve always gives up the address`;
    report.answer(script.weightLine, { verdict: 'refused', why });
  }
}

function effectOf({ name }: Script, own: Tracked, other: Tracked | undefined): string {
  const instance = own.instances.find((candidate) => tracks(candidate, name));
  if (instance === undefined) {
    return own.syncGroups.some((group) => tracks(group, name))
      ? 'it was added to every instance of the sync group, whose priorities decide whether the addresses moved'
      : 'no vrrp_instance tracks this script, so it had no effect';
  }
  const peer = other?.instances.find(
    (candidate) => candidate.name === instance.name || candidate.routerId?.value === instance.routerId?.value,
  );
  const peerSide = peer === undefined ? undefined : sideOf(peer, other?.scripts ?? [], name);
  return describeWeight(sideOf(instance, own.scripts, name), peerSide);
}

function tracks({ scripts }: Tracking, name: string): boolean {
  return scripts.some(({ value }) => value.name === name);
}

// The weight in track_script goes before that of the script itself.
function sideOf(instance: Instance, scripts: readonly Script[], name: string): Side {
  const tracked = instance.scripts.find(({ value }) => value.name === name);
  const weight = tracked?.value.weight ?? scripts.find((script) => script.name === name)?.weight ?? 0;
  return { priority: instance.priority?.value ?? DEFAULT_PRIORITY, weight: tracked === undefined ? 0 : weight };
}

/**
 * Says whether the address moved when the script of the node with the higher priority failed: a positive weight is
 * added while the script succeeds, a negative one while it fails, 0 is a fault.
 */
export function describeWeight(own: Side, other: Side | undefined): string {
  if (!Number.isInteger(own.weight)) return 'this weight is no number';
  if (![own.priority, other?.priority ?? 0].every(Number.isInteger)) {
    return 'a priority is no number here, so it cannot be said whether the address moved';
  }
  if (other === undefined) return 'whether it moves the address depends on the file of the other node';
  const [high, low] = own.priority >= other.priority ? [own, other] : [other, own];
  if (high.weight === 0) return 'weight 0 on the node with the higher priority means fault, so the address moved';
  const failing = high.priority + Math.min(0, high.weight);
  const healthy = low.priority + Math.max(0, low.weight);
  const arithmetic = `with priorities ${high.priority} and ${low.priority} a failing script leaves ${failing} against ${healthy}`;
  const gap = `the weight must exceed the gap of ${high.priority - low.priority}`;
  if (healthy > failing) return `${arithmetic}, so the address moved (${gap})`;
  const outcome =
    healthy === failing
      ? 'a tie, in which the owner keeps the address although it could not serve'
      : 'so the address stayed on the node that could not serve';
  return `${arithmetic}, ${outcome} (${gap})`;
}
