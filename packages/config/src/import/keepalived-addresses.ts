// The VIPs of one VRRP router: virtual_ipaddress with its router id, virtual_ipaddress_excluded without, each on its
// interface.
import type { ConfigProblem } from '../problem.ts';
import { isIpv4, isIpv6, readInterfaceAddress } from '../units.ts';
import { contradiction } from './contradiction.ts';
import type { Instance, Setting } from './keepalived-instance.ts';
import type { Agreed, Member, Pair, Work } from './keepalived-pairs.ts';
import type { FlowValue, VipDraft } from './pair-draft.ts';
import type { ImportReport, SourceLine } from './report.ts';

/** One address of an instance. */
interface Entry {
  /** With its prefix length, in its shortest form where it is an address. */
  readonly address: string;
  readonly isValid: boolean;
  readonly excluded: boolean;
  readonly params: readonly string[];
  readonly hadPrefix: boolean;
  readonly line: Setting<string>['line'];
}

export interface PairAddresses {
  readonly vips: readonly VipDraft[];
  readonly problems: readonly ConfigProblem[];
}

/** The VIPs of a pair; `routerId` is what both files say. Answers the lines of the addresses. */
export function makeVips(pair: Pair, routerId: Agreed, work: Work & { readonly election: string }): PairAddresses {
  const [first, second] = pair.members;
  if (first === undefined) return { vips: [], problems: [] };
  for (const member of pair.members) answerDuplicates(member, work.report);
  const own = entriesOf(first.instance);
  const other = second === undefined ? own : entriesOf(second.instance);
  const problems = second === undefined ? [] : disputed(pair, [own, other], work.report);
  const isDisputed = problems.length > 0;
  const usable = own.filter((entry) => entry.isValid);
  const leading = usable.find((entry) => !entry.excluded) ?? usable[0];
  // In a dispute the first one stands for what a person must decide.
  const kept = usable.filter((entry, index) => index === 0 || has(other, entry));
  const vips = kept.map((entry, index): VipDraft => {
    const isTwice = work.addresses.has(entry.address.replace(/\/.*$/, ''));
    work.addresses.add(entry.address.replace(/\/.*$/, ''));
    const isOpen = (isDisputed && index === 0) || isTwice;
    if (isTwice) {
      const why = 'another vrrp_instance has this address: a VIP belongs to one election';
      work.report.answer(entry.line, { verdict: 'refused', why });
    }
    const vip: VipDraft = {
      name: freeName(index === 0 ? pair.name : `${pair.name}-${index + 1}`, work.names),
      address: isTwice
        ? `FILL-IN-another-than-${entry.address}`
        : isOpen
          ? `FILL-IN-${entry.address}-or-another`
          : entry.address,
      ...(isCarried(entry, leading) ? {} : { routerId: ownRouterId(routerId, entry, work) }),
      ...interfaceOf(entry, pair, work),
    };
    if (!isOpen) answerEntry(entry, { vip, pair, leading }, work);
    return vip;
  });
  for (const entry of [...own, ...other].filter(({ isValid }) => !isValid)) {
    const target = `vips.${pair.name}.address`;
    const why = 'this is no address of a host: write one with its prefix length as a VIP';
    work.report.answer(entry.line, { verdict: 'refused', why, target });
  }
  const alone = isDisputed
    ? [...own.filter((entry) => !has(other, entry)), ...other.filter((entry) => !has(own, entry))]
    : [];
  for (const { line } of alone.filter((entry) => work.report.answerOf(entry.line) === undefined)) {
    const why = 'only one of both files has this address: make the two files agree, then import again';
    work.report.answer(line, { verdict: 'refused', why });
  }
  return { vips, problems };
}

/** Both files must list the same addresses. */
function disputed(
  pair: Pair,
  [own, other]: readonly [readonly Entry[], readonly Entry[]],
  report: ImportReport,
): ConfigProblem[] {
  const onlyOwn = own.find((entry) => !has(other, entry));
  const onlyOther = other.find((entry) => !has(own, entry));
  if (onlyOwn === undefined && onlyOther === undefined) return [];
  const about = {
    what: 'the list in virtual_ipaddress',
    path: ['vips', pair.name, 'address'],
    target: `vips.${pair.name}.address`,
  };
  const side = (entries: readonly Entry[], only: Entry | undefined, index: number): Side => ({
    shown: entries.map((entry) => entry.address).join(' ') || 'empty',
    line: (only ?? entries[0])?.line ?? pair.members[index]?.instance.line ?? { file: '', line: 1, text: '' },
  });
  return [contradiction(report, about, [side(own, onlyOwn, 0), side(other, onlyOther, 1)])];
}

interface Side {
  readonly shown: string;
  readonly line: SourceLine;
}

function entriesOf(instance: Instance): Entry[] {
  const entries = allEntries(instance);
  return entries.filter((entry, index) => !has(entries.slice(0, index), entry));
}

/** keepalived adds an address that is listed twice once. */
function answerDuplicates({ instance }: Member, report: ImportReport): void {
  const entries = allEntries(instance);
  for (const [index, entry] of entries.entries()) {
    const first = entries.slice(0, index).find((other) => has([other], entry));
    if (first === undefined) continue;
    const why = `the same address as in line ${first.line.line}`;
    report.answer(entry.line, { verdict: 'not-needed', why });
  }
}

