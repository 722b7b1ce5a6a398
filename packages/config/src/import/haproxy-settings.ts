// Settings that HAProxy has for each section and this product for the pair: each section says its value, one value is
// taken, and the report says what that changes for whom.
import { formatDuration, readDuration } from '../units.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { PairDraft, TimeoutKey } from './pair-draft.ts';
import type { Answer, ImportReport } from './report.ts';

/** A line that sets such a setting. */
export interface SettingLine {
  readonly key: string;
  readonly line: HaproxyLine;
  /** Equal for lines that mean the same; empty: switched off. */
  readonly value: string;
  readonly answer: Answer;
  readonly apply: (draft: PairDraft) => void;
}

/** What a section has, by key: its own lines, and those of its `defaults`. */
export type Settings = Map<string, SettingLine>;

/** A section whose settings count. */
export interface SettingSection {
  readonly name: string;
  readonly keyword: string;
  readonly mode: 'http' | 'tcp';
  readonly settings: Settings;
  /** For a frontend: the sections of its backends. */
  readonly backends: SettingSection[];
}

/** Who a setting is for: clients, servers, or a way from the one to the other. */
type Side = 'front' | 'back' | 'way';

const SIDES: Readonly<Record<string, Side>> = {
  'timeout client': 'front',
  'timeout httpRequest': 'front',
  'timeout httpKeepAlive': 'front',
  'timeout connect': 'back',
  'timeout server': 'back',
  'timeout queue': 'back',
  'timeout check': 'back',
  'timeout tunnel': 'back',
  retries: 'back',
  redispatch: 'back',
  'retry-on': 'back',
  'unique-id-header': 'front',
  httplog: 'front',
  dontlognull: 'front',
  forwardfor: 'way',
  'connection mode': 'way',
};

/** In mode tcp they mean nothing. */
const HTTP_ONLY: ReadonlySet<string> = new Set([
  'timeout httpRequest',
  'timeout httpKeepAlive',
  'unique-id-header',
  'httplog',
  'forwardfor',
  'connection mode',
  'retry-on',
]);

/** In mode tcp the idle session has one time-out here. */
const IDLE: ReadonlySet<string> = new Set(['timeout client', 'timeout server']);

interface Voter {
  readonly name: string;
  readonly setting: SettingLine | undefined;
}

/** Chooses one value for each setting, and answers the lines. */
export function settleSettings(
  sections: readonly SettingSection[],
  lines: readonly SettingLine[],
  out: { readonly draft: PairDraft; readonly report: ImportReport },
): void {
  const keys = [...new Set(lines.map(({ key }) => key))];
  const winners = new Map<string, SettingLine>();
  for (const key of keys) {
    const voters = votersOf(sections, key);
    const winner = winnerOf(voters.flatMap(({ setting }) => setting ?? []).filter(({ value }) => value !== ''));
    winner?.apply(out.draft);
    if (winner !== undefined) winners.set(key, winner);
    const own = lines.filter((line) => line.key === key);
    for (const line of own) answerLine(line, { voters, winner, sections, report: out.report });
  }
  settleIdle(sections, out);
  fillTimeouts(winners, out);
}

function votersOf(sections: readonly SettingSection[], key: string): Voter[] {
  const side = SIDES[key] ?? 'front';
  const counted = sections.filter(
    ({ mode }) => mode === 'http' || !(HTTP_ONLY.has(key) || IDLE.has(key) || key === 'timeout tunnel'),
  );
  const vote = (section: SettingSection): Voter => ({ name: section.name, setting: section.settings.get(key) });
  if (side === 'back') return counted.filter(({ keyword }) => keyword !== 'frontend').map(vote);
  const frontends = counted.filter(({ keyword }) => keyword !== 'backend');
  if (side === 'front') return frontends.map(vote);
  const ways = frontends.flatMap((frontend): Voter[] => {
    if (frontend.settings.has(key) || frontend.backends.length === 0) return [vote(frontend)];
    return frontend.backends.map((backend) => {
      const own = vote(backend);
      return own.setting === undefined ? { ...own, name: frontend.name } : own;
    });
  });
  return ways.filter((way, index) => ways.findIndex(({ name }) => name === way.name) === index);
}

/** The value that most have; the first of those that as many have. */
function winnerOf(settings: readonly SettingLine[]): SettingLine | undefined {
  const counts = new Map<string, number>();
  for (const { value } of settings) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return settings.find(({ value }) => counts.get(value) === most);
}

interface Settled {
  readonly voters: readonly Voter[];
  readonly winner: SettingLine | undefined;
  readonly sections: readonly SettingSection[];
  readonly report: ImportReport;
}

function answerLine(setting: SettingLine, settled: Settled): void {
  const { line, answer } = setting;
  const given = answerFor(setting, settled);
  if (given !== undefined) settled.report.answer(line, { target: answer.target ?? '', ...given });
}

