import { SeededRandom } from '@tospann/testing';
import { describe, expect, test } from 'vitest';
import { fullAllowance, judgeMessage, spend } from './child-messages.ts';

const event = { timeMs: 1, monotonicMs: 1, event: 'server-state', severity: 'info', text: 'Server a/b is up' };
const order = { backend: 'app', server: 's1', state: 'drain' };
/** By role what it says; nothing else is believed of it. */
const own = {
  proxy: [
    { type: 'alive' },
    { type: 'ready' },
    { type: 'fatal', code: 'LB_INTERNAL', message: 'x', hint: '' },
    { type: 'event', event },
    {
      type: 'proxy-snapshot',
      snapshot: { backends: [{ name: 'app', servers: [{ name: 's1', address: '10.0.0.1' }] }] },
    },
    { type: 'server-answer', id: 1, answer: { outcome: 'done', report: {} } },
    { type: 'reload-answer', id: 1, answer: { outcome: 'refused', detail: 'x' } },
  ],
  vrrp: [
    { type: 'vrrp-state', vip: 'v', state: 'master' },
    { type: 'vrrp-snapshot', snapshot: {}, able: {} },
    { type: 'limits', limits: {} },
    { type: 'movers', results: [] },
    { type: 'event', event: { ...event, event: 'vrrp-state', vip: 'v', evidence: { from: 'backup' } } },
    { type: 'failover-answer', id: 2, answer: { outcome: 'refused', code: 'LB_INTERNAL', message: 'x', hint: 'y' } },
  ],
  admin: [
    { type: 'events-kept', id: 7 },
    { type: 'failover', id: 1, maintenance: { on: true, reason: '', force: false } },
    { type: 'failover', id: 1 },
    { type: 'operation', id: 1, operation: 'reload', force: false },
    { type: 'server-order', id: 1, order },
    { type: 'server-order', id: 1, order: { backend: 'a', server: 'b', weight: null } },
    { type: 'spare', problem: '' },
    { type: 'event', event: { ...event, event: 'handover' } },
  ],
} as const;
const all: readonly { readonly type: string }[] = Object.values(own).flat();
const roles = ['proxy', 'vrrp', 'admin'] as const;
const shared = new Set(['alive', 'ready', 'fatal', 'event']);

describe('judgeMessage()', () => {
  test.each(roles)('believes all that the %s process says', (role) => {
    for (const message of own[role]) expect(judgeMessage(role, message)).toEqual({ message });
  });

  test.each(roles)('does not believe the %s process in the name of another role', (role) => {
    for (const other of roles.filter((one) => one !== role)) {
      for (const message of own[other].filter(({ type }) => !shared.has(type))) {
        expect(judgeMessage(role, message), message.type).toEqual({
          fault: expect.stringContaining('no message of this role'),
        });
      }
    }
  });

  test('does not believe an event of a kind that another one sees', () => {
    for (const kind of ['vrrp-state', 'track', 'child', 'config', 'node'])
      expect(judgeMessage('proxy', { type: 'event', event: { ...event, event: kind } })).toHaveProperty('fault');
    expect(judgeMessage('vrrp', { type: 'event', event })).toHaveProperty('fault');
  });

  test.each([
    ['admin', { type: 'server-order', id: 1 }],
    ['admin', { type: 'server-order', id: 1, order: { ...order, weight: 257 } }],
    ['admin', { type: 'server-order', id: 1, order: { ...order, state: '__proto__' } }],
    ['admin', { type: 'operation', id: 1, operation: 'constructor' }],
    ['proxy', { type: 'proxy-snapshot', snapshot: { backends: [{ name: 'a' }] } }],
    ['proxy', { type: 'reload-answer', id: 1, answer: { outcome: 'toString' } }],
    ['proxy', { type: 'hasOwnProperty' }],
    ['proxy', { cmd: 'NODE_HANDLE', type: 'net.Socket' }],
    ['proxy', ['ready']],
    ['proxy', 'ready'],
    ['proxy', null],
    ['proxy', undefined],
  ] as const)('of the %s process does not believe %j', (role, message) => {
    expect(judgeMessage(role, message)).toHaveProperty('fault');
  });

  test('never throws, whatever a known message is turned into', () => {
    const random = new SeededRandom(42);
    const junk = [null, -1, Infinity, '', {}, [], true, { backends: 1 }, [[]], { outcome: null }];
    for (let turn = 0; turn < 5000; turn++) {
      const role = random.pick(roles);
      const message = structuredClone(random.pick(all)) as Record<string, unknown>;
      replaceOne(message, random.pick(junk), random);
      expect(() => judgeMessage(role, message)).not.toThrow();
    }
  });
});

function replaceOne(value: Record<string, unknown>, junk: unknown, random: { pick<T>(list: readonly T[]): T }): void {
  const key = random.pick(Object.keys(value));
  const inner = value[key];
  const isDeep =
    typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random.pick([true, false]);
  if (isDeep) replaceOne(inner as Record<string, unknown>, junk, random);
  else value[key] = junk;
}

describe('spend()', () => {
  test('lets a burst through and a steady stream, and ends who says more than both', () => {
    let left = fullAllowance(0);
    for (let i = 0; i < 20_000; i++) left = spend(left, 100, 0) ?? expect.unreachable();
    expect(spend(left, 100, 0)).toBeUndefined();
    for (let second = 1; second <= 60; second++) {
      for (let i = 0; i < 2000; i++) left = spend(left, 100, second * 1000) ?? expect.unreachable();
    }
    expect(spend(left, 100, 60_000)).toBeUndefined();
  });

  test('counts bytes too', () => {
    const megabyte = 1024 * 1024;
    let left = fullAllowance(0);
    for (let i = 0; i < 16; i++) left = spend(left, 16 * megabyte, 0) ?? expect.unreachable();
    expect(spend(left, megabyte, 0)).toBeUndefined();
    expect(spend(left, megabyte, 1000)).toBeDefined();
  });
});
