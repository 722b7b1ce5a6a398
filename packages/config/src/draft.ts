// The file as far as it can be read, for the checks between fields: every value may be missing or wrong, so that
// these checks run, and all problems appear at once, although the schema has found some already.
import type { Raw, RawMap } from './document.ts';
import { isRawMap } from './document.ts';
import type { BindConfig } from './model.ts';
import type { Path } from './problem.ts';
import { aclsOf, readCondition } from './schema/condition.ts';
import { ACTION_KEYS } from './schema/rules.ts';
import {
  readBind,
  readDuration,
  readEndpoint,
  readHostAddress,
  readHostAddress6,
  readInterfaceAddress,
  type Endpoint,
  type Reading,
} from './units.ts';

/** A value with its path; only values that could be read. */
export interface Found<T> {
  readonly path: Path;
  readonly value: T;
}

export interface DraftNode {
  readonly name: string;
  readonly address?: Found<string>;
  readonly address6?: Found<string>;
  readonly interface?: string;
}

export interface DraftVip {
  readonly name: string;
  readonly path: Path;
  /** As written, for what belongs to its election. */
  readonly raw: RawMap;
  readonly address?: Found<string>;
  readonly routerId?: Found<number>;
  readonly preferred?: Found<string>;
}

export interface DraftAcl {
  readonly name: string;
  readonly path: Path;
  /** The keys that say when it is true: pathExact, host, ... */
  readonly conditions: readonly string[];
}

export interface DraftRule {
  readonly path: Path;
  /** Names of ACLs in its condition; places are those of the condition. */
  readonly acls: readonly Found<string>[];
  readonly conditional: boolean;
  readonly use?: Found<string>;
  readonly map?: Found<string>;
  /** Its action keys as written: use, deny, setHeader, ... */
  readonly actions: readonly string[];
}

export interface DraftFrontend {
  readonly name: string;
  readonly path: Path;
  readonly mode: 'http' | 'tcp';
  /** Its mapping as written, for checks of single keys. */
  readonly raw: RawMap;
  readonly binds: readonly Found<BindConfig>[];
  readonly acls: readonly DraftAcl[];
  readonly rules: readonly DraftRule[];
  readonly defaultBackend?: Found<string>;
}

export interface DraftServer {
  readonly name: string;
  readonly path: Path;
  readonly address?: Found<Endpoint>;
  readonly cookie?: Found<string>;
  readonly backup: boolean;
}

export interface DraftCheck {
  readonly path: Path;
  readonly intervalMs?: Found<number>;
  readonly fastIntervalMs?: Found<number>;
  readonly timeoutMs?: Found<number>;
  readonly fall?: Found<number>;
}

export interface DraftBackend {
  readonly name: string;
  readonly path: Path;
  readonly mode: 'http' | 'tcp';
  readonly raw: RawMap;
  readonly hasCookie: boolean;
  readonly check?: DraftCheck;
  readonly acls: readonly DraftAcl[];
  readonly rules: readonly DraftRule[];
  readonly servers: readonly DraftServer[];
}

export interface Draft {
  readonly nodes: readonly DraftNode[];
  readonly vips: readonly DraftVip[];
  /** Absent: all VIPs are one election. */
  readonly groups?: Readonly<Record<string, { readonly vips: readonly string[] }>>;
  readonly frontends: readonly DraftFrontend[];
  readonly backends: readonly DraftBackend[];
  readonly adminBinds: readonly Found<BindConfig>[];
  readonly statsBinds: readonly Found<BindConfig>[];
  readonly maps: readonly { readonly name: string; readonly path: Path }[];
  /** Sections as written, for checks of single keys. */
  readonly http: RawMap;
  readonly failover: RawMap;
  readonly events: RawMap;
  readonly stats?: RawMap;
  readonly timeoutCheckMs?: number;
}

