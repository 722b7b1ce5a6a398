// The text of `tospann plan`: what a configuration would change in the running node, and the fault table. At most 100
// columns wide. Pure.
import type { ConfigChange, ChangeEffect, ElectionFaults, FaultRow } from '@tospann/config';
import { formatChange } from '@tospann/config';

/** What `tospann plan` has found; also its --json. */
export interface Plan {
  readonly file: string;
  readonly hash: string;
  /** Absent: no node runs with this run directory, so there is nothing to compare with. */
  readonly running?: { readonly hash: string };
  readonly changes: readonly PlannedChange[];
  readonly faults: readonly ElectionFaults[];
}

export interface PlannedChange extends ConfigChange {
  readonly effect: ChangeEffect;
}

const width = 100;
const faultWidth = 18;
const ownerWidth = 13;
const timeWidth = 9;
const howAt = 2 + faultWidth + ownerWidth + timeWidth;

const effects: Readonly<Record<ChangeEffect, string>> = {
  restart: 'needs a restart of this node',
  proxy: 'in the running proxy',
  'new-proxy': 'by a new proxy process on the same sockets',
  agent: 'in the running failover agent',
  admin: 'the console listens anew',
  tune: 'nothing until "tospann tune"',
};

export function renderPlan(plan: Plan): readonly string[] {
  return [...renderChanges(plan), ...plan.faults.flatMap((election) => ['', ...renderElection(election)])];
}

function renderChanges({ file, hash, running, changes }: Plan): readonly string[] {
  if (running === undefined) return [`${file} is valid (hash ${hash.slice(0, 12)}); no node runs here to compare with`];
  if (changes.length === 0) return [`${file} changes nothing in the running node (hash ${hash.slice(0, 12)})`];
  const lines = changes.flatMap((change) => {
    const text = formatChange(change);
    const effect = effects[change.effect];
    const fits = text.length + effect.length + 6 <= width;
    return fits ? [`  ${text}  (${effect})`] : [...wrap(text, width - 2).map((line) => `  ${line}`), `    (${effect})`];
  });
  const restart = changes.some(({ effect }) => effect === 'restart')
    ? ['"tospann reload" refuses it as a whole: "tospann failover" where the address is, restart, then the other node']
    : ['"tospann reload" does all of it without losing a connection'];
  return [
    `${file} would change in the running node (${running.hash.slice(0, 12)} -> ${hash.slice(0, 12)}):`,
    ...lines,
    ...restart,
  ];
}

function renderElection({ election, vips, owner, symmetric, rows }: ElectionFaults): readonly string[] {
  const same = symmetric ? '; the other way round alike' : '';
  const list = vips.length === 1 && vips[0] === election ? election : `${election} (${vips.join(', ')})`;
  const head = wrap(`When something fails: ${list}, owned by ${owner}${same}`, width);
  return [...head, columns('fault', 'owner then', 'within').concat('how'), ...rows.flatMap(renderRow)];
}

function renderRow({ fault, owners, withinMs, how }: FaultRow): readonly string[] {
  const names = owners.length === 0 ? 'nobody' : owners.join(' and ');
  const within = withinMs === 0 ? 'stays' : seconds(withinMs);
  const [first = '', ...rest] = wrap(how, width - howAt);
  const tooLong = fault.length >= faultWidth || names.length >= ownerWidth;
  const start = tooLong
    ? [`  ${fault}: ${names}, ${within}`, `${' '.repeat(howAt)}${first}`]
    : [`${columns(fault, names, within)}${first}`];
  return [...start, ...rest.map((line) => `${' '.repeat(howAt)}${line}`)];
}

function columns(fault: string, owner: string, within: string): string {
  return `  ${fault.padEnd(faultWidth)}${owner.padEnd(ownerWidth)}${within.padEnd(timeWidth)}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(Math.ceil(ms / 10) / 100).toFixed(2)} s`;
}

function wrap(text: string, columnsWide: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columnsWide) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
