// The VIPs of the pair from keepalived's vrrp_instance blocks: the same group in both files becomes one entry.
import { formatDuration, isIpv4, readInterfaceAddress } from '../units.ts';
import type { ConfigProblem } from '../problem.ts';
import { contradiction } from './contradiction.ts';
import { DEFAULT_PRIORITY, type Instance, type Setting } from './keepalived-instance.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { PairDraft, VipDraft } from './pair-draft.ts';
import type { ImportReport } from './report.ts';

/** One VRRP group: the instance of each node that has it. */
interface Group {
  readonly name: string;
  readonly members: readonly { readonly node: string; readonly instance: Instance }[];
}

/** Adds the VIPs; contradictions between the two files are returned. */
export function makeVips(files: readonly KeepalivedFile[], draft: PairDraft, report: ImportReport): ConfigProblem[] {
  const groups = groupInstances(
    files,
    draft.nodes.map((node) => node.name),
  );
  return groups.flatMap((group) => makeVip(group, { draft, report, fileCount: files.length }));
}

// The name says that two instances belong together; where names differ, the router id does.
function groupInstances(files: readonly KeepalivedFile[], nodes: readonly string[]): Group[] {
  const [first, second] = files;
  const rest = [...(second?.instances ?? [])];
  const groups = (first?.instances ?? []).map((instance): Group => {
    const byName = rest.findIndex((other) => other.name === instance.name);
    const byId = rest.findIndex((other) => other.routerId?.value === instance.routerId?.value);
    const at = byName === -1 ? byId : byName;
    const other = at === -1 ? [] : rest.splice(at, 1);
    const members = [
      { node: nodes[0] ?? '', instance },
      ...other.map((peer) => ({ node: nodes[1] ?? '', instance: peer })),
    ];
    return { name: instance.name, members };
  });
  const alone = rest.map((instance): Group => ({ name: instance.name, members: [{ node: nodes[1] ?? '', instance }] }));
  return [...groups, ...alone];
}

interface Work {
  readonly draft: PairDraft;
  readonly report: ImportReport;
  readonly fileCount: number;
}

function makeVip(group: Group, work: Work): ConfigProblem[] {
  const { report, draft } = work;
  const problems: ConfigProblem[] = [];
  const target = `vips.${group.name}`;
  for (const { instance } of group.members) {
    const why =
      'a floating address; unicast adverts, because many networks drop multicast (transport: multicast sends as keepalived did)';
    report.answer(instance.line, { verdict: 'changed', why, target });
    if (work.fileCount === 2 && group.members.length === 1) {
      report.answer(instance.line, { verdict: 'changed', why: 'only one of the two files has it', target });
    }
  }
  const routerId = agree(group, work, { key: 'routerId', what: 'the virtual_router_id', of: (one) => one.routerId });
  const address = agree(group, work, { key: 'address', what: 'the virtual_ipaddress', of: firstAddress });
  const advert = agree(group, work, {
    key: 'advertInterval',
    what: 'advert_int',
    of: (one) => one.advertSeconds,
    absent: '1',
  });
  const auth = agree(group, work, { key: 'auth', what: 'auth_pass', of: (one) => one.auth, secret: true });
  problems.push(...routerId.problems, ...address.problems, ...advert.problems, ...auth.problems);
  if (address.value === undefined) {
    for (const { instance } of group.members)
      report.answer(instance.line, { verdict: 'refused', why: 'none of its addresses could be taken', target });
    return problems;
  }
  const vip: VipDraft = {
    name: group.name,
    address: address.value,
    routerId: routerId.value ?? 'FILL-IN-router-id',
    advertInterval: advertText(advert.value ?? '1'),
    remarks: [],
  };
  setPreferred(vip, group, work);
  for (const { instance } of group.members) answerSettings(instance, vip, work);
  draft.vips.push(vip);
  return problems;
}

interface Question {
  readonly key: string;
  /** What it is called in the old files. */
  readonly what: string;
  readonly of: (instance: Instance) => Setting<string> | undefined;
  /** keepalived's default. */
  readonly absent?: string;
  /** The value may not be shown. */
  readonly secret?: boolean;
}

/** What all members say about a setting: one value, or a placeholder that `validate` refuses. */
function agree(
  group: Group,
  work: Work,
  question: Question,
): { readonly value?: string; readonly problems: readonly ConfigProblem[] } {
  const [first, second] = group.members.map(({ instance }) => ({ instance, setting: question.of(instance) }));
  if (first === undefined) return { problems: [] };
  const own = first.setting?.value ?? question.absent;
  const peers = second === undefined ? own : (second.setting?.value ?? question.absent);
  if (second === undefined || own === peers) return own === undefined ? { problems: [] } : { value: own, problems: [] };
  const shown = question.secret === true ? ['one password', 'another'] : [own ?? 'not set', peers ?? 'not set'];
  const about = {
    what: question.what,
    path: ['vips', group.name, question.key],
    target: `vips.${group.name}.${question.key}`,
  };
  const sides = [first, second].map(({ instance, setting }, index) => ({
    shown: shown[index] ?? '',
    line: setting?.line ?? instance.line,
  }));
  const [a, b] = sides;
  if (a === undefined || b === undefined) return { problems: [] };
  return { value: `FILL-IN-${shown.join('-or-')}`, problems: [contradiction(work.report, about, [a, b])] };
}

