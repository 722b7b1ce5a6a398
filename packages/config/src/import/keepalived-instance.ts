// One vrrp_instance or vrrp_sync_group of a keepalived.conf: its settings with their lines, and an answer for those that
// need no comparison with the other node's file.
import { directiveOf, type Place } from './keepalived-directives.ts';
import type { KeepalivedBlock } from './keepalived-text.ts';
import type { Answer, ImportReport, SourceLine } from './report.ts';

/** A setting with the line that it stands on. */
export interface Setting<T> {
  readonly value: T;
  readonly line: SourceLine;
}

/** One entry of virtual_ipaddress or virtual_ipaddress_excluded. */
export interface ListedAddress {
  readonly words: readonly string[];
  readonly excluded: boolean;
}

/** A program that is called at changes of state. */
export interface Notify {
  readonly keyword: string;
  readonly command: string;
  /** The line names a user. */
  readonly hasUser: boolean;
}

/** What instances and sync groups share: whom they follow and whom they tell. */
export interface Tracking {
  /** Names of tracked scripts, with a weight when the line has one. */
  readonly scripts: Setting<{ readonly name: string; readonly weight?: number }>[];
  readonly interfaces: Setting<string>[];
  readonly notifies: Setting<Notify>[];
}

export interface Instance extends Tracking {
  readonly name: string;
  readonly line: SourceLine;
  interface?: Setting<string>;
  state?: Setting<string>;
  routerId?: Setting<string>;
  priority?: Setting<number>;
  advertSeconds?: Setting<string>;
  missedAdverts?: Setting<string>;
  version?: Setting<string>;
  noPreempt?: Setting<true>;
  preemptDelay?: Setting<string>;
  readonly auth: AuthLines;
  sourceAddress?: Setting<string>;
  readonly peers: Setting<string>[];
  readonly addresses: Setting<ListedAddress>[];
}

/** The block `authentication`; its lines are answered with the election's version (keepalived-auth.ts). */
export interface AuthLines {
  /** PASS, AH, or HMAC for keepalived 2.4's auth_hmac. */
  type?: Setting<string>;
  /** The password as written, never reported. */
  password?: Setting<string>;
  /** All lines of the block. */
  readonly lines: SourceLine[];
}

export interface SyncGroup extends Tracking {
  readonly name: string;
  readonly line: SourceLine;
  readonly members: Setting<string>[];
}

// keepalived's own default (keepalived.conf(5), "priority").
export const DEFAULT_PRIORITY = 100;

/** Reads a block `vrrp_instance NAME { ... }`. */
export function readInstance(block: KeepalivedBlock, report: ImportReport): Instance {
  const instance: Instance = {
    name: block.words[1] ?? '',
    line: block.line,
    auth: { lines: [] },
    peers: [],
    addresses: [],
    scripts: [],
    interfaces: [],
    notifies: [],
  };
  for (const child of block.children ?? []) readSetting(instance, child, report);
  return instance;
}

/** Reads a block `vrrp_sync_group NAME { ... }`; the lines of its members are answered by the elections. */
export function readSyncGroup(block: KeepalivedBlock, report: ImportReport): SyncGroup {
  const name = block.words[1] ?? '';
  const group: SyncGroup = { name, line: block.line, members: [], scripts: [], interfaces: [], notifies: [] };
  for (const child of block.children ?? []) {
    if (child.words[0] === 'group') {
      report.answer(child.line, { verdict: 'taken', why: 'its instances are one election', target: `groups.${name}` });
      // `group { a b }` and one name on a line are the same.
      for (const { words, line } of child.children ?? []) {
        group.members.push(...words.map((value) => ({ value, line })));
      }
    } else if (!readTracking(group, child, report)) answerTree(child, report, tableAnswer('instance', child));
  }
  return group;
}

/** Settings of one line, by keyword. */
const READERS: Readonly<Record<string, (instance: Instance, value: string, line: SourceLine) => void>> = {
  interface: (instance, value, line) => (instance.interface = { value, line }),
  state: (instance, value, line) => (instance.state = { value, line }),
  virtual_router_id: (instance, value, line) => (instance.routerId = { value, line }),
  priority: (instance, value, line) => (instance.priority = { value: Number(value), line }),
  advert_int: (instance, value, line) => (instance.advertSeconds = { value, line }),
  down_timer_adverts: (instance, value, line) => (instance.missedAdverts = { value, line }),
  version: (instance, value, line) => (instance.version = { value, line }),
  nopreempt: (instance, _value, line) => (instance.noPreempt = { value: true, line }),
  preempt_delay: (instance, value, line) => (instance.preemptDelay = { value, line }),
  unicast_src_ip: (instance, value, line) => (instance.sourceAddress = { value, line }),
  mcast_src_ip: (instance, value, line) => (instance.sourceAddress = { value, line }),
};