function allEntries({ addresses }: Instance): Entry[] {
  return addresses.map(({ value: { words, excluded }, line }) => {
    const [written = '', ...params] = words;
    const address = withPrefix(written);
    const reading = readInterfaceAddress(address);
    return {
      address: reading.ok ? `${reading.value.address}/${reading.value.prefixLength}` : address,
      isValid: reading.ok,
      excluded,
      params,
      hadPrefix: written.includes('/'),
      line,
    };
  });
}

// keepalived adds an address that has no prefix as /32 or /128.
function withPrefix(address: string): string {
  if (isIpv4(address)) return `${address}/32`;
  return isIpv6(address) ? `${address}/128` : address;
}

function has(entries: readonly Entry[], wanted: Entry): boolean {
  return entries.some(({ address, excluded }) => address === wanted.address && excluded === wanted.excluded);
}

function familyOf({ address }: Entry): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** No advert lists it: it is excluded, or of another family than the first, which keepalived ignores. */
function isCarried(entry: Entry, leading: Entry | undefined): boolean {
  return leading !== undefined && entry !== leading && (entry.excluded || familyOf(entry) !== familyOf(leading));
}

/** The router id, unless another election has it: one interface carries the adverts of all. */
function ownRouterId(routerId: Agreed, entry: Entry, work: Work & { readonly election: string }): string {
  const said = routerId.value ?? 'FILL-IN-router-id';
  const value = /^(?:\d{1,9}$|FILL-IN)/.test(said) ? said : `FILL-IN-${said}`;
  const key = `${value}/${familyOf(entry)}`;
  const owner = work.routers.get(key) ?? work.election;
  if (value.startsWith('FILL-IN') || owner === work.election) {
    work.routers.set(key, owner);
    return value;
  }
  const why = `"${owner}" has this router id too: one interface carries the adverts of both, so write another number on both nodes`;
  for (const { line } of routerId.said) work.report.answer(line, { verdict: 'refused', why });
  return `FILL-IN-another-than-${value}`;
}

/** Where it is not the interface of the node. */
function interfaceOf(entry: Entry, pair: Pair, { draft }: Work): { readonly interface?: FlowValue } {
  const wanted = pair.members.map((member) => {
    const name = deviceOf(member, entry) ?? member.instance.interface?.value;
    const node = draft.nodes.find((candidate) => candidate.name === member.node);
    return {
      node: member.node,
      name: name ?? node?.interface ?? '',
      isOwn: name === undefined || name === node?.interface,
    };
  });
  const [first] = wanted;
  if (first === undefined || wanted.every(({ isOwn }) => isOwn)) return {};
  if (wanted.every(({ name }) => name === first.name)) return { interface: first.name };
  const known = wanted.filter(({ name }) => name !== '');
  return { interface: Object.fromEntries(known.map(({ node, name }) => [node, name])) };
}

/** What `dev` says of this address on a node. */
function deviceOf({ instance }: Member, entry: Entry): string | undefined {
  const params = entriesOf(instance).find((candidate) => has([candidate], entry))?.params ?? [];
  const at = params.indexOf('dev');
  return at === -1 ? undefined : params[at + 1];
}

interface Taken {
  readonly vip: VipDraft;
  readonly pair: Pair;
  readonly leading: Entry | undefined;
}

/** The same answer for the line of each file. */
function answerEntry(entry: Entry, { vip, pair, leading }: Taken, work: Work): void {
  for (const { instance } of pair.members) {
    for (const own of entriesOf(instance).filter((candidate) => has([candidate], entry))) {
      const notes: string[] = [];
      const prefix = familyOf(own) === 6 ? '/128' : '/32';
      const added = own.hadPrefix ? '' : `, ${prefix} as keepalived adds an address without a prefix`;
      const left = withoutDevice(own.params);
      if (left.length > 0) notes.push(`left out: ${left.join(' ')}`);
      if (own.excluded) notes.push('no advert lists it');
      else if (leading !== undefined && familyOf(own) !== familyOf(leading)) {
        notes.push('keepalived ignored it, as the first address is of the other family; it moves with that one now');
      }
      work.report.answer(own.line, {
        verdict: left.length === 0 && (own.excluded || !isCarried(entry, leading)) ? 'taken' : 'changed',
        why: [`the floating address${added}`, ...notes].join('; '),
        target:
          vip.interface === undefined
            ? `vips.${vip.name}.address`
            : `vips.${vip.name}.address, vips.${vip.name}.interface`,
      });
    }
  }
}

function withoutDevice(params: readonly string[]): string[] {
  const at = params.indexOf('dev');
  return at === -1 ? [...params] : [...params.slice(0, at), ...params.slice(at + 2)];
}

/** A name that the new file may have, and that no other VIP has. */
export function freeName(wanted: string, taken: Set<string>): string {
  const base = wanted
    .replaceAll(/[^\w.:-]/g, '_')
    .replace(/^[^\w]|^__proto__$|^$/, 'vip_')
    .slice(0, 60);
  let name = base;
  for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`;
  taken.add(name);
  return name;
}