function answerFor(setting: SettingLine, { voters, winner, sections }: Settled): Answer | undefined {
  const { answer, value } = setting;
  if (!voters.some((voter) => voter.setting === setting)) {
    // Sections of mode tcp have it as the end of an idle session.
    const ofTcp = IDLE.has(setting.key) && sections.some(({ settings }) => settings.get(setting.key) === setting);
    return ofTcp ? undefined : { verdict: 'not-needed', why: 'no section takes it' };
  }
  if (value === '') {
    return winner === undefined
      ? { verdict: 'taken', why: 'it is off' }
      : { verdict: 'refused', why: `it is on for the whole pair here, by line ${winner.line.line}` };
  }
  if (value !== winner?.value) {
    const other = `"${winner?.line.text ?? ''}" (line ${winner?.line.line ?? 0})`;
    return { verdict: 'refused', why: `this version has one value for the whole pair, and ${other} is it` };
  }
  const others = voters.filter((voter) => voter.setting?.value !== value).map(({ name }) => name);
  if (others.length === 0) return answer;
  const why = `${answer.why}; also for ${others.join(', ')}, where it was not so: the pair has one value`;
  return { ...answer, verdict: answer.verdict === 'refused' ? 'refused' : 'changed', why };
}

/** How long nothing may pass through a session of mode tcp, or an upgraded connection: timeouts.tunnel. */
function idleOf({ settings }: SettingSection): string | undefined {
  const own = settings.get('timeout tunnel')?.value;
  if (own !== undefined) return own;
  const both = ['timeout client', 'timeout server'].flatMap((key) => settings.get(key)?.value ?? []);
  const times = both.map(Number).filter((timeMs) => timeMs > 0);
  return times.length === 0 ? undefined : String(Math.min(...times));
}

function settleIdle(
  sections: readonly SettingSection[],
  { draft, report }: { readonly draft: PairDraft; readonly report: ImportReport },
): void {
  const streams = sections.filter(({ mode }) => mode === 'tcp');
  const idle = streams.map((section) => ({ section, value: idleOf(section) }));
  // A session that ends too soon does more harm than one that is idle for longer.
  const [first] = idle.flatMap(({ value }) => value ?? []).toSorted((a, b) => Number(b) - Number(a));
  if (first === undefined) return;
  draft.timeouts.tunnel = formatDuration(Number(first));
  for (const section of sections.filter(({ mode }) => mode === 'http')) {
    const value = idleOf(section);
    const setting = section.settings.get('timeout tunnel') ?? section.settings.get('timeout client');
    if (value === undefined || value === first || setting === undefined) continue;
    const why = `an upgraded connection may be idle for ${draft.timeouts.tunnel}, as a session of mode tcp: the pair has one value`;
    report.answer(setting.line, { verdict: 'changed', why, target: 'timeouts.tunnel' });
  }
  for (const { section, value } of idle) {
    for (const key of ['timeout client', 'timeout server', 'timeout tunnel']) {
      const setting = section.settings.get(key);
      if (setting === undefined || setting.value === '') continue;
      const time = draft.timeouts.tunnel;
      const same = value === first;
      const why = same
        ? `${time} without a byte ends a session of mode tcp (timeouts.tunnel)`
        : `${time} without a byte ends every session of mode tcp: the pair has one value (timeouts.tunnel)`;
      report.answer(setting.line, { verdict: same ? 'taken' : 'changed', why, target: 'timeouts.tunnel' });
    }
  }
}

/** Time-outs that a file leaves out are those of others in HAProxy. */
const FOLLOWS: readonly (readonly [key: TimeoutKey, from: TimeoutKey, what: string])[] = [
  ['httpRequest', 'client', 'for the head of a request'],
  ['httpKeepAlive', 'httpRequest', 'for idle connections'],
  ['queue', 'connect', 'for places at servers'],
];

function fillTimeouts(
  winners: ReadonlyMap<string, SettingLine>,
  { draft, report }: { readonly draft: PairDraft; readonly report: ImportReport },
): void {
  const { timeouts } = draft;
  const lineOf = new Map<TimeoutKey, SettingLine | undefined>();
  const source = (key: TimeoutKey): SettingLine | undefined => winners.get(`timeout ${key}`) ?? lineOf.get(key);
  for (const [key, from, what] of FOLLOWS) {
    const value = timeouts[from];
    if (timeouts[key] !== undefined || value === undefined) continue;
    timeouts[key] = value;
    const setting = source(from);
    lineOf.set(key, setting);
    if (setting !== undefined) report.answer(setting.line, { verdict: 'taken', why: what, target: `timeouts.${key}` });
  }
  if (timeouts.tunnel !== undefined || timeouts.client === undefined || timeouts.server === undefined) return;
  const shorter = millisecondsOf(timeouts.client) <= millisecondsOf(timeouts.server) ? 'client' : 'server';
  timeouts.tunnel = timeouts[shorter] ?? '';
  const setting = source(shorter);
  const answer = { verdict: 'taken', why: 'for upgraded connections', target: 'timeouts.tunnel' } as const;
  if (setting !== undefined) report.answer(setting.line, answer);
}

function millisecondsOf(text: string): number {
  const read = readDuration(text);
  return read.ok ? read.value : 0;
}
