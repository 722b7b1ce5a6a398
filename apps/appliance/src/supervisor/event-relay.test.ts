import type { EventDraft } from '@tospann/api';
import { expect, test } from 'vitest';
import type { ToChild } from '../ipc.ts';
import { EventRelay } from './event-relay.ts';

/** The other processes: `isReady` says whether the admin child takes anything. */
function world(): { isReady: boolean; readonly admin: string[]; readonly agent: string[]; readonly relay: EventRelay } {
  const admin: string[] = [];
  const agent: string[] = [];
  const made = {
    isReady: true,
    admin,
    agent,
    relay: new EventRelay({
      toAdmin: (message) => void (made.isReady && admin.push(textOf(message))),
      toAgent: (message) => void agent.push(textOf(message)),
    }),
  };
  return made;
}

test('events go to the admin child in order, and to the agent if a hook can ask for them', () => {
  const { relay, admin, agent } = world();
  relay.note(draft('a', 'handover'));
  relay.note(draft('b', 'server-state'));
  relay.keep(draft('c', 'vrrp-state'));
  expect(admin).toEqual(['1 a', '2 b', '3 c']);
  expect(agent).toEqual(['a']);
});

test('a new admin child gets what its predecessor has not kept', () => {
  const there = world();
  const { relay, admin } = there;
  for (const text of ['a', 'b', 'c']) relay.keep(draft(text));
  relay.kept(1);
  there.isReady = false;
  relay.keep(draft('d'));
  there.isReady = true;
  admin.length = 0;
  relay.adminReady();
  expect(admin).toEqual(['2 b', '3 c', '4 d']);
  relay.kept(4);
  relay.adminReady();
  expect(admin).toHaveLength(3);
});

test('an admin child that hangs is sent a bounded number, then the rest as it keeps them', () => {
  const { relay, admin } = world();
  for (let i = 1; i <= 500; i++) relay.keep(draft(String(i)));
  expect(admin).toHaveLength(100);
  relay.kept(60);
  expect(admin).toHaveLength(160);
  for (let id = 160; id < 500; id += 100) relay.kept(Math.min(id, admin.length));
  relay.kept(admin.length);
  expect(admin).toEqual(Array.from({ length: 500 }, (_, i) => `${i + 1} ${i + 1}`));
});

test('what waits for too long is dropped from the oldest on, counted and told', () => {
  const there = world();
  const { relay, admin } = there;
  there.isReady = false;
  for (let i = 1; i <= 1500; i++) relay.keep(draft(String(i)));
  there.isReady = true;
  relay.adminReady();
  for (let i = 0; i < 20; i++) relay.kept(Number(admin.at(-1)?.split(' ')[0]));
  expect(admin[0]).toBe('501 501');
  expect(admin.at(-2)).toBe('1500 1500');
  expect(admin.at(-1)).toContain('500 events were lost');
  expect(admin).toHaveLength(1001);
});

test('an admin child that hangs for ever is sent no more, however much is lost', () => {
  const { relay, admin } = world();
  for (let i = 1; i <= 5000; i++) relay.keep(draft(String(i)));
  expect(admin).toHaveLength(100);
});

function draft(text: string, event = 'vrrp-state'): EventDraft {
  return { timeMs: 1, monotonicMs: 1, event, severity: 'info', text };
}

function textOf(message: ToChild): string {
  if (message.type === 'keep-event') return `${message.id} ${message.event.text}`;
  return message.type === 'event' ? message.event.text : message.type;
}
