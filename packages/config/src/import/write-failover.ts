// Writes the floating addresses, elections, checks and hooks of a draft as lines of the new file. Pure text.
import type { ElectionDraft, FlowValue, PairDraft } from './pair-draft.ts';
import { flow, scalar } from './yaml-text.ts';

/** `vips` and, where not all of them move together, `groups`. */
export function vipsLines({ elections }: PairDraft): string[] {
  if (elections.length === 0) return [];
  return ['vips:', ...elections.flatMap(electionLines), ...groupsLines(elections)];
}

function electionLines({ vips, settings, remarks }: ElectionDraft): string[] {
  return [
    ...remarks.map((remark) => `  # ${remark}`),
    ...vips.map(({ name, address, routerId, interface: network }, index) => {
      const entry: Record<string, FlowValue> = {
        address,
        ...(routerId === undefined ? {} : { routerId: /^\d+$/.test(routerId) ? Number(routerId) : routerId }),
        ...(network === undefined ? {} : { interface: network }),
        ...(index === 0 ? settings : {}),
      };
      return `  ${scalar(name)}: ${flow(entry)}`;
    }),
  ];
}

/** One address needs no group: its election has its name. */
function groupsLines(elections: readonly ElectionDraft[]): string[] {
  if (elections.length === 1 && elections[0]?.vips.length === 1) return [];
  return [
    '# The addresses of a group have one owner and move together.',
    'groups:',
    ...elections.map(({ name, vips }) => `  ${scalar(name)}: ${flow({ vips: vips.map((vip) => vip.name) })}`),
  ];
}

/** `failover` and `events`, where the old files had checks of their own or somebody to tell. */
export function failoverLines({ scripts, hooks, fifo }: PairDraft): string[] {
  return [
    ...section('failover', named('scripts', scripts)),
    ...section('events', [...named('hooks', hooks), ...(fifo === undefined ? [] : [`  fifo: ${scalar(fifo)}`])]),
  ];
}

function named(key: string, entries: Readonly<Record<string, FlowValue>>): string[] {
  const lines = Object.entries(entries).map(([name, value]) => `    ${scalar(name)}: ${flow(value)}`);
  return section(`  ${key}`, lines);
}

function section(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key}:`, ...lines];
}
