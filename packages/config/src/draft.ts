// The file as far as it can be read, for the checks between fields: every value may be missing or wrong, so that
// these checks run, and all problems appear at once, although the schema has found some already.
import type { Raw, RawMap } from './document.ts';
import { isRawMap } from './not-served.ts';
import type { BindConfig } from './model.ts';
import type { Path } from './problem.ts';
import { readBind, readDuration, readEndpoint, readHostAddress, readInterfaceAddress, type Reading } from './units.ts';

/** A value with its path; only values that could be read. */
export interface Found<T> {
  readonly path: Path;
  readonly value: T;
}

export interface DraftNode {
  readonly name: string;
  readonly address?: Found<string>;
  readonly interface?: string;
}

export interface DraftVip {
  readonly name: string;
  readonly path: Path;
  readonly address?: Found<string>;
  readonly routerId?: Found<number>;
  readonly preferred?: Found<string>;
}

export interface DraftAcl {
  readonly name: string;
  readonly path: Path;
  readonly empty: boolean;
}

export interface DraftRule {
  readonly acl?: Found<string>;
  readonly use?: Found<string>;
}

export interface DraftFrontend {
  readonly name: string;
  readonly binds: readonly Found<BindConfig>[];
  readonly acls: readonly DraftAcl[];
  readonly rules: readonly DraftRule[];
  readonly defaultBackend?: Found<string>;
}

export interface DraftServer {
  readonly name: string;
  readonly path: Path;
  readonly address?: Found<BindConfig>;
  readonly cookie?: Found<string>;
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
  readonly hasCookie: boolean;
  readonly check?: DraftCheck;
  readonly servers: readonly DraftServer[];
}

export interface Draft {
  readonly nodes: readonly DraftNode[];
  readonly vips: readonly DraftVip[];
  readonly frontends: readonly DraftFrontend[];
  readonly backends: readonly DraftBackend[];
  readonly adminBinds: readonly Found<BindConfig>[];
  readonly timeoutCheckMs?: number;
}

/** Reads what can be read. */
export function readDraft(root: RawMap): Draft {
  const cluster = mapAt(root, 'cluster');
  const timeoutCheck = read(root['timeouts'], ['timeouts'], { key: 'check', as: fromText(readDuration) });
  return {
    nodes: children(cluster['nodes'], ['cluster', 'nodes']).map(readNode),
    vips: children(root['vips'], ['vips']).map(readVip),
    frontends: children(root['frontends'], ['frontends']).map(readFrontend),
    backends: children(root['backends'], ['backends']).map(readBackend),
    adminBinds: readBinds(root['admin'], ['admin']),
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
    ...(name === undefined ? {} : { interface: name.value }),
  };
}

function readVip(child: Child): DraftVip {
  const { path, raw } = child;
  const address = read(raw, path, { key: 'address', as: fromText(readInterfaceAddress) });
  return {
    name: child.name,
    path,
    ...(address === undefined ? {} : { address: { path: address.path, value: address.value.address } }),
    ...pick('routerId', read(raw, path, { key: 'routerId', as: number })),
    ...pick('preferred', read(raw, path, { key: 'preferred', as: text })),
  };
}

function readFrontend(child: Child): DraftFrontend {
  const { path, raw } = child;
  const rules = isRawMap(raw) && Array.isArray(raw['rules']) ? (raw['rules'] as readonly Raw[]) : [];
  return {
    name: child.name,
    binds: readBinds(raw, path),
    acls: children(isRawMap(raw) ? raw['acls'] : undefined, [...path, 'acls']).map(readAcl),
    rules: rules.map((rule, index) => ({
      ...pick('acl', read(rule, [...path, 'rules', index], { key: 'if', as: text })),
      ...pick('use', read(rule, [...path, 'rules', index], { key: 'use', as: text })),
    })),
    ...pick('defaultBackend', read(raw, path, { key: 'defaultBackend', as: text })),
  };
}

function readAcl(child: Child): DraftAcl {
  const raw = child.raw;
  const keys = ['pathExact', 'pathPrefix', 'pathSuffix'];
  return { name: child.name, path: child.path, empty: isRawMap(raw) && !keys.some((key) => key in raw) };
}

function readBackend(child: Child): DraftBackend {
  const { path, raw } = child;
  const map = isRawMap(raw) ? raw : {};
  const check = map['check'];
  return {
    name: child.name,
    path,
    hasCookie: 'cookie' in map,
    ...(isRawMap(check) ? { check: readCheck(check, [...path, 'check']) } : {}),
    servers: children(map['servers'], [...path, 'servers']).map((server) => ({
      name: server.name,
      path: server.path,
      ...pick('address', read(server.raw, server.path, { key: 'address', as: fromText(readEndpoint) })),
      ...pick('cookie', read(server.raw, server.path, { key: 'cookie', as: text })),
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
  if (!isRawMap(raw) || !Array.isArray(raw['bind'])) return [];
  return (raw['bind'] as readonly Raw[]).flatMap((item, index) => {
    const value = fromText(readBind)(item);
    return value === undefined ? [] : [{ path: [...path, 'bind', index], value }];
  });
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
