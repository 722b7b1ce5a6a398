// The vrrp_script blocks of keepalived.conf: what the old check saw, whether its weight would have moved the
// address, and what stands in its place.
import { DEFAULT_PRIORITY, type Instance } from './keepalived-instance.ts';
import type { KeepalivedBlock } from './keepalived-text.ts';
import type { ImportReport, SourceLine } from './report.ts';

const PROBE =
  'each node sends a real request through its own listener to a live server, and gives up the address when that fails';

/** One vrrp_script: its name and the line of its weight. */
export interface Script {
  readonly name: string;
  readonly weight: number;
  readonly weightLine?: SourceLine;
}

/** Reads a block `vrrp_script NAME { ... }` and answers all of its lines but the weight. */
export function readScript(block: KeepalivedBlock, report: ImportReport): Script {
  const name = block.words[1] ?? '';
  report.answer(block.line, { verdict: 'changed', why: `built in: ${PROBE}` });
  let script: Script = { name, weight: 0 };
  for (const { words, line } of block.children ?? []) {
    const [keyword = '', value = ''] = words;
    if (keyword === 'script') answerCommand(words.slice(1).join(' '), line, report);
    else if (keyword === 'weight') script = { name, weight: Number(value), weightLine: line };
    else if (['interval', 'timeout', 'rise', 'fall', 'init_fail'].includes(keyword)) {
      report.answer(line, { verdict: 'changed', why: 'the built-in probe has its own rhythm, several times a second' });
    } else if (keyword === 'user') {
      report.answer(line, { verdict: 'not-needed', why: 'no script is run' });
    }
  }
  return script;
}

function answerCommand(command: string, line: SourceLine, report: ImportReport): void {
  const existence = /\b(?:killall\s+-0|pidof|pgrep|kill\s+-0|killall\s+-s\s*0)\b/.test(command);
  const why = existence
    ? `it says that a process exists, not that requests are served: a hung haproxy passes; instead ${PROBE}`
    : `own scripts are not run by this version; instead ${PROBE}`;
  report.answer(line, { verdict: 'refused', why });
}

/** Answers the weight of each script with what it did under the priorities of both nodes. */
export function answerWeights(scripts: readonly Script[], instances: readonly Instance[], report: ImportReport): void {
  for (const script of scripts) {
    if (script.weightLine === undefined) continue;
    const tracking = instances.filter((instance) => instance.scripts.some(({ value }) => value.name === script.name));
    const weight = tracking.flatMap((instance) => ownWeight(instance, script.name))[0] ?? script.weight;
    const effect = describeWeight(
      weight,
      tracking.map((instance) => instance.priority?.value ?? DEFAULT_PRIORITY),
    );
    report.answer(script.weightLine, {
      verdict: 'refused',
      why: `${effect}; there are no weights here: a node that cannot serve always gives up the address`,
    });
  }
}

/** Answers the lines of track_script. */
export function answerTracking(instance: Instance, report: ImportReport): void {
  for (const { line } of instance.scripts) {
    report.answer(line, { verdict: 'changed', why: 'built in: every VIP follows what its node can serve' });
  }
}

function ownWeight(instance: Instance, name: string): number[] {
  return instance.scripts.flatMap(({ value }) =>
    value.name === name && value.weight !== undefined ? [value.weight] : [],
  );
}

/**
 * Says whether a failed script with this weight moves the address between two nodes of these priorities: a positive
 * weight is added while the script succeeds, a negative one while it fails, 0 is a fault.
 */
export function describeWeight(weight: number, priorities: readonly number[]): string {
  if (!Number.isInteger(weight)) return 'this weight is no number';
  if (weight === 0) return 'weight 0 means fault, so the address moved';
  const [high, low] = [...priorities].sort((a, b) => b - a);
  if (high === undefined || low === undefined)
    return 'whether it moves the address depends on the priority of the other node';
  const failing = weight > 0 ? high : high + weight;
  const healthy = weight > 0 ? low + weight : low;
  const arithmetic = `with priorities ${high} and ${low}, a weight of ${weight} leaves the failing node at ${failing} against ${healthy}`;
  if (healthy > failing)
    return `${arithmetic}, so the address moved, because the weight exceeds the gap of ${high - low}`;
  const outcome =
    healthy === failing
      ? 'a tie that the higher node address wins'
      : 'so the address stayed on the node that could not serve';
  return `${arithmetic}: ${outcome}`;
}