/** Reads what can be read. */
export function readDraft(root: RawMap): Draft {
  const cluster = mapAt(root, 'cluster');
  const stats = mapAt(root, 'admin')['stats'];
  const timeoutCheck = read(root['timeouts'], ['timeouts'], { key: 'check', as: fromText(readDuration) });
  return {
    nodes: children(cluster['nodes'], ['cluster', 'nodes']).map(readNode),
    vips: children(root['vips'], ['vips']).map(readVip),
    ...(root['groups'] === undefined ? {} : { groups: readGroups(root) }),
    frontends: children(root['frontends'], ['frontends']).map(readFrontend),
    backends: children(root['backends'], ['backends']).map(readBackend),
    adminBinds: readBinds(root['admin'], ['admin']),
    statsBinds: readBinds(stats, ['admin', 'stats']),
    maps: children(root['maps'], ['maps']).map(({ name, path }) => ({ name, path })),
    http: mapAt(root, 'http'),
    failover: mapAt(root, 'failover'),
    events: mapAt(root, 'events'),
    ...(isRawMap(stats) ? { stats } : {}),
    ...(timeoutCheck === undefined ? {} : { timeoutCheckMs: timeoutCheck.value }),
  };
}

interface Child {
  readonly name: string;
  readonly path: Path;
  readonly raw: Raw;
}

function children(raw: Raw | undefined, path: Path): Child[] {
  if (!isRawMap(raw)) return [];
  return Object.entries(raw).map(([name, value]) => ({ name, path: [...path, name], raw: value }));
}

function mapAt(parent: RawMap, key: string): RawMap {
  const value = parent[key];
  return isRawMap(value) ? value : {};
}

function readNode(child: Child): DraftNode {
  const name = read(child.raw, child.path, { key: 'interface', as: text });
  return {
    name: child.name,
    ...pick('address', read(child.raw, child.path, { key: 'address', as: fromText(readHostAddress) })),
    ...pick('address6', read(child.raw, child.path, { key: 'address6', as: fromText(readHostAddress6) })),
    ...(name === undefined ? {} : { interface: name.value }),
  };
}

function readGroups(root: RawMap): Readonly<Record<string, { readonly vips: readonly string[] }>> {
  const groups = children(root['groups'], ['groups']).map(({ name, raw }) => {
    const vips = isRawMap(raw) && Array.isArray(raw['vips']) ? (raw['vips'] as readonly Raw[]) : [];
    return [name, { vips: vips.filter((vip) => typeof vip === 'string') }] as const;
  });
  return Object.fromEntries(groups);
}

function readVip(child: Child): DraftVip {
  const { path, raw } = child;
  const address = read(raw, path, { key: 'address', as: fromText(readInterfaceAddress) });
  return {
    name: child.name,
    path,
    raw: isRawMap(raw) ? raw : {},
    ...(address === undefined ? {} : { address: { path: address.path, value: address.value.address } }),
    ...pick('routerId', read(raw, path, { key: 'routerId', as: number })),
    ...pick('preferred', read(raw, path, { key: 'preferred', as: text })),
  };
}

function readFrontend(child: Child): DraftFrontend {
  const { path, raw } = child;
  const map = isRawMap(raw) ? raw : {};
  return {
    name: child.name,
    path,
    mode: modeOf(map),
    raw: map,
    binds: readBinds(raw, path),
    acls: children(map['acls'], [...path, 'acls']).map(readAcl),
    rules: readRules(map, path),
    ...pick('defaultBackend', read(raw, path, { key: 'defaultBackend', as: text })),
  };
}

function modeOf(map: RawMap): 'http' | 'tcp' {
  return map['mode'] === 'tcp' ? 'tcp' : 'http';
}

function readRules(map: RawMap, path: Path): DraftRule[] {
  const rules = Array.isArray(map['rules']) ? (map['rules'] as readonly Raw[]) : [];
  return rules.flatMap((rule, index) => (isRawMap(rule) ? [readRule(rule, [...path, 'rules', index])] : []));
}

