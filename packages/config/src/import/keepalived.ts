// One or two keepalived.conf files into the draft: nodes, elections with their addresses, checks, hooks. Both files
// describe one pair, so what they say about the same thing must agree; where it does not, both lines are named and
// nothing is chosen.
import { makeChecks } from './keepalived-checks.ts';
import { makeElections } from './keepalived-elections.ts';
import {
  answerTree,
  readInstance,
  readSyncGroup,
  tableAnswer,
  type Instance,
  type Setting,
  type SyncGroup,
} from './keepalived-instance.ts';
import { makeNodes } from './keepalived-nodes.ts';
import { makeNotifies } from './keepalived-notify.ts';
import { answerWeights, readScript, type Script } from './keepalived-scripts.ts';
import { readKeepalived, type KeepalivedBlock, type KeepalivedText } from './keepalived-text.ts';
import type { PairDraft } from './pair-draft.ts';
import type { ConfigProblem } from '../problem.ts';
import type { ImportReport, SourceLine } from './report.ts';

/** One old node's file. */
export interface KeepalivedFile {
  readonly file: string;
  readonly instances: readonly Instance[];
  readonly syncGroups: readonly SyncGroup[];
  readonly scripts: readonly Script[];
  readonly fifos: readonly Setting<{ readonly path: string; readonly isVrrp: boolean; readonly hasUser: boolean }>[];
  readonly routerName?: Setting<string>;
  readonly version?: Setting<string>;
  readonly missedAdverts?: Setting<string>;
  readonly scriptUser?: Setting<string>;
}

/**
 * Imports the files, the first one of the first node; contradictions are returned.
 *
 * @param giveAddresses Called when the nodes are known, before it matters which addresses they have.
 */
export function importKeepalived(
  sources: readonly { readonly file: string; readonly text: string }[],
  to: { readonly draft: PairDraft; readonly report: ImportReport },
  giveAddresses: () => void,
): ConfigProblem[] {
  const { draft, report } = to;
  const files = sources.slice(0, 2).map((source) => readFile(source.file, readKeepalived(source), report));
  for (const source of sources.slice(2)) refuseFile(readKeepalived(source), report);
  const nodeProblems = files.length === 0 ? [] : makeNodes(files, draft, report);
  giveAddresses();
  if (files.length === 0) return [];
  const { made, problems } = makeElections(files, draft, report);
  const checkProblems = makeChecks(files, draft, report);
  const notifyProblems = makeNotifies(files, made, to);
  for (const file of files) {
    const other = files.find((candidate) => candidate !== file);
    answerWeights(file, other, report);
    answerGlobals(file, report);
  }
  return [...nodeProblems, ...problems, ...checkProblems, ...notifyProblems];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function readFile(file: string, text: KeepalivedText, report: ImportReport): KeepalivedFile {
  for (const line of text.lines) report.register(line);
  for (const { line, of } of text.braces) report.answer(line, { verdict: 'not-needed', why: of });
  for (const { line, detail } of text.faults) {
    report.answer(line, { verdict: 'refused', why: `the line cannot be read: ${detail}` });
  }
  const read = { file, instances: [] as Instance[], syncGroups: [] as SyncGroup[], scripts: [] as Script[] };
  const globals: Globals = { fifos: [] };
  for (const block of text.blocks) {
    switch (block.words[0] ?? '') {
      case 'vrrp_instance':
        readOnce(block, read.instances, report);
        break;
      case 'vrrp_script':
        read.scripts.push(readScript(block, report));
        break;
      case 'vrrp_sync_group':
        read.syncGroups.push(readSyncGroup(block, report));
        break;
      case 'global_defs':
        readGlobals(block, globals, report);
        break;
      default:
        answerTree(block, report, tableAnswer('top', block));
    }
  }
  return { ...read, ...globals };
}

/** keepalived itself takes one instance of a name. */
function readOnce(block: KeepalivedBlock, instances: Instance[], report: ImportReport): void {
  const first = instances.find(({ name }) => name === block.words[1]);
  if (first === undefined) {
    instances.push(readInstance(block, report));
    return;
  }
  const why = `line ${first.line.line} begins a vrrp_instance of this name, and keepalived itself refuses a second one`;
  answerTree(block, report, { verdict: 'refused', why });
}

type Globals = Mutable<Pick<KeepalivedFile, 'routerName' | 'version' | 'missedAdverts' | 'scriptUser'>> & {
  readonly fifos: KeepalivedFile['fifos'][number][];
};

/** Answers `global_defs` but for what is read. */
function readGlobals(block: KeepalivedBlock, globals: Globals, report: ImportReport): void {
  report.answer(block.line, { verdict: 'taken', why: 'its lines are answered one by one' });
  for (const child of block.children ?? []) {
    const [keyword = '', value = '', user] = child.words;
    const { line } = child;
    if (keyword === 'router_id') globals.routerName = { value, line };
    else if (keyword === 'vrrp_version') globals.version = { value, line };
    else if (keyword === 'vrrp_down_timer_adverts') globals.missedAdverts = { value, line };
    else if (keyword === 'script_user') globals.scriptUser = { value, line };
    else if (keyword === 'notify_fifo' || keyword === 'vrrp_notify_fifo') {
      const isVrrp = keyword !== 'notify_fifo';
      globals.fifos.push({ value: { path: value, isVrrp, hasUser: user !== undefined }, line });
    } else answerTree(child, report, tableAnswer('global', child));
  }
}

/** Global settings that no instance or script used. */
function answerGlobals(file: KeepalivedFile, report: ImportReport): void {
  const unused = (line: SourceLine | undefined, why: string): void => {
    if (line !== undefined && report.answerOf(line) === undefined) report.answer(line, { verdict: 'not-needed', why });
  };
  unused(file.version?.line, 'every vrrp_instance has a version of its own');
  unused(file.missedAdverts?.line, 'every vrrp_instance has a value of its own');
  if (file.scriptUser === undefined) return;
  const { value, line } = file.scriptUser;
  const why = `checks run as ${value}, as far as they name no user; hooks run as root, as the agent does`;
  report.answer(line, { verdict: 'changed', why, target: 'failover.scripts.*.user' });
}

function refuseFile(text: KeepalivedText, report: ImportReport): void {
  for (const line of text.lines) {
    report.register(line);
    report.answer(line, { verdict: 'refused', why: 'a pair has two nodes, and two files came before this one' });
  }
}
