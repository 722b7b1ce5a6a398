// What happened, in the sentence that an operator needs at night: from the words of the agent, the proxy and the
// supervisor to events. Pure; the log lines of the same things are written where they happen.
import type { EventDraft, EventSeverity } from '@tospann/api';
import type { ProxyEvent } from '@tospann/proxy';
import { takeover, type ConditionState, type TrackEvent, type VrrpLogLine, type VrrpStateEvent } from '@tospann/vrrp';
import type { ConfigurationState, FailoverAnswer, Role } from '../ipc.ts';

/** When: both clocks. */
export interface EventTime {
  readonly timeMs: number;
  readonly monotonicMs: number;
}

export type Evidence = NonNullable<EventDraft['evidence']>;

/** Who tells of a change of state. */
export interface StateTeller {
  readonly node: string;
  /** It is in maintenance: that it owns nothing is as it should be. */
  readonly isOut: boolean;
}

/** The state of an address changed on this node. */
export function stateEvent(event: VrrpStateEvent, { node, isOut }: StateTeller, time: EventTime): EventDraft {
  const { vip, from, to, reason } = event;
  const sentences = {
    master: `${node} owns ${vip} now: ${reason}`,
    backup: from === 'master' ? `${node} gave ${vip} up: ${reason}` : `${node} stands by for ${vip}: ${reason}`,
    fault: `${node} cannot own ${vip}: ${reason}`,
    init: `${node} takes no part in the election of ${vip}: ${reason}`,
  } as const;
  const evidence = { from, to, reason, ...event.evidence };
  const { group } = event;
  return {
    ...time,
    event: 'vrrp-state',
    severity: severityOf(event, isOut),
    vip,
    group,
    text: sentences[to],
    evidence,
  };
}

/** A node that starts, stops or goes out as it was told to is no news, nor is a return home; an owner that changes is. */
function severityOf({ from, to, reason }: VrrpStateEvent, isOut: boolean): EventSeverity {
  if (isOut && to !== 'master') return 'info';
  if (to === 'fault') return 'alarm';
  if (to === 'master' && (reason === takeover.preferred || reason === takeover.addressOwner)) return 'info';
  if (to === 'master' || (from === 'master' && to === 'backup')) return from === 'init' ? 'info' : 'warning';
  return 'info';
}

/** Something that the agent noticed, or waits for. */
export function lineEvent(line: VrrpLogLine, time: EventTime): EventDraft {
  if (line.event === 'vrrp-problem') {
    const { code, hint, msg } = line;
    return { ...time, event: 'vrrp-problem', severity: 'alarm', text: `${msg}. ${hint}`, evidence: { code } };
  }
  const { vip, what, detail, msg } = line;
  const severity: EventSeverity = quietNotices.has(what) ? 'info' : alarmNotices.has(what) ? 'alarm' : 'warning';
  const place = vip === '' ? {} : { vip };
  const text = vip === '' ? msg : `${vip}: ${msg}`;
  return { ...time, event: 'vrrp-notice', severity, ...place, text, evidence: { what, detail } };
}

/** What the agent has dealt with and nobody needs to look at, and what is well again. */
const quietNotices: ReadonlySet<string> = new Set([
  'conflict-ended',
  'dialect',
  'old-owner-drains',
  'partly-ended',
  'path-whole',
  'peer-link-stands',
  'peer-problem-ended',
  'send-restored',
  'stale-address',
  'unsigned-ended',
]);
/** What needs somebody at once. */
const alarmNotices: ReadonlySet<string> = new Set(['no-substitute', 'partly', 'send-failed']);

/** A planned move of this node's addresses that the agent refused, or that nobody took. */
export function refusedMoveEvent(
  answer: Extract<FailoverAnswer, { readonly outcome: 'refused' }>,
  node: string,
): Omit<EventDraft, 'timeMs' | 'monotonicMs'> {
  const { code, message, hint } = answer;
  const text = `${node} keeps what it has: ${message}. ${hint}`;
  return { event: 'handover', severity: 'warning', text, evidence: { outcome: 'refused', code } };
}

/** A server of a backend changed. */
export function serverEvent(event: ProxyEvent, time: EventTime): EventDraft {
  const { backend, server, from, to, reason, by } = event;
  const severity: EventSeverity = to === 'down' ? 'warning' : 'info';
  const text = `Server ${backend}/${server} is ${to}: ${reason}`;
  const evidence = { backend, server, from, to, reason, by };
  return { ...time, event: 'server-state', severity, text, evidence };
}

/** A child process ended without being told to. */
export function childEvent(
  ended: { readonly role: Role; readonly pid: number; readonly how: string; readonly delayMs: number },
  time: EventTime,
): EventDraft {
  const { role, how, delayMs } = ended;
  const again = delayMs === 0 ? 'starts again at once' : `starts again in ${delayMs} ms`;
  const means = {
    proxy: 'connections under way are lost, new ones wait',
    vrrp: 'the address stays until its lease ends',
    admin: 'no request notices',
  } as const;
  const text = `The ${role} process ended (${how}) and ${again}; ${means[role]}`;
  return { ...time, event: 'child', severity: role === 'admin' ? 'warning' : 'alarm', text, evidence: { ...ended } };
}

/** The supervisor has ended a child: it said what it must not, or nothing. */
export function faultyChildEvent(
  faulty: { readonly role: Role; readonly pid: number; readonly why: string; readonly faultsTotal: number },
  time: EventTime,
): EventDraft {
  const text = `The ${faulty.role} process ${faulty.pid} is ended: ${faulty.why}`;
  return { ...time, event: 'child', severity: 'alarm', text, evidence: { ...faulty } };
}

/** The configuration file has become another than what runs, or the same again. */
export function configurationEvent(
  { differs, broken, runningHash, diskHash }: Omit<ConfigurationState, 'since'>,
  file: string,
): Omit<EventDraft, 'timeMs' | 'monotonicMs'> {
  const evidence = { differs, broken, runningHash, diskHash };
  if (broken !== '') {
    const text = `The configuration in ${file} is broken; what served before serves on, also after a restart: ${broken}`;
    return { event: 'config', severity: 'alarm', text, evidence };
  }
  const text = differs
    ? `The configuration in ${file} is not what runs: "tospann reload" takes it, and so does the next start`
    : `The configuration in ${file} is what runs`;
  return { event: 'config', severity: 'info', text, evidence };
}

/** Maintenance began or ended. */
export interface MaintenanceEvent {
  readonly event: 'maintenance';
  readonly on: boolean;
  readonly reason: string;
  readonly monotonicMs: number;
}

/** A tracked condition changed, or maintenance did. */
export function abilityEvent(
  event: TrackEvent | MaintenanceEvent,
  node: string,
): Omit<EventDraft, 'timeMs' | 'monotonicMs'> {
  if (event.event === 'track') {
    const { condition, from, to, sentence, output } = event;
    const evidence = { condition, from, to, sentence, ...(output === undefined ? {} : { output }) };
    return { event: 'track', severity: severityOfCondition[to], text: `${node}, ${condition}: ${sentence}`, evidence };
  }
  const { on, reason } = event;
  const why = reason === '' ? '' : `: ${reason}`;
  const text = on ? `${node} is in maintenance${why}` : `Maintenance of ${node} is over`;
  return { event: 'maintenance', severity: 'info', text, evidence: { on, reason } };
}

const severityOfCondition: Readonly<Record<ConditionState, EventSeverity>> = {
  waiting: 'info',
  ok: 'info',
  warning: 'warning',
  impaired: 'alarm',
  'no-server': 'alarm',
  failed: 'alarm',
};
