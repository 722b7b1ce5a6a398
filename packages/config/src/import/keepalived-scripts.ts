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
    : `not taken over by itself (failover.scripts runs checks of your own); instead ${PROBE}`;
  report.answer(line, { verdict: 'refused', why });
}

/** One node's side of a VRRP group: what it announces, and what its script adds to that. */
export interface Side {
  readonly priority: number;
  readonly weight: number;
}

/** Answers the weight of each script of a file with what it did next to the other node's file. */
export function answerWeights(
  own: { readonly scripts: readonly Script[]; readonly instances: readonly Instance[] },
  other: { readonly scripts: readonly Script[]; readonly instances: readonly Instance[] } | undefined,
  report: ImportReport,
): void {
  for (const script of own.scripts) {
    if (script.weightLine === undefined) continue;
    const instance = own.instances.find(({ scripts }) => scripts.some(({ value }) => value.name === script.name));
    const peer = other?.instances.find(
      (candidate) => candidate.name === instance?.name || candidate.routerId?.value === instance?.routerId?.value,
    );
    const effect =
      instance === undefined
        ? 'no vrrp_instance tracks this script, so it had no effect'
        : describeWeight(
            sideOf(instance, own.scripts, script.name),
            peer === undefined ? undefined : sideOf(peer, other?.scripts ?? [], script.name),
          );
    const why = `${effect}; there are no weights here: a node that cannot serve always gives up the address`;
    report.answer(script.weightLine, { verdict: 'refused', why });
  }
}

// The weight in track_script goes before that of the script itself.
function sideOf(instance: Instance, scripts: readonly Script[], name: string): Side {
  const tracked = instance.scripts.find(({ value }) => value.name === name);
  const weight = tracked?.value.weight ?? scripts.find((script) => script.name === name)?.weight ?? 0;
  return { priority: instance.priority?.value ?? DEFAULT_PRIORITY, weight: tracked === undefined ? 0 : weight };
}

/** Answers the lines of track_script. */
export function answerTracking(instance: Instance, report: ImportReport): void {
  for (const { line } of instance.scripts) {
    report.answer(line, { verdict: 'changed', why: 'built in: every VIP follows what its node can serve' });
  }
}

/**
 * Says whether the address moved when the script of the node with the higher priority failed: a positive weight is
 * added while the script succeeds, a negative one while it fails, 0 is a fault.
 */
export function describeWeight(own: Side, other: Side | undefined): string {
  if (!Number.isInteger(own.weight)) return 'this weight is no number';
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
