// Interval, missed adverts and version of one VRRP router, and the answers to their lines once the election has decided.
import type { ConfigProblem } from '../problem.ts';
import { formatDuration } from '../units.ts';
import { agree, type Agreed, type Pair } from './keepalived-pairs.ts';
import type { ImportReport } from './report.ts';

export interface Times {
  readonly advert: Agreed;
  readonly missed: Agreed;
  readonly version: Agreed;
  /** advertInterval of version 3 (steps of 10 ms), and of version 2 (whole seconds). */
  readonly intervalText: string;
  readonly secondsText: string;
  readonly missedAdverts?: number | string;
  /** Written out, or the interval needs it. */
  readonly isVersionTwo: boolean;
  readonly problems: readonly ConfigProblem[];
}

/** The interval field of VRRPv3 has 12 bits of centiseconds, that of VRRPv2 8 bits of seconds. */
const longestV3Ms = 40_950;
const longestV2Ms = 255_000;
const stepMs = 10;
const secondMs = 1000;
/** A single lost advert must not move an address. */
const fewestMissed = 2;

/** What both files say. */
export function timesOf(pair: Pair, report: ImportReport): Times {
  const advert = agree(pair, report, {
    key: 'advertInterval',
    what: 'advert_int',
    of: ({ instance }) => instance.advertSeconds,
    absent: '1',
  });
  const missed = agree(pair, report, {
    key: 'missedAdverts',
    what: 'down_timer_adverts',
    of: ({ instance, file }) => instance.missedAdverts ?? file.missedAdverts,
    absent: '3',
  });
  const version = agree(pair, report, {
    key: 'version',
    what: 'the version of VRRP',
    of: ({ instance, file }) => instance.version ?? file.version,
    absent: '2',
  });
  const advertMs = Number(advert.value) * secondMs;
  const isSaidTwo = version.said.length > 0 && version.value === '2';
  return {
    advert,
    missed,
    version,
    intervalText: intervalText(advert.value, stepMs, longestV3Ms),
    secondsText: intervalText(advert.value, secondMs, longestV2Ms),
    ...missedAdverts(missed),
    isVersionTwo: isSaidTwo || (version.said.length === 0 && advertMs > longestV3Ms && advertMs <= longestV2Ms),
    problems: [advert, missed, version].flatMap(({ problems }) => problems),
  };
}

function missedAdverts({ value = '', said, isDisputed }: Agreed): Pick<Times, 'missedAdverts'> {
  if (said.length === 0) return {};
  const count = Number(value);
  const isUsable = !isDisputed && Number.isInteger(count) && count >= 1 && count <= 100;
  return { missedAdverts: isUsable ? Math.max(fewestMissed, count) : `FILL-IN-${value.replace(/^FILL-IN-/, '')}` };
}

function intervalText(seconds: string | undefined, unitMs: number, longestMs: number): string {
  if (seconds === undefined || seconds.startsWith('FILL-IN')) return seconds ?? '1s';
  const advertMs = Math.ceil(Math.round(Number(seconds) * secondMs) / unitMs) * unitMs;
  const isUsable = Number.isInteger(advertMs) && advertMs > 0 && advertMs <= longestMs;
  return isUsable ? formatDuration(advertMs) : `FILL-IN-${seconds}`;
}

/** Answers the lines of a pair; `first` and `of` are those of the pair that decides for the election. */
export function answerTimes(
  times: Times,
  election: { readonly pair: Pair; readonly first: Times; readonly of: Pair; readonly isTwo: boolean },
  report: ImportReport,
): void {
  const { pair, first, of, isTwo } = election;
  const target = `vips.${pair.name}`;
  const another = `one election has one of it, that of ${of.name}`;
  const text = (some: Times): string => (isTwo ? some.secondsText : some.intervalText);
  const whole = isTwo && text(times) !== times.intervalText ? ', as version 2 has whole seconds' : '';
  answer(times.advert, { own: text(times), final: text(first), another, isExact: whole === '', note: whole });
  answer(times.missed, {
    own: String(times.missedAdverts),
    final: String(first.missedAdverts),
    another,
    isExact: times.missed.value === String(times.missedAdverts),
    note: times.missed.value === '1' ? ': a single lost advert must not move an address' : '',
  });
  const final = isTwo ? '2' : '3';
  const noSix = first.isVersionTwo && !isTwo ? ': version 2 has no IPv6' : '';
  answer(times.version, { own: times.version.value ?? '', final, another, isExact: true, note: noSix });

  function answer(
    agreed: Agreed,
    it: {
      readonly own: string;
      readonly final: string;
      readonly another: string;
      readonly isExact: boolean;
      readonly note: string;
    },
  ): void {
    const key = agreed === times.advert ? 'advertInterval' : agreed === times.missed ? 'missedAdverts' : 'version';
    if (agreed.isDisputed) return;
    for (const { line } of agreed.said) {
      const differs = it.own !== it.final;
      const why = differs ? `${it.final}${it.note === '' ? `: ${it.another}` : it.note}` : `${it.final}${it.note}`;
      report.answer(line, { verdict: differs || !it.isExact ? 'changed' : 'taken', why, target: `${target}.${key}` });
    }
  }
}
