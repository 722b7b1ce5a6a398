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
  return groups.flatMap((group) => makeVip(group, { draft, report, files }));
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
  readonly files: readonly KeepalivedFile[];
}

function makeVip(group: Group, work: Work): ConfigProblem[] {
  const { report, draft } = work;
  const wasUnicast = group.members.every(({ instance }) => instance.peers.length > 0);
  answerHeaders(group, wasUnicast, report);
  const routerId = agree(group, work, { key: 'routerId', what: 'the virtual_router_id', of: (one) => one.routerId });
  const address = agreeOnAddress(group, work);
  const advert = agree(group, work, {
    key: 'advertInterval',
    what: 'advert_int',
    of: (one) => one.advertSeconds,
    absent: '1',
  });
  const auth = agree(group, work, { key: 'auth', what: 'auth_pass', of: (one) => one.auth, secret: true });
  const problems = [routerId, address, advert, auth].flatMap((one) => one.problems);
  if (address.value === undefined) {
    for (const { instance } of group.members) refuseInstance(instance, group, report);
    return problems;
  }
  const vip: VipDraft = {
    name: group.name,
    address: address.value,
    routerId: routerId.value ?? 'FILL-IN-router-id',
    advertInterval: advertText(advert.value ?? '1'),
    wasUnicast,
    remarks: [],
  };
  setPreferred(vip, group, work);
  for (const { instance } of group.members) answerSettings(instance, vip, work);
  draft.vips.push(vip);
  return [...problems, ...missingMember(group, work)];
}

function answerHeaders(group: Group, wasUnicast: boolean, report: ImportReport): void {
  const target = `vips.${group.name}`;
  for (const { instance } of group.members) {
    report.answer(
      instance.line,
      wasUnicast
        ? { verdict: 'taken', why: 'a floating address, with unicast adverts as before', target }
        : {
            verdict: 'changed',
            why: 'a floating address; unicast adverts, because many networks drop multicast (transport: multicast sends as keepalived did)',
            target,
          },
    );
  }
}

/** A group that one of two files lacks: the old pair had an address that nobody took over. */
function missingMember(group: Group, work: Work): ConfigProblem[] {
  const [only, second] = group.members;
  const without = work.files.find((file) => !file.instances.some((instance) => instance === only?.instance));
  if (only === undefined || second !== undefined || without === undefined) return [];
  const line = without.instances[0]?.line ?? { file: without.file, line: 1, text: '' };
  const about = {
    what: `vrrp_instance "${group.name}"`,
    path: ['vips', group.name],
    target: `vips.${group.name}`,
  };
  return [
    contradiction(work.report, about, [
      { shown: 'written', line: only.instance.line },
      { shown: 'missing', line },
    ]),
  ];
}

function refuseInstance(instance: Instance, group: Group, report: ImportReport): void {
  const target = `vips.${group.name}`;
  report.answer(instance.line, { verdict: 'refused', why: 'none of its addresses could be taken', target });
  const { state, priority, routerId, advertSeconds, noPreempt, addresses } = instance;
  for (const setting of [state, priority, routerId, advertSeconds, noPreempt, ...addresses]) {
    if (setting === undefined) continue;
    report.answer(setting.line, {
      verdict: 'refused',
      why: 'its vrrp_instance has no address that could be taken',
      target,
    });
  }
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

/** Both files must list the same addresses; the first IPv4 address of the first file is taken. */
function agreeOnAddress(
  group: Group,
  work: Work,
): { readonly value?: string; readonly problems: readonly ConfigProblem[] } {
  const [first, second] = group.members;
  if (first === undefined) return { problems: [] };
  const own = listed(first.instance);
  const value = own.find((entry) => readInterfaceAddress(entry.value).ok)?.value;
  const other = second === undefined ? own : listed(second.instance);
  const onlyOwn = own.find((entry) => !other.some((peer) => peer.value === entry.value));
  const onlyOther = other.find((entry) => !own.some((peer) => peer.value === entry.value));
  if (second === undefined || (onlyOwn === undefined && onlyOther === undefined)) {
    return value === undefined ? { problems: [] } : { value, problems: [] };
  }
  const about = {
    what: 'the list in virtual_ipaddress',
    path: ['vips', group.name, 'address'],
    target: `vips.${group.name}.address`,
  };
  const show = (entries: readonly Setting<string>[]): string =>
    entries.map((entry) => entry.value).join(' ') || 'empty';
  const problem = contradiction(work.report, about, [
    { shown: show(own), line: (onlyOwn ?? own[0])?.line ?? first.instance.line },
    { shown: show(other), line: (onlyOther ?? other[0])?.line ?? second.instance.line },
  ]);
  return { value: `FILL-IN-${value ?? 'address'}-or-another`, problems: [problem] };
}

/** The addresses of an instance with their prefix lengths. */
function listed(instance: Instance): Setting<string>[] {
  return instance.addresses.map(({ value, line }) => ({ value: withPrefix(value[0] ?? ''), line }));
}

// keepalived adds an address that has no prefix as /32.
function withPrefix(address: string): string {
  return address.includes('/') || !isIpv4(address) ? address : `${address}/32`;
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
        why: 'this is no address of a host',
        target,
      });
    } else if (taken) {
      work.report.answer(line, {
        verdict: 'refused',
        why: 'only the first address is taken over by itself: write this one as a VIP without a routerId, and the adverts of the first carry it',
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
