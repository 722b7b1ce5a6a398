// One or two keepalived.conf files into the draft: nodes and VIPs. Both files describe one pair, so what they say
// about the same VRRP group must agree; where it does not, both lines are named and nothing is chosen.
import { answerTree, readInstance, type Instance } from './keepalived-instance.ts';
import { answerTracking, answerWeights, readScript, type Script } from './keepalived-scripts.ts';
import { readKeepalived, type KeepalivedBlock, type KeepalivedText } from './keepalived-text.ts';
import { makeNodes } from './keepalived-nodes.ts';
import { makeVips } from './keepalived-vips.ts';
import type { PairDraft } from './pair-draft.ts';
import type { ConfigProblem } from '../problem.ts';
import type { ImportReport, SourceLine } from './report.ts';

/** One old node's file. */
export interface KeepalivedFile {
  readonly file: string;
  readonly routerName?: { readonly value: string; readonly line: SourceLine };
  readonly instances: readonly Instance[];
  readonly scripts: readonly Script[];
}

/** Imports the files, the first one of the first node; contradictions are returned. */
export function importKeepalived(
  sources: readonly { readonly file: string; readonly text: string }[],
  draft: PairDraft,
  report: ImportReport,
): ConfigProblem[] {
  const files = sources.slice(0, 2).map((source) => readFile(source.file, readKeepalived(source), report));
  for (const source of sources.slice(2)) refuseFile(readKeepalived(source), report);
  if (files.length === 0) return [];
  const nodeProblems = makeNodes(files, draft, report);
  const vipProblems = makeVips(files, draft, report);
  const instances = files.flatMap((file) => file.instances);
  for (const file of files)
    answerWeights(
      file,
      files.find((other) => other !== file),
      report,
    );
  for (const instance of instances) answerTracking(instance, report);
  return [...nodeProblems, ...vipProblems];
}

function readFile(file: string, text: KeepalivedText, report: ImportReport): KeepalivedFile {
  for (const line of text.lines) report.register(line);
  for (const { line, of } of text.braces) report.answer(line, { verdict: 'not-needed', why: of });
  for (const { line, detail } of text.faults) {
    report.answer(line, { verdict: 'refused', why: `the line cannot be read: ${detail}` });
  }
  const instances: Instance[] = [];
  const scripts: Script[] = [];
  let routerName: KeepalivedFile['routerName'];
  for (const block of text.blocks) {
    switch (block.words[0] ?? '') {
      case 'vrrp_instance':
        instances.push(readInstance(block, report));
        break;
      case 'vrrp_script':
        scripts.push(readScript(block, report));
        break;
      case 'global_defs':
        routerName = readGlobal(block, report) ?? routerName;
        break;
      case 'vrrp_sync_group':
        answerTree(block, report, { verdict: 'changed', why: 'built in: all VIPs of the pair move together' });
        break;
      default:
        answerTree(block, report, topAnswer(block.words[0] ?? ''));
    }
  }
  return { file, instances, scripts, ...(routerName === undefined ? {} : { routerName }) };
}

/** Answers `global_defs` but for router_id, which is returned. */
function readGlobal(block: KeepalivedBlock, report: ImportReport): KeepalivedFile['routerName'] {
  report.answer(block.line, { verdict: 'taken', why: 'its lines are answered one by one' });
  let routerName: KeepalivedFile['routerName'];
  for (const child of block.children ?? []) {
    const [keyword = '', value = ''] = child.words;
    if (keyword === 'router_id') routerName = { value, line: child.line };
    else answerTree(child, report, globalAnswer(keyword));
  }
  return routerName;
}

function globalAnswer(
  keyword: string,
): { readonly verdict: 'refused' | 'not-needed'; readonly why: string } | undefined {
  if (/^(?:notification_email|smtp_|email_)/.test(keyword))
    return { verdict: 'refused', why: 'no mail is sent by this version' };
  if (keyword.startsWith('vrrp_garp_')) {
    return {
      verdict: 'not-needed',
      why: 'gratuitous ARP has a fixed rhythm: at once, after 10, 50 and 200 ms, 1 and 3 s, then every minute',
    };
  }
  if (/^(?:script_user|enable_script_security)$/.test(keyword))
    return { verdict: 'not-needed', why: 'no script is run' };
  if (/^vrrp_version$/.test(keyword))
    return { verdict: 'not-needed', why: 'VRRP version 3 (RFC 9568); for an old peer write version: 2' };
  return undefined;
}

function topAnswer(keyword: string): { readonly verdict: 'refused'; readonly why: string } | undefined {
  if (keyword.startsWith('virtual_server')) {
    return { verdict: 'refused', why: 'LVS is not served: write its servers as a backend' };
  }
  if (keyword === 'include')
    return { verdict: 'refused', why: 'included files are not followed: import the file that it names' };
  if (/^[@$]/.test(keyword))
    return { verdict: 'refused', why: 'conditions and variables of keepalived are not evaluated: write the values' };
  return undefined;
}

function refuseFile(text: KeepalivedText, report: ImportReport): void {
  for (const line of text.lines) {
    report.register(line);
    report.answer(line, { verdict: 'refused', why: 'a pair has two nodes, and two files came before this one' });
  }
}