function readRule(rule: RawMap, path: Path): DraftRule {
  const written = rule['if'];
  const condition = written === undefined ? undefined : readCondition(written);
  const acls = condition === undefined || condition.problems.length > 0 ? [] : aclsOf(condition.value);
  const use = rule['use'];
  return {
    path,
    acls: acls.map((value) => ({ path: [...path, 'if'], value })),
    conditional: written !== undefined,
    ...pick('use', read(rule, path, { key: 'use', as: text })),
    ...(isRawMap(use) ? pick('map', read(use, [...path, 'use'], { key: 'map', as: text })) : {}),
    actions: ACTION_KEYS.filter((key) => key in rule),
  };
}

function readAcl(child: Child): DraftAcl {
  const raw = isRawMap(child.raw) ? child.raw : { unknown: child.raw };
  return {
    name: child.name,
    path: child.path,
    conditions: Object.keys(raw).filter((key) => key !== 'ignoreCase'),
  };
}

function readBackend(child: Child): DraftBackend {
  const { path, raw } = child;
  const map = isRawMap(raw) ? raw : {};
  const check = map['check'];
  return {
    name: child.name,
    path,
    mode: modeOf(map),
    raw: map,
    hasCookie: 'cookie' in map,
    ...(isRawMap(check) ? { check: readCheck(check, [...path, 'check']) } : {}),
    acls: children(map['acls'], [...path, 'acls']).map(readAcl),
    rules: readRules(map, path),
    servers: children(map['servers'], [...path, 'servers']).map((server) => ({
      name: server.name,
      path: server.path,
      ...pick('address', read(server.raw, server.path, { key: 'address', as: fromText(readEndpoint) })),
      ...pick('cookie', read(server.raw, server.path, { key: 'cookie', as: text })),
      backup: isRawMap(server.raw) && server.raw['backup'] === true,
    })),
  };
}

function readCheck(raw: RawMap, path: Path): DraftCheck {
  return {
    path,
    ...pick('intervalMs', read(raw, path, { key: 'interval', as: fromText(readDuration) })),
    ...pick('fastIntervalMs', read(raw, path, { key: 'fastInterval', as: fromText(readDuration) })),
    ...pick('timeoutMs', read(raw, path, { key: 'timeout', as: fromText(readDuration) })),
    ...pick('fall', read(raw, path, { key: 'fall', as: number })),
  };
}

function readBinds(raw: Raw | undefined, path: Path): Found<BindConfig>[] {
  if (!isRawMap(raw)) return [];
  const written = raw['bind'];
  if (!Array.isArray(written)) return readOneBind(written, [...path, 'bind']);
  return (written as readonly Raw[]).flatMap((item, index) => readOneBind(item, [...path, 'bind', index]));
}

function readOneBind(item: Raw | undefined, path: Path): Found<BindConfig>[] {
  const inside = isRawMap(item);
  const value = fromText(readBind)((inside ? item['address'] : item) ?? null);
  return value === undefined ? [] : [{ path: inside ? [...path, 'address'] : path, value }];
}

function read<T>(
  parent: Raw | undefined,
  path: Path,
  wanted: { readonly key: string; readonly as: (raw: Raw) => T | undefined },
): Found<T> | undefined {
  if (!isRawMap(parent)) return undefined;
  const value = wanted.as(parent[wanted.key] ?? null);
  return value === undefined ? undefined : { path: [...path, wanted.key], value };
}

/** An object with the key only when there is a value (exactOptionalPropertyTypes). */
function pick<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: T }); // one key, by construction
}

function text(raw: Raw): string | undefined {
  return typeof raw === 'string' ? raw : undefined;
}

function number(raw: Raw): number | undefined {
  return typeof raw === 'number' ? raw : undefined;
}

function fromText<T>(reader: (value: string) => Reading<T>): (raw: Raw) => T | undefined {
  return (raw) => {
    if (typeof raw !== 'string') return undefined;
    const result = reader(raw);
    return result.ok ? result.value : undefined;
  };
}
