import { expect, test } from 'vitest';
import { childEvent, refusedMoveEvent, lineEvent, serverEvent, stateEvent } from './event-texts.ts';

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
  const told = stateEvent({ ...event, group: 'shop', evidence: { heardAgeMs: 3100 } }, 'lb1', time);
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
