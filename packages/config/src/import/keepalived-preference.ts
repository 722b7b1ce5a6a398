// Who takes the addresses back: priority, nopreempt, preempt_delay and state of one VRRP router.
import { formatDuration } from '../units.ts';
import { DEFAULT_PRIORITY, type Instance } from './keepalived-instance.ts';
import type { Member, Pair } from './keepalived-pairs.ts';
import type { ImportReport } from './report.ts';

export interface Preference {
  /** The node that takes the addresses back. */
  readonly preferred?: string;
  readonly preemptDelay?: string;
  /** The member with the higher priority, if there is one. */
  readonly high?: Member;
}

const secondMs = 1000;
const longestDelayMs = 3_600_000;

/** The node with the higher priority is preferred, unless it has nopreempt. */
export function preferenceOf(pair: Pair): Preference {
  const [a, b] = pair.members;
  if (a === undefined || b === undefined || priorityOf(a.instance) === priorityOf(b.instance)) return {};
  const high = priorityOf(a.instance) > priorityOf(b.instance) ? a : b;
  if (high.instance.noPreempt !== undefined) return { high };
  const delayMs = Math.round(Number(high.instance.preemptDelay?.value ?? Number.NaN) * secondMs);
  const hasDelay = Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= longestDelayMs;
  return { high, preferred: high.node, ...(hasDelay ? { preemptDelay: formatDuration(delayMs) } : {}) };
}

function priorityOf({ priority }: Instance): number {
  return priority?.value ?? DEFAULT_PRIORITY;
}

/** Answers the lines of a pair; `first` and `of` are those of the pair that decides for the election. */
export function answerPreference(
  own: Preference,
  election: { readonly pair: Pair; readonly first: Preference; readonly of: Pair },
  report: ImportReport,
): void {
  const { pair, first, of } = election;
  const target = `vips.${pair.name}`;
  const differs = own.preferred !== first.preferred;
  const another = differs
    ? `; one election has one preferred node, that of ${of.name} (${first.preferred ?? 'none'})`
    : '';
  for (const member of pair.members) {
    const { state, priority, noPreempt } = member.instance;
    if (state !== undefined) {
      const why = 'adverts decide who owns the address; this was only the state at the start';
      report.answer(state.line, { verdict: 'changed', why, target: `${target}.preferred` });
    }
    if (priority !== undefined && !Number.isInteger(priority.value)) {
      const why = 'it is no number, so it decides nothing';
      report.answer(priority.line, { verdict: 'refused', why, target: `${target}.preferred` });
    } else if (priority !== undefined) {
      const why =
        pair.members.length < 2
          ? 'the file of the other node says which one is higher: without it none is preferred, and whoever has the address keeps it'
          : own.preferred === undefined
            ? 'both nodes have priority 100: whoever has the address keeps it'
            : `keepalived gives the address back to the higher priority by default, so preferred: ${own.preferred} (150 against 100)`;
      report.answer(priority.line, { verdict: 'changed', why: `${why}${another}`, target: `${target}.preferred` });
    }
    if (noPreempt !== undefined && member === own.high) {
      const why = `no node is preferred: whoever has the address keeps it${another}`;
      const verdict = differs ? 'changed' : 'taken';
      report.answer(noPreempt.line, { verdict, why, target: `${target}.preferred` });
    } else if (noPreempt !== undefined) {
      const why = 'this node is not the one with the higher priority';
      report.answer(noPreempt.line, { verdict: 'not-needed', why });
    }
    answerDelay(member, { own, first, target, of }, report);
  }
}

function answerDelay(
  { node, instance }: Member,
  about: { readonly own: Preference; readonly first: Preference; readonly target: string; readonly of: Pair },
  report: ImportReport,
): void {
  const { own, first, of } = about;
  if (instance.preemptDelay === undefined) return;
  const { line, value } = instance.preemptDelay;
  const target = `${about.target}.preemptDelay`;
  if (own.preferred !== node) {
    const why =
      own.preferred === undefined
        ? 'no node is preferred, so none takes the address back'
        : `${own.preferred} is preferred, so this node never takes the address back`;
    report.answer(line, { verdict: 'not-needed', why });
  } else if (own.preemptDelay === undefined) {
    const why = `"${value}" is not between 0 and 1000 seconds: write preemptDelay`;
    report.answer(line, { verdict: 'refused', why, target });
  } else if (own.preemptDelay === first.preemptDelay) {
    report.answer(line, { verdict: 'taken', why: own.preemptDelay, target });
  } else {
    const why = `${first.preemptDelay ?? 'three take-over times'}: one election has one of it, that of ${of.name}`;
    report.answer(line, { verdict: 'changed', why, target });
  }
}
