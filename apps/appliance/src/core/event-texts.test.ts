import { expect, test } from 'vitest';
import { takeover, type VrrpState } from '@tospann/vrrp';
import { abilityEvent, childEvent, refusedMoveEvent, lineEvent, serverEvent, stateEvent } from './event-texts.ts';

const time = { timeMs: 5, monotonicMs: 1 };

test.each([
  ['backup', 'master', 'warning', 'lb1 owns public now: silent'],
  ['init', 'master', 'info', 'lb1 owns public now: silent'],
  ['master', 'backup', 'warning', 'lb1 gave public up: silent'],
  ['init', 'backup', 'info', 'lb1 stands by for public: silent'],
  ['fault', 'backup', 'info', 'lb1 stands by for public: silent'],
  ['master', 'fault', 'alarm', 'lb1 cannot own public: silent'],
  ['master', 'init', 'info', 'lb1 takes no part in the election of public: silent'],
] as const)('from %s to %s is told as %s: %s', (...row) => {
  const [from, to, severity, text] = row;
  const event = { event: 'vrrp-state', vip: 'public', from, to, reason: 'silent', monotonicMs: 1 } as const;
  const told = stateEvent(
    { ...event, group: 'shop', evidence: { heardAgeMs: 3100 } },
    { node: 'lb1', isOut: false },
    time,
  );
  expect(told).toEqual({
    ...time,
    event: 'vrrp-state',
    severity,
    vip: 'public',
    group: 'shop',
    text,
    evidence: { from, to, reason: 'silent', heardAgeMs: 3100 },
  });
});

const change = { event: 'vrrp-state', vip: 'public', group: 'shop', evidence: {}, monotonicMs: 1 } as const;
const severityOf = (from: VrrpState, to: VrrpState, { reason = 'x', isOut = false } = {}): string =>
  stateEvent({ ...change, from, to, reason }, { node: 'lb1', isOut }, time).severity;

test('what an operator has ordered is no alarm, and what is well again no warning', () => {
  expect(severityOf('master', 'fault')).toBe('alarm');
  expect(severityOf('master', 'fault', { isOut: true })).toBe('info');
  expect(severityOf('backup', 'fault', { isOut: true })).toBe('info');
  // Though it is in maintenance it took the address: that is worth a look.
  expect(severityOf('backup', 'master', { isOut: true })).toBe('warning');
  expect(severityOf('backup', 'master', { reason: takeover.preferred })).toBe('info');
  expect(severityOf('backup', 'master', { reason: takeover.resigned })).toBe('warning');
  for (const on of [true, false]) {
    const event = { event: 'maintenance', on, reason: 'new disk', monotonicMs: 1 } as const;
    expect(abilityEvent(event, 'lb1').severity).toBe('info');
  }
  const line = { event: 'vrrp-notice', vip: '', detail: '', monotonicMs: 1, msg: 'x' } as const;
  const kinds = { 'path-broken': 'path-whole', 'peer-link': 'peer-link-stands', unsigned: 'unsigned-ended' } as const;
  for (const [bad, good] of Object.entries(kinds)) {
    expect(lineEvent({ ...line, what: bad as keyof typeof kinds }, time).severity, bad).toBe('warning');
    expect(lineEvent({ ...line, what: good }, time).severity, good).toBe('info');
  }
  expect(lineEvent({ ...line, what: 'peer-problem-ended' }, time).severity).toBe('info');
});

test('what the agent noticed names its address; a problem says what to do', () => {
  const notice = { event: 'vrrp-notice', vip: 'public', what: 'address-restored', detail: 'it is back' } as const;
  expect(lineEvent({ ...notice, monotonicMs: 1, msg: 'it is back' }, time)).toMatchObject({
    severity: 'warning',
    vip: 'public',
    text: 'public: it is back',
  });
  const problem = { event: 'vrrp-problem', code: 'LB_X', message: 'Cannot use it', hint: 'Mend it.' } as const;
  expect(lineEvent({ ...problem, monotonicMs: 1, msg: 'Cannot use it' }, time)).toMatchObject({
    severity: 'alarm',
    text: 'Cannot use it. Mend it.',
    evidence: { code: 'LB_X' },
  });
});

test('a refused move is told with what to do', () => {
  const refused = { outcome: 'refused', code: 'LB_X', message: 'Cannot hand over', hint: 'Wait.' } as const;
  expect(refusedMoveEvent(refused, 'lb1')).toMatchObject({
    severity: 'warning',
    text: 'lb1 keeps what it has: Cannot hand over. Wait.',
  });
});

test('servers and children are told with what follows for clients', () => {
  const server = { event: 'server-state', backend: 'app', server: 'web1', reason: 'refused', by: 'check' } as const;
  expect(serverEvent({ ...server, from: 'up', to: 'down' }, time)).toMatchObject({
    severity: 'warning',
    text: 'Server app/web1 is down: refused',
  });
  expect(serverEvent({ ...server, from: 'down', to: 'up' }, time).severity).toBe('info');
  const ended = { role: 'vrrp', pid: 12, how: 'signal SIGKILL', delayMs: 0 } as const;
  expect(childEvent(ended, time)).toMatchObject({
    severity: 'alarm',
    text: 'The vrrp process ended (signal SIGKILL) and starts again at once; the address stays until its lease ends',
    evidence: ended,
  });
});
