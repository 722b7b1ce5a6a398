// Whom the old pair told: notify scripts become hooks that run at the states they were for, the notify FIFO stays one.
import type { ConfigProblem } from '../problem.ts';
import { contradiction } from './contradiction.ts';
import { freeName } from './keepalived-addresses.ts';
import type { MadeElection } from './keepalived-elections.ts';
import type { Notify, Setting } from './keepalived-instance.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { PairDraft } from './pair-draft.ts';
import type { ImportReport } from './report.ts';
import { commandWords, shellQuoted } from './shell-words.ts';

/** TOSPANN_STATE of a hook for each keyword. */
const STATES: Readonly<Partial<Record<string, string>>> = {
  notify_master: 'MASTER',
  notify_backup: 'BACKUP',
  notify_fault: 'FAULT',
  notify_stop: 'INIT',
};

/** keepalived has no limit for these scripts. */
const timeout = '1m';
/** An argument of a program in the new file. */
const longestArgument = 1024;

interface Told {
  readonly node: string;
  readonly notify: Setting<Notify>;
}

/** Who tells: an instance or a sync group, as both files name it. */
interface Teller {
  readonly kind: 'INSTANCE' | 'GROUP';
  readonly name: string;
  /** The VIP whose events it hears; undefined when it has none. */
  readonly vip: string | undefined;
  readonly preferred: string | undefined;
  readonly told: readonly Told[];
}

/** Adds hooks and the FIFO; contradictions between the two files are returned. */
export function makeNotifies(
  files: readonly KeepalivedFile[],
  made: readonly MadeElection[],
  to: { readonly draft: PairDraft; readonly report: ImportReport },
): ConfigProblem[] {
  const names = new Set<string>();
  for (const teller of tellersOf(files, made, to.draft)) {
    for (const keyword of new Set(teller.told.map(({ notify }) => notify.value.keyword))) {
      const told = teller.told.filter(({ notify }) => notify.value.keyword === keyword);
      makeHooks(teller, told, { ...to, names });
    }
  }
  return makeFifo(files, to);
}

function tellersOf(
  files: readonly KeepalivedFile[],
  made: readonly MadeElection[],
  draft: PairDraft,
): readonly Teller[] {
  const instances = made.flatMap(({ election, preferred, vipOf }) =>
    election.pairs.map((pair): Teller => {
      const told = pair.members.flatMap(({ node, instance }) => instance.notifies.map((notify) => ({ node, notify })));
      return { kind: 'INSTANCE', name: pair.name, vip: vipOf.get(pair), preferred, told };
    }),
  );
  const groups = new Map<string, Told[]>();
  for (const [index, file] of files.entries()) {
    for (const group of file.syncGroups) {
      const node = draft.nodes[index]?.name ?? '';
      const told = group.notifies.map((notify) => ({ node, notify }));
      groups.set(group.name, [...(groups.get(group.name) ?? []), ...told]);
    }
  }
  const tellers = [...groups].map(([name, told]): Teller => {
    const one = made.find(({ election }) => election.name === name);
    const vip = one === undefined ? undefined : [...one.vipOf.values()][0];
    return { kind: 'GROUP', name, vip, preferred: one?.preferred, told };
  });
  return [...instances, ...tellers];
}

