// What a new configuration changes, for people: one line for each frontend, backend, server and section that is added,
// removed or changed, by name. diff.ts says which parts of the product must act.
import type { ConfigPart } from './diff.ts';
import { groupsOf } from './elections.ts';
import type { GroupConfig, VipConfig } from './model-failover.ts';
import type { BackendConfig, FrontendConfig, PairConfig, ServerConfig } from './model.ts';

/** One difference. `detail` names the keys that differ, in the model's words; empty for what is added or removed. */
export interface ConfigChange {
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: 'vip' | 'election' | 'frontend' | 'backend' | 'server' | 'section';
  /** `main`; `app/web1` for a server; `timeouts` for a section. */
  readonly name: string;
  readonly detail: string;
}

const SECTIONS = [
  'cluster',
  'failover',
  'events',
  'tuner',
  'timeouts',
  'http',
  'maps',
  'log',
  'admin',
  'proxy',
] as const;

/** Keys of a VIP that are those of its election. */
const ELECTION_KEYS = ['advertIntervalMs', 'preferred', 'transport', 'priorities'];

/** All differences by meaning, in the order VIPs, elections, frontends, backends with their servers, sections. */
export function listChanges(before: PairConfig, after: PairConfig): readonly ConfigChange[] {
  return [
    ...named<VipConfig>({ kind: 'vip', before: before.vips, after: after.vips, apart: ELECTION_KEYS }),
    ...named<GroupConfig>({ kind: 'election', before: groupsOf(before), after: groupsOf(after) }),
    ...named<FrontendConfig>({ kind: 'frontend', before: before.frontends, after: after.frontends }),
    ...named<BackendConfig>({ kind: 'backend', before: before.backends, after: after.backends, apart: ['servers'] }),
    ...after.backends.flatMap((backend) => {
      const old = before.backends.find(({ name }) => name === backend.name);
      if (old === undefined) return [];
      return named<ServerConfig>({
        kind: 'server',
        before: old.servers,
        after: backend.servers,
        prefix: `${backend.name}/`,
      });
    }),
    ...SECTIONS.flatMap((section): ConfigChange[] => {
      if (text(before[section]) === text(after[section])) return [];
      const detail = keysOf(before[section], after[section]).join(', ');
      return [{ change: 'changed', kind: 'section', name: section, detail }];
    }),
  ];
}

/**
 * What brings a change into effect: a restart of the node; the running proxy; another proxy process; the running failover
 * agent; the admin process; the tuner's own command.
 */
export type ChangeEffect = 'restart' | 'proxy' | 'new-proxy' | 'agent' | 'admin' | 'tune';

/** How a change takes effect; `parts` are those of `diffConfigs` for the same two configurations. */
export function changeEffect({ kind, name }: ConfigChange, parts: readonly ConfigPart[]): ChangeEffect {
  if (kind === 'vip' || kind === 'election') return 'restart';
  if (kind !== 'section') return 'proxy';
  if (name === 'cluster') return 'restart';
  if (name === 'failover') return parts.includes('failover.link') ? 'restart' : 'agent';
  const effects: Readonly<Record<string, ChangeEffect>> = {
    events: 'agent',
    tuner: 'tune',
    admin: 'admin',
    proxy: 'new-proxy',
  };
  return effects[name] ?? 'proxy';
}

/** A change as one line: `changed server app/web1: weight`. */
export function formatChange({ change, kind, name, detail }: ConfigChange): string {
  return `${change} ${kind} ${name}${detail === '' ? '' : `: ${detail}`}`;
}

interface Lists<T> {
  readonly kind: ConfigChange['kind'];
  readonly before: readonly T[];
  readonly after: readonly T[];
  readonly prefix?: string;
  /** Keys that are compared elsewhere. */
  readonly apart?: readonly string[];
}

function named<T extends { readonly name: string }>(lists: Lists<T>): ConfigChange[] {
  const { kind, prefix = '', apart = [] } = lists;
  const changes: ConfigChange[] = [];
  for (const old of lists.before) {
    if (lists.after.some(({ name }) => name === old.name)) continue;
    changes.push({ change: 'removed', kind, name: prefix + old.name, detail: '' });
  }
  for (const now of lists.after) {
    const old = lists.before.find(({ name }) => name === now.name);
    if (old === undefined) {
      changes.push({ change: 'added', kind, name: prefix + now.name, detail: '' });
      continue;
    }
    const keys = keysOf(old, now).filter((key) => !apart.includes(key));
    if (keys.length > 0) changes.push({ change: 'changed', kind, name: prefix + now.name, detail: keys.join(', ') });
  }
  return changes;
}

function keysOf(before: unknown, after: unknown): string[] {
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(before) || !isRecord(after)) return [];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => text(before[key]) !== text(after[key]));
}

function text(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ''
  );
}
