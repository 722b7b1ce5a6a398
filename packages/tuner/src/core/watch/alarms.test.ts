import { describe, expect, test } from 'vitest';
import { firstWatch, judgeSample, wantsSources } from './alarms.ts';
import type { WatchNews, WatchSample, WatchView } from './sample.ts';

const thresholds = { conntrackAlarmPercent: 80, stealAlarmPercent: 10 };
const table = { entries: 0, limit: 1000, insertFailed: 0, dropped: 0, earlyDropped: 0 };

interface Run {
  readonly news: readonly (WatchNews & { readonly second: number })[];
  readonly view: WatchView;
}

/** Plays one sample a second. */
function play(seconds: number, sampleAt: (second: number) => Omit<WatchSample, 'atMs'>): Run {
  let state = firstWatch;
  let view: WatchView = { alarms: [] };
  const news: (WatchNews & { readonly second: number })[] = [];
  for (let second = 0; second < seconds; second++) {
    const sample = { atMs: 1000 * second, ...sampleAt(second) };
    const sources = wantsSources(sample) ? [{ source: '203.0.113.7', share: 0.62 }] : undefined;
    const result = judgeSample(state, { sample, ...(sources === undefined ? {} : { sources }) }, thresholds);
    state = result.state;
    view = result.view;
    news.push(...result.news.map((item) => ({ ...item, second })));
  }
  return { news, view };
}

describe('conntrack', () => {
  test('the alarm says when it will be full and who fills it, long before', () => {
    const { news, view } = play(60, (second) => ({ conntrack: { ...table, entries: 10 * second } }));
    expect(news).toHaveLength(1);
    expect(news[0]).toMatchObject({ alarm: 'conntrack-filling', change: 'raised', severity: 'warning', second: 25 });
    expect(news[0]?.text).toBe('Connection tracking is 25 % full (250 of 1000), full in 75 s at this rate');
    expect(view.alarms[0]?.text).toBe(
      'Connection tracking is 59 % full (590 of 1000), full in 41 s at this rate, 62 % from 203.0.113.7',
    );
    expect(view.conntrack?.fullInSeconds).toBeCloseTo(41);
  });

  test('a steady table above the threshold is an alarm without a time', () => {
    const { view } = play(10, () => ({ conntrack: { ...table, entries: 850 } }));
    expect(view.alarms.map(({ text }) => text)).toEqual([
      'Connection tracking is 85 % full (850 of 1000), 62 % from 203.0.113.7',
    ]);
  });

  test('a steady table below it is none', () => {
    expect(play(60, () => ({ conntrack: { ...table, entries: 790 } })).news).toEqual([]);
  });

  test('drops are an alarm of their own', () => {
    const { news } = play(8, (second) => ({
      conntrack: { ...table, entries: 1000, dropped: second < 5 ? 7 : 7 + 3 * (second - 4) },
    }));
    expect(news.map(({ alarm, second }) => `${alarm} ${second}`)).toEqual(['conntrack-filling 0', 'conntrack-full 5']);
    expect(news[1]?.text).toContain('3 dropped in the last 10 s');
    expect(news[1]?.severity).toBe('alarm');
  });

  test('an alarm ends ten seconds after its cause, once', () => {
    const { news, view } = play(30, (second) => ({ conntrack: { ...table, entries: second < 5 ? 900 : 100 } }));
    expect(news.map(({ change, second }) => `${change} ${second}`)).toEqual(['raised 0', 'cleared 14']);
    expect(news[1]?.evidence).toEqual({ lastedSeconds: 4 });
    expect(view.alarms).toEqual([]);
  });

  test('a fill that swings around the threshold does not chatter', () => {
    const { news } = play(60, (second) => ({ conntrack: { ...table, entries: second % 2 === 0 ? 799 : 801 } }));
    expect(news).toHaveLength(1);
  });

  test('without the module there is nothing to say', () => {
    expect(play(20, () => ({})).view).toEqual({ alarms: [] });
  });
});

test('turned away connections, early ends of TIME_WAIT and dropped packets are counted over ten seconds', () => {
  for (const key of ['listenOverflows', 'timeWaitOverflows', 'softnetDropped'] as const) {
    const { news } = play(40, (second) => ({ [key]: second < 3 ? 100 : 105 }));
    expect(news.map(({ change, second }) => `${change} ${second}`)).toEqual(['raised 3', 'cleared 22']);
    expect(news[0]?.text).toMatch(/^5 /);
  }
});

test('local ports: a warning at four fifths, an alarm when none is left', () => {
  const { news } = play(6, (second) => ({
    ports: { destination: '10.0.0.1:80', used: [10, 79, 80, 90, 100, 100][second] ?? 0, usable: 100 },
  }));
  expect(news.map(({ severity, second }) => `${severity} ${second}`)).toEqual(['warning 2', 'alarm 4']);
  expect(news[0]?.text).toContain('10.0.0.1:80');
});

describe('steal', () => {
  const ticks = 200;
  test('a tenth of ten seconds is an alarm', () => {
    const { news, view } = play(20, (second) => ({ cpu: { total: ticks * second, steal: second * 0.12 * ticks } }));
    expect(news).toHaveLength(1);
    expect(news[0]).toMatchObject({ alarm: 'steal', second: 9 });
    expect(view.stealRatio).toBeCloseTo(0.12);
  });
  test('one second of it is not', () => {
    expect(
      play(20, (second) => ({ cpu: { total: ticks * second, steal: second < 8 ? 0 : 0.7 * ticks } })).news,
    ).toEqual([]);
  });
  test('a counter that jumps back is no steal', () => {
    expect(play(20, (second) => ({ cpu: { total: ticks * second, steal: second < 8 ? 500 : 0 } })).news).toEqual([]);
  });
});