function makeHooks(
  teller: Teller,
  told: readonly Told[],
  to: { readonly draft: PairDraft; readonly report: ImportReport; readonly names: Set<string> },
): void {
  const commands = new Set(told.map(({ notify }) => notify.value.command));
  const isSame = commands.size === 1 && told.length === to.draft.nodes.length;
  const hooks = isSame ? told.slice(0, 1) : told;
  for (const { node, notify } of hooks) {
    const { keyword, command } = notify.value;
    const lines = (isSame ? told : [{ node, notify }]).map((one) => one.notify);
    const text = teller.vip === undefined ? undefined : hookText(teller, notify.value, isSame ? undefined : node);
    const refused = refusal(text, command);
    if (refused !== undefined || text === undefined) {
      for (const { line } of lines) to.report.answer(line, { verdict: 'refused', why: refused ?? '' });
      continue;
    }
    const name = freeName(`${teller.name}-${keyword}`, to.names);
    to.draft.hooks[name] = { on: ['vrrp-state'], run: ['/bin/sh', '-c', text], timeout };
    const only = isSame ? '' : `, on ${node} only, as the files differ`;
    for (const { line, value } of lines) {
      const user = value.hasUser ? '; it runs as root, the user is left out' : '; it runs as root';
      const why = `a hook that runs it${only}, one call at a time, for a minute at most${user}`;
      to.report.answer(line, { verdict: 'changed', why, target: `events.hooks.${name}` });
    }
  }
}

function refusal(text: string | undefined, command: string): string | undefined {
  if (text === undefined) return 'it has no address whose states it could be told';
  if (command.trim() === '') return 'it names no program';
  if (text.length <= longestArgument) return undefined;
  return 'the command is too long for one argument: write it into a script of its own, and that as a hook (events.hooks)';
}

/** What the hook's shell runs: the test whose event it is, then the program with keepalived's arguments. */
function hookText({ kind, name, vip = '', preferred }: Teller, notify: Notify, node: string | undefined): string {
  const command = shellQuoted(commandWords(notify.command));
  const state = STATES[notify.keyword];
  const isOwn = [
    ...(node === undefined ? [] : [`[ "$TOSPANN_NODE" = ${node} ]`]),
    `[ "$TOSPANN_VIP" = ${vip} ]`,
    ...(state === undefined ? [] : [`[ "$TOSPANN_STATE" = ${state} ]`]),
  ].join(' && ');
  if (state !== undefined) return `if ${isOwn}; then exec ${command}; fi`;
  const high = preferred === undefined ? '' : `[ "$TOSPANN_NODE" != ${preferred} ] || p=150; `;
  const prepare = `s=$TOSPANN_STATE; [ "$s" != INIT ] || s=STOP; p=100; ${high}`;
  return `${prepare}if ${isOwn}; then exec ${command} ${kind} ${shellQuoted([name])} "$s" "$p"; fi`;
}

/** Of both keywords the one for VRRP goes before the general one. */
function makeFifo(
  files: readonly KeepalivedFile[],
  { draft, report }: { readonly draft: PairDraft; readonly report: ImportReport },
): ConfigProblem[] {
  const [first, second] = files.map((file) => file.fifos.find(({ value }) => value.isVrrp) ?? file.fifos[0]);
  const chosen = first ?? second;
  if (chosen === undefined) return [];
  const { path } = chosen.value;
  const isPath = /^\/.*[^/]$/.test(path);
  if (isPath) draft.fifo = path;
  for (const { value, line } of files.flatMap(({ fifos }) => fifos)) {
    if (!isPath)
      report.answer(line, { verdict: 'refused', why: 'write an absolute path as events.fifo', target: 'events.fifo' });
    else if (value.path === path) {
      const why = `the same lines${value.hasUser ? '; its user and group are left out: only root reads it' : ', for root alone'}`;
      report.answer(line, { verdict: value.hasUser ? 'changed' : 'taken', why, target: 'events.fifo' });
    } else if (first?.line.file === line.file) {
      report.answer(line, { verdict: 'changed', why: `one FIFO gets the lines, ${path}`, target: 'events.fifo' });
    }
  }
  if (first === undefined || second === undefined || second.value.path === first.value.path) return [];
  const about = { what: 'the notify FIFO', path: ['events', 'fifo'], target: 'events.fifo' };
  delete draft.fifo;
  return [
    contradiction(report, about, [
      { shown: first.value.path, line: first.line },
      { shown: second.value.path, line: second.line },
    ]),
  ];
}