/** The addresses of an instance as one text; only one can be taken, so more of them make a longer text. */
function firstAddress(instance: Instance): Setting<string> | undefined {
  const usable = instance.addresses.filter(({ value }) => isIpv4((value[0] ?? '').split('/')[0] ?? ''));
  const [first] = usable;
  return first === undefined ? undefined : { value: withPrefix(first.value[0] ?? ''), line: first.line };
}

// keepalived adds an address that has no prefix as /32.
function withPrefix(address: string): string {
  return address.includes('/') ? address : `${address}/32`;
}

function advertText(seconds: string): string {
  if (seconds.startsWith('FILL-IN')) return seconds;
  const advertMs = Math.round(Number(seconds) * 1000);
  return Number.isInteger(advertMs) && advertMs > 0 ? formatDuration(advertMs) : `FILL-IN-${seconds}`;
}

function setPreferred(vip: VipDraft, group: Group, work: Work): void {
  const [a, b] = group.members.map(({ node, instance }) => ({
    node,
    instance,
    priority: instance.priority?.value ?? DEFAULT_PRIORITY,
  }));
  if (a === undefined || b === undefined || a.priority === b.priority) return;
  const high = a.priority > b.priority ? a : b;
  if (high.instance.noPreempt !== undefined) {
    work.report.answer(high.instance.noPreempt.line, {
      verdict: 'taken',
      why: 'no node is preferred: whoever has the address keeps it',
      target: `vips.${group.name}.preferred`,
    });
    return;
  }
  vip.preferred = high.node;
  vip.remarks.push(
    `${high.node} takes the address back when it can serve, as keepalived does by default; without "preferred" whoever has it keeps it.`,
  );
}

function answerSettings(instance: Instance, vip: VipDraft, work: Work): void {
  const { report } = work;
  const target = `vips.${vip.name}`;
  const { state, priority, routerId, advertSeconds, noPreempt } = instance;
  if (state !== undefined) {
    const why = 'adverts decide who owns the address; this was only the state at the start';
    report.answer(state.line, { verdict: 'changed', why, target: `${target}.preferred` });
  }
  if (priority !== undefined) {
    const why =
      vip.preferred === undefined
        ? 'both nodes have priority 100: whoever has the address keeps it'
        : `keepalived gives the address back to the higher priority by default, so preferred: ${vip.preferred} (150 against 100)`;
    report.answer(priority.line, { verdict: 'changed', why, target: `${target}.preferred` });
  }
  if (routerId !== undefined && !vip.routerId.startsWith('FILL-IN')) {
    report.answer(routerId.line, { verdict: 'taken', why: 'the VRRP router id', target: `${target}.routerId` });
  }
  if (advertSeconds !== undefined && !vip.advertInterval.startsWith('FILL-IN')) {
    report.answer(advertSeconds.line, {
      verdict: 'taken',
      why: vip.advertInterval,
      target: `${target}.advertInterval`,
    });
  }
  if (noPreempt !== undefined && report.answerOf(noPreempt.line) === undefined) {
    report.answer(noPreempt.line, { verdict: 'not-needed', why: 'this node is not the one with the higher priority' });
  }
  answerAddresses(instance, vip, work);
}

function answerAddresses(instance: Instance, vip: VipDraft, work: Work): void {
  const target = `vips.${vip.name}.address`;
  let taken = false;
  for (const { value, line } of instance.addresses) {
    const [address = '', ...params] = value;
    if (!readInterfaceAddress(withPrefix(address)).ok) {
      work.report.answer(line, {
        verdict: 'refused',
        why: 'only IPv4 addresses of hosts are served by this version',
        target,
      });
    } else if (taken) {
      work.report.answer(line, {
        verdict: 'refused',
        why: 'one address for each router id in this version: give this one a VIP and a routerId of its own',
        target,
      });
    } else {
      taken = true;
      if (vip.address.startsWith('FILL-IN')) continue;
      const prefix = address.includes('/') ? '' : ', /32 as keepalived adds an address without a prefix';
      const left = params.length === 0 ? '' : `; left out: ${params.join(' ')}`;
      work.report.answer(line, {
        verdict: left === '' ? 'taken' : 'changed',
        why: `the floating address${prefix}${left}`,
        target,
      });
    }
  }
}
