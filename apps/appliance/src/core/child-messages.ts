// What the supervisor believes of what a child says: each role has its own messages, and each message its shape. A child may have
// been taken over (it reads what strangers send), so nothing that it says may end the supervisor or act in the name of another
// role. Pure. Figures that are only shown are not looked into further than the supervisor itself does.
import type { FromChild, Role } from '../ipc.ts';

/** Says whether a value has a shape. */
type Shape = (value: unknown) => boolean;

/** Longest word and longest text that a child may send, characters. */
const WORD_LIMIT = 1024;
const TEXT_LIMIT = 64 * 1024;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textUpTo =
  (limit: number): Shape =>
  (value) =>
    typeof value === 'string' && value.length <= limit;
const word = textUpTo(WORD_LIMIT);
const text = textUpTo(TEXT_LIMIT);
const number: Shape = (value) => typeof value === 'number' && Number.isFinite(value);
const flag: Shape = (value) => typeof value === 'boolean';
const whole: Shape = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const anything: Shape = isObject;
const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);
const oneOf =
  (...words: readonly unknown[]): Shape =>
  (value) =>
    words.includes(value);
const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);
/** At least these keys. */
const record =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    isObject(value) && Object.entries(shapes).every(([key, shape]) => shape(value[key]));
/** One of several records, told apart by `outcome`. */
const outcome =
  (shapes: Readonly<Record<string, Readonly<Record<string, Shape>>>>): Shape =>
  (value) => {
    const name = isObject(value) ? String(value['outcome']) : '';
    return Object.hasOwn(shapes, name) && record(shapes[name] ?? {})(value);
  };

/** Events whose kind says who saw it: another role that tells one is not believed. */
const ownKinds: Readonly<Record<string, Role | 'supervisor'>> = {
  'vrrp-state': 'vrrp',
  'vrrp-notice': 'vrrp',
  'vrrp-problem': 'vrrp',
  track: 'vrrp',
  maintenance: 'vrrp',
  tuner: 'vrrp',
  hook: 'vrrp',
  'server-state': 'proxy',
  child: 'supervisor',
  config: 'supervisor',
  node: 'supervisor',
  events: 'supervisor',
};

const event = record({
  timeMs: number,
  monotonicMs: number,
  event: word,
  severity: oneOf('info', 'warning', 'alarm'),
  vip: optional(word),
  group: optional(word),
  text,
  evidence: optional(anything),
});
const server = record({ name: word, address: word, hostName: optional(word), resolution: optional(word) });
const maintenance = record({ on: flag, reason: text, force: flag });
const order = record({
  backend: word,
  server: word,
  state: optional(oneOf('ready', 'drain', 'maint')),
  weight: optional((value) => value === null || (whole(value) && Number(value) <= 256)),
});
const refusal = { code: word, message: text, hint: text };
const moved = { vips: listOf(word), durationMs: number, detail: text, startedAtMs: number, connections: number };

interface Rule {
  readonly roles: readonly Role[];
  readonly shape: Readonly<Record<string, Shape>>;
}

const rules: Readonly<Record<FromChild['type'], Rule>> = {
  alive: { roles: ['proxy', 'vrrp', 'admin'], shape: {} },
  ready: { roles: ['proxy', 'vrrp', 'admin'], shape: {} },
  fatal: { roles: ['proxy', 'vrrp', 'admin'], shape: { code: word, message: text, hint: text } },
  event: { roles: ['proxy', 'vrrp', 'admin'], shape: { event } },
  'proxy-snapshot': {
    roles: ['proxy'],
    shape: { snapshot: record({ backends: listOf(record({ name: word, servers: listOf(server) })) }) },
  },
  'server-answer': {
    roles: ['proxy'],
    shape: {
      id: whole,
      answer: outcome({
        done: { report: anything },
        'unknown-server': {},
        'no-proxy': {},
        'not-kept': { detail: text },
      }),
    },
  },
  'reload-answer': {
    roles: ['proxy'],
    shape: {
      id: whole,
      answer: outcome({ swapped: {}, 'needs-process': { reason: text }, refused: { detail: text } }),
    },
  },
  'vrrp-state': { roles: ['vrrp'], shape: { vip: word, state: oneOf('init', 'backup', 'master', 'fault') } },
  'vrrp-snapshot': { roles: ['vrrp'], shape: { snapshot: anything, able: anything } },
  limits: { roles: ['vrrp'], shape: { limits: anything } },
  movers: { roles: ['vrrp'], shape: { results: listOf(anything) } },
  'failover-answer': { roles: ['vrrp'], shape: { id: whole, answer: outcome({ done: moved, refused: refusal }) } },
  'events-kept': { roles: ['admin'], shape: { id: whole } },
  failover: { roles: ['admin'], shape: { id: whole, maintenance: optional(maintenance) } },
  operation: { roles: ['admin'], shape: { id: whole, operation: oneOf('reload', 'upgrade'), force: optional(flag) } },
  'server-order': { roles: ['admin'], shape: { id: whole, order } },
  spare: { roles: ['admin'], shape: { problem: text } },
};

/** A message that is believed, or why it is not. */
export type ChildMessage = { readonly message: FromChild } | { readonly fault: string };

/** Judges one message of a child. */
export function judgeMessage(role: Role, value: unknown): ChildMessage {
  if (!isObject(value)) return { fault: 'it is no object' };
  const type = typeof value['type'] === 'string' ? value['type'] : '';
  if (!Object.hasOwn(rules, type)) return { fault: `it has the unknown type "${type.slice(0, 40)}"` };
  const rule = rules[type as FromChild['type']]; // hasOwn
  if (!rule.roles.includes(role)) return { fault: `"${type}" is no message of this role` };
  if (!record(rule.shape)(value)) return { fault: `"${type}" has another shape` };
  const message = value as unknown as FromChild; // the shape was checked
  if (message.type === 'event') {
    const owner = ownKinds[message.event.event];
    if (owner !== undefined && owner !== role) return { fault: `the event "${message.event.event}" is not its own` };
  }
  return { message };
}

/** How much one child may say: a burst, and what comes back each second. */
export interface Allowance {
  readonly messages: number;
  readonly bytes: number;
  readonly atMs: number;
}

/** A node with 250 addresses or 2000 servers says a tenth of it at its worst moment. */
const BURST = { messages: 20_000, bytes: 256 * 1024 * 1024 } as const;
const PER_SECOND = { messages: 2000, bytes: 32 * 1024 * 1024 } as const;

export function fullAllowance(nowMs: number): Allowance {
  return { ...BURST, atMs: nowMs };
}

/** What is left after one more message; undefined: it says too much. */
export function spend(before: Allowance, bytes: number, nowMs: number): Allowance | undefined {
  const seconds = Math.max(0, nowMs - before.atMs) / 1000;
  const left = {
    messages: Math.min(BURST.messages, before.messages + seconds * PER_SECOND.messages) - 1,
    bytes: Math.min(BURST.bytes, before.bytes + seconds * PER_SECOND.bytes) - bytes,
    atMs: nowMs,
  };
  return left.messages < 0 || left.bytes < 0 ? undefined : left;
}