function readSetting(instance: Instance, child: KeepalivedBlock, report: ImportReport): void {
  const [keyword = '', value = ''] = child.words;
  const reader = Object.hasOwn(READERS, keyword) ? READERS[keyword] : undefined;
  if (reader !== undefined && value === '' && keyword !== 'nopreempt')
    report.answer(child.line, { verdict: 'refused', why: 'it has no value' });
  else if (reader !== undefined) reader(instance, value, child.line);
  else if (!readTracking(instance, child, report) && !readBlock(instance, child, report))
    answerTree(child, report, tableAnswer('instance', child));
}

/** Blocks inside an instance; false when it is another one. */
function readBlock(instance: Instance, block: KeepalivedBlock, report: ImportReport): boolean {
  if (block.children === undefined) return false;
  const entries = block.children;
  const [keyword = ''] = block.words;
  switch (keyword) {
    case 'virtual_ipaddress':
    case 'virtual_ipaddress_excluded': {
      const excluded = keyword !== 'virtual_ipaddress';
      instance.addresses.push(...entries.map(({ words, line }) => ({ value: { words, excluded }, line })));
      const why = excluded ? 'addresses that no advert lists' : 'the floating addresses';
      report.answer(block.line, { verdict: 'taken', why, target: 'vips' });
      return true;
    }
    case 'unicast_peer':
      instance.peers.push(...entries.map((entry) => ({ value: entry.words[0] ?? '', line: entry.line })));
      report.answer(block.line, {
        verdict: 'taken',
        why: 'adverts go to the address of the other node',
        target: 'vips.*.transport',
      });
      return true;
    case 'authentication':
      readAuthentication(instance.auth, block);
      return true;
    default:
      return false;
  }
}

/** What an instance or a sync group follows and tells; false when the statement is another one. */
function readTracking(tracking: Tracking, block: KeepalivedBlock, report: ImportReport): boolean {
  const [keyword = '', command = '', user] = block.words;
  if (/^notify(?:_master|_backup|_fault|_stop)?$/.test(keyword)) {
    tracking.notifies.push({ value: { keyword, command, hasUser: user !== undefined }, line: block.line });
    return true;
  }
  if (block.children === undefined || (keyword !== 'track_script' && keyword !== 'track_interface')) return false;
  const why = 'its lines are answered one by one';
  report.answer(block.line, { verdict: 'changed', why });
  for (const { words, line } of block.children) {
    const [name = '', option, weight] = words;
    if (keyword === 'track_interface') tracking.interfaces.push({ value: name, line });
    else tracking.scripts.push({ value: option === 'weight' ? { name, weight: Number(weight) } : { name }, line });
  }
  return true;
}

function readAuthentication(auth: AuthLines, block: KeepalivedBlock): void {
  auth.lines.push(block.line);
  for (const entry of block.children ?? []) {
    const [keyword = '', value = ''] = entry.words;
    const { line } = entry;
    if (keyword === 'auth_type') auth.type = { value: value.toUpperCase(), line };
    else if (keyword === 'auth_pass') auth.password = { value, line };
    else if (keyword.startsWith('auth_hmac')) auth.type = { value: 'HMAC', line };
    auth.lines.push(line, ...linesOf(entry));
  }
}

function linesOf(block: KeepalivedBlock): SourceLine[] {
  return (block.children ?? []).flatMap((child) => [child.line, ...linesOf(child)]);
}

/** The configuration for which alone a statement counts: `@lb1 priority 150`. */
export function conditionOf({ words }: KeepalivedBlock): string | undefined {
  return /^@\^?(.+)$/.exec(words[0] ?? '')?.[0];
}

/** Why such a statement is not taken. */
export function conditional(condition: string): string {
  return `it counts only where keepalived was started with this configuration (-i): write it without "${condition}" into the file of each node for which it counts`;
}

/** What the table of directives says of a statement. */
export function tableAnswer(place: Place, block: KeepalivedBlock): Answer | undefined {
  const condition = conditionOf(block);
  if (condition !== undefined) return { verdict: 'refused', why: conditional(condition) };
  const directive = directiveOf(place, block.words[0] ?? '');
  return directive && { verdict: directive.verdict, why: directive.why, target: directive.becomes };
}

/** Answers a statement and all lines inside it alike; without an answer the report refuses them by name. */
export function answerTree(block: KeepalivedBlock, report: ImportReport, answer: Answer | undefined): void {
  if (answer !== undefined) report.answer(block.line, answer);
  for (const child of block.children ?? []) {
    answerTree(child, report, answer ?? { verdict: 'refused', why: `it belongs to "${block.words[0] ?? ''}"` });
  }
}
