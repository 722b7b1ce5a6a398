import { hostStatus } from '@tospann/api';
import { expect, test } from 'vitest';
import { droppingNow, limitsEvent, limitsStatus } from './limits-status.ts';

const conntrack = { entries: 620, limit: 1000, insertFailed: 1, dropped: 2, earlyDropped: 3, sources: [] };

test('limitsStatus() is JSON that the API takes, also when the table never fills', () => {
  const alarm = { name: 'steal', severity: 'warning', sinceMs: 7, text: 'The hypervisor took 12 %' } as const;
  const steady = limitsStatus({ conntrack: { ...conntrack, ratePerSecond: 0, fullInSeconds: Infinity }, alarms: [] });
  expect(steady).not.toHaveProperty('conntrackFullInSeconds');
  expect(JSON.parse(JSON.stringify(steady))).toEqual(steady);
  const filling = limitsStatus({
    conntrack: { ...conntrack, fullInSeconds: 38, sources: [{ source: '203.0.113.7', share: 0.62 }] },
    stealRatio: 0.12,
    alarms: [alarm],
  });
  expect(filling).toMatchObject({
    conntrackEntries: 620,
    conntrackDroppedTotal: 5,
    conntrackFullInSeconds: 38,
    conntrackSources: [{ source: '203.0.113.7', share: 0.62 }],
    cpuStealRatio: 0.12,
    alarms: [alarm],
  });
  expect(hostStatus.parse(JSON.parse(JSON.stringify(filling)))).toEqual(filling);
});

test('limitsStatus() without connection tracking says nothing of it', () => {
  expect(limitsStatus({ alarms: [] })).toEqual({ alarms: [] });
});

test('limitsEvent() names the node and the alarm', () => {
  const news = {
    alarm: 'conntrack-filling',
    change: 'raised',
    severity: 'warning',
    text: 'Connection tracking is 62 % full',
    evidence: { entries: 620 },
  } as const;
  expect(limitsEvent(news, 'lb1')).toEqual({
    event: 'tuner',
    severity: 'warning',
    text: 'lb1: Connection tracking is 62 % full',
    evidence: { alarm: 'conntrack-filling', change: 'raised', entries: 620 },
  });
});

test('droppingNow() speaks of full tables of this node, not of warnings and not of an overloaded proxy', () => {
  const alarm = (name: 'conntrack-full' | 'ports' | 'listen-overflow', severity: 'alarm' | 'warning') =>
    ({ name, severity, sinceMs: 0, text: `${name} ${severity}` }) as const;
  expect(droppingNow({ alarms: [] })).toBe('');
  expect(droppingNow({ alarms: [alarm('ports', 'warning'), alarm('listen-overflow', 'alarm')] })).toBe('');
  expect(droppingNow({ alarms: [alarm('ports', 'warning'), alarm('conntrack-full', 'alarm')] })).toBe(
    'conntrack-full alarm',
  );
});
