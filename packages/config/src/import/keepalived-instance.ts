// One vrrp_instance of a keepalived.conf: its settings with their lines, and an answer for those that need no
// comparison with the other node's file.
import type { KeepalivedBlock } from './keepalived-text.ts';
import type { Answer, ImportReport, SourceLine } from './report.ts';

/** A setting with the line that it stands on. */
export interface Setting<T> {
  readonly value: T;
  readonly line: SourceLine;
}

export interface Instance {
  readonly name: string;
  readonly line: SourceLine;
  interface?: Setting<string>;
  state?: Setting<string>;
  routerId?: Setting<string>;
  priority?: Setting<number>;
  advertSeconds?: Setting<string>;
  noPreempt?: Setting<true>;
  /** The password as written, never reported. */
  auth?: Setting<string>;
  sourceAddress?: Setting<string>;
  readonly peers: Setting<string>[];
  readonly addresses: Setting<readonly string[]>[];
  /** Names of tracked scripts, with a weight when the line has one. */
  readonly scripts: Setting<{ readonly name: string; readonly weight?: number }>[];
}

// keepalived's own default (keepalived.conf(5), "priority").
export const DEFAULT_PRIORITY = 100;

const NO_SCRIPTS =
  'not taken over by itself: write it as a hook (events.hooks, on: [vrrp-state]); events.fifo has keepalived lines';

const ANSWERS: Readonly<Record<string, Answer>> = {
  version: { verdict: 'changed', why: 'VRRP version 3 (RFC 9568); for an old peer write version: 2' },
  preempt: { verdict: 'not-needed', why: 'the preferred node takes the address back' },
  preempt_delay: {
    verdict: 'changed',
    why: 'not taken over by itself: write preemptDelay; without it the preferred node takes the address back after three down intervals',
  },
  down_timer_adverts: { verdict: 'changed', why: 'not taken over by itself: write missedAdverts' },
  accept: { verdict: 'not-needed', why: 'packets to the address are always accepted' },
  no_accept: { verdict: 'refused', why: 'packets to the address are always accepted: it is what the pair serves' },
  debug: { verdict: 'not-needed', why: 'every change of state is logged' },
  dont_track_primary: { verdict: 'refused', why: 'an interface that is down always gives up the address' },
  track_interface: { verdict: 'changed', why: 'the interfaces of the node and of its VIPs are always watched' },
  track_file: { verdict: 'refused', why: 'only interface and proxy decide whether a node can serve' },
  track_process: {
    verdict: 'refused',
    why: 'a process that exists says nothing about requests; the node probes itself instead',
  },
  use_vmac: { verdict: 'refused', why: 'the address moves by gratuitous ARP, without a virtual MAC address' },
  vmac_xmit_base: { verdict: 'refused', why: 'there is no virtual MAC address' },
  native_ipv6: { verdict: 'refused', why: 'not needed: write an IPv6 address as a VIP' },
  smtp_alert: { verdict: 'refused', why: 'no mail is sent by this version' },
  notify: { verdict: 'refused', why: NO_SCRIPTS },
  notify_master: { verdict: 'refused', why: NO_SCRIPTS },
  notify_backup: { verdict: 'refused', why: NO_SCRIPTS },
  notify_fault: { verdict: 'refused', why: NO_SCRIPTS },
  notify_stop: { verdict: 'refused', why: NO_SCRIPTS },
  lvs_sync_daemon_interface: { verdict: 'refused', why: 'there is no LVS here' },
  lvs_sync_daemon_inteface: { verdict: 'refused', why: 'there is no LVS here' },
  virtual_ipaddress_excluded: {
    verdict: 'refused',
    why: 'not taken over by itself: write each as a VIP without a routerId, and the adverts of the first carry it',
  },
  virtual_routes: { verdict: 'refused', why: 'routes are not moved by this version' },
  virtual_rules: { verdict: 'refused', why: 'routing rules are not moved by this version' },
};

/** Reads a block `vrrp_instance NAME { ... }`. */
export function readInstance(block: KeepalivedBlock, report: ImportReport): Instance {
  const instance: Instance = { name: block.words[1] ?? '', line: block.line, peers: [], addresses: [], scripts: [] };
  for (const child of block.children ?? []) readSetting(instance, child, report);
  return instance;
}

function readSetting(instance: Instance, child: KeepalivedBlock, report: ImportReport): void {
  const [keyword = '', value = ''] = child.words;
  const { line } = child;
  switch (keyword) {
    case 'interface':
      instance.interface = { value, line };
      return;
    case 'state':
      instance.state = { value, line };
      return;
    case 'virtual_router_id':
      instance.routerId = { value, line };
      return;
    case 'priority':
      instance.priority = { value: Number(value), line };
      return;
    case 'advert_int':
      instance.advertSeconds = { value, line };
      return;
    case 'nopreempt':
      instance.noPreempt = { value: true, line };
      return;
    case 'unicast_src_ip':
    case 'mcast_src_ip':
      instance.sourceAddress = { value, line };
      return;
    default:
      if (child.children !== undefined && readBlock(instance, child, report)) return;
      answerTree(child, report, ANSWERS[keyword]);
  }
}

/** Blocks inside an instance; false when it is another one. */
function readBlock(instance: Instance, block: KeepalivedBlock, report: ImportReport): boolean {
  const entries = block.children ?? [];
  switch (block.words[0] ?? '') {
    case 'virtual_ipaddress':
      instance.addresses.push(...entries.map((entry) => ({ value: entry.words, line: entry.line })));
      report.answer(block.line, { verdict: 'taken', why: 'the floating address', target: 'vips' });
      return true;
    case 'unicast_peer':
      instance.peers.push(...entries.map((entry) => ({ value: entry.words[0] ?? '', line: entry.line })));
      report.answer(block.line, {
        verdict: 'taken',
        why: 'adverts go to the address of the other node',
        target: 'vips.*.transport',
      });
      return true;
    case 'track_script':
      for (const entry of entries) readTrackedScript(instance, entry);
      report.answer(block.line, { verdict: 'changed', why: 'built in: each node probes its own listener' });
      return true;
    case 'authentication':
      for (const entry of entries) readAuthentication(instance, entry, report);
      report.answer(block.line, { verdict: 'refused', why: NO_AUTH });
      return true;
    default:
      return false;
  }
}

const NO_AUTH =
  'VRRP version 3 has no passwords (RFC 9568, section 9): they were sent in clear text; auth: cluster signs adverts, version: 2 with auth: { type: password } is for an old peer';

function readTrackedScript(instance: Instance, entry: KeepalivedBlock): void {
  const [name = '', keyword, weight] = entry.words;
  const value = keyword === 'weight' ? { name, weight: Number(weight) } : { name };
  instance.scripts.push({ value, line: entry.line });
}

function readAuthentication(instance: Instance, entry: KeepalivedBlock, report: ImportReport): void {
  const secret = entry.words[0] === 'auth_pass';
  if (secret) instance.auth = { value: entry.words[1] ?? '', line: entry.line };
  report.answer(entry.line, { verdict: 'refused', why: secret ? `${NO_AUTH}; the password is not copied` : NO_AUTH });
}

/** Answers a statement and all lines inside it alike; without an answer the report refuses them by name. */
export function answerTree(block: KeepalivedBlock, report: ImportReport, answer: Answer | undefined): void {
  if (answer !== undefined) report.answer(block.line, answer);
  for (const child of block.children ?? []) {
    answerTree(child, report, answer ?? { verdict: 'refused', why: `it belongs to "${block.words[0] ?? ''}"` });
  }
}
