// The rules of one frontend, compiled: ACLs by number, conditions as programs, actions as objects that run.ts switches
// on. Frontends whose rules only choose a backend by path do without (route.ts).
import type {
  ActionConfig,
  AclConfig,
  FrontendConfig,
  MapKeyConfig,
  RuleConfig,
  TemplateConfig,
} from '@tospann/config';
import { type FieldName, fieldName } from '@tospann/http';
import { latin1 } from '../bytes.ts';
import type { BackendPlan } from '../plan.ts';
import { AclPlan } from './acl.ts';
import { compileCondition, type ConditionProgram } from './condition.ts';
import { encodeAnswer, type LocalAnswer, pageFor, redirectHead } from './local-answer.ts';
import type { MapTable } from './map-table.ts';
import { compileTemplate, type Template } from './template.ts';
import { Place } from './text-buffer.ts';
import { CookieValues, FieldValues, MemberValues, ParameterValues, type Values } from './values.ts';

/** A map as rules ask it: its table may be another one with each request. */
export interface MapSource {
  readonly name: string;
  table: MapTable;
}

/** What a map is asked with. */
export interface MapKey {
  readonly from: MapKeyConfig['from'];
  /** Of a header, cookie or query parameter; and which one of them. */
  readonly values: Values | null;
  readonly occurrence: number;
}

/** A compiled action. */
export type Action =
  | { readonly type: 'use'; readonly backend: BackendPlan }
  | { readonly type: 'use-map'; readonly map: MapSource; readonly key: MapKey }
  | { readonly type: 'deny'; readonly status: number }
  | { readonly type: 'tarpit'; readonly status: number; readonly delayMs: number }
  | { readonly type: 'silent-drop' }
  | {
      readonly type: 'redirect';
      readonly status: number;
      readonly head: Uint8Array;
      readonly target: Template;
      /** The query goes behind it, if there is one. */
      readonly keepsQuery: boolean;
    }
  | { readonly type: 'return'; readonly status: number; readonly answer: LocalAnswer }
  | { readonly type: 'set-header' | 'add-header'; readonly name: FieldName; readonly value: Template }
  | { readonly type: 'set-response-header' | 'add-response-header'; readonly name: FieldName; readonly value: Template }
  | { readonly type: 'remove-header' | 'remove-response-header'; readonly name: FieldName }
  | { readonly type: 'set-path'; readonly path: Template }
  | { readonly type: 'replace-prefix'; readonly from: Uint8Array; readonly to: Uint8Array };

export interface Rule {
  readonly condition: ConditionProgram;
  readonly action: Action;
  /** Numbers of the ACLs whose answer it may change. */
  readonly stale: readonly number[];
}

/** What compiling needs to know of the rest of the plan. */
export interface RulesContext {
  readonly backends: ReadonlyMap<string, BackendPlan>;
  readonly maps: ReadonlyMap<string, MapSource>;
  /** See `AclPlan`. */
  readonly normalizes: boolean;
}

const utf8 = new TextEncoder();

export class RulesPlan {
  readonly acls: readonly AclPlan[];
  readonly rules: readonly Rule[];
  /** Keys of maps are in normal form, too. */
  readonly normalizes: boolean;
  /** Backends that a map may name. */
  readonly backends: ReadonlyMap<string, BackendPlan>;
  /** What is known of each ACL for the request under way: 0 nothing, 1 false, 2 true. */
  readonly known: Uint8Array;

  constructor(frontend: Pick<FrontendConfig, 'name' | 'acls' | 'rules'>, context: RulesContext) {
    const used: AclConfig[] = [];
    const numberOf = (name: string): number => {
      const known = used.findIndex((acl) => acl.name === name);
      if (known >= 0) return known;
      const acl = frontend.acls.find((candidate) => candidate.name === name);
      if (acl === undefined) throw new RangeError(`frontend ${frontend.name} has no acl ${name}`);
      return used.push(acl) - 1;
    };
    const compiled = frontend.rules.map((rule) => ({
      condition: compileCondition(rule.if, numberOf),
      action: compileAction(rule.action, context),
    }));
    this.acls = used.map((acl) => new AclPlan(acl, context.normalizes));
    this.normalizes = context.normalizes;
    this.rules = compiled.map((rule, i) => ({ ...rule, stale: staleAfter(frontend.rules[i]!.action, this.acls) }));
    this.backends = context.backends;
    this.known = new Uint8Array(this.acls.length);
  }
}

/** What is known of these ACLs no longer holds after the action. */
function staleAfter(action: ActionConfig, acls: readonly AclPlan[]): number[] {
  const isStale = (acl: AclPlan): boolean => {
    if (action.type === 'set-path' || action.type === 'replace-prefix') return acl.readsPath;
    const isEdit = action.type === 'set-header' || action.type === 'add-header' || action.type === 'remove-header';
    return isEdit && acl.readsField(action.name);
  };
  return acls.flatMap((acl, number) => (isStale(acl) ? [number] : []));
}

/** Whether route.ts can do it: rules that choose a backend by one ACL each, on the path without patterns. */
export function isPathOnly(frontend: Pick<FrontendConfig, 'acls' | 'rules'>): boolean {
  return frontend.rules.every((rule) => isPathRule(rule, frontend.acls));
}

function isPathRule(rule: RuleConfig, acls: readonly AclConfig[]): boolean {
  if (rule.action.type !== 'use' || rule.if === undefined || !('acl' in rule.if)) return false;
  const { acl: name } = rule.if;
  const acl = acls.find((candidate) => candidate.name === name);
  if (acl === undefined) return true; // told by route.ts
  const { pathRegex, host, method, header, headerMember, cookie, query, source, port } = acl;
  const others = [pathRegex, host, method, header, headerMember, cookie, query, source, port];
  return others.every((list) => list === undefined || list.length === 0);
}

// oxlint-disable-next-line complexity -- long: the table of actions as a switch
function compileAction(action: ActionConfig, context: RulesContext): Action {
  switch (action.type) {
    case 'use':
      return { type: 'use', backend: found(context.backends.get(action.backend), `backend ${action.backend}`) };
    case 'use-map':
      return {
        type: 'use-map',
        map: found(context.maps.get(action.map), `map ${action.map}`),
        key: compileKey(action.key, context.normalizes),
      };
    case 'redirect':
      return compileRedirect(action);
    case 'return': {
      const body = utf8.encode(action.body);
      return {
        type: 'return',
        status: action.status,
        answer: encodeAnswer(action.status, { contentType: action.contentType, body }),
      };
    }
    case 'set-header':
    case 'add-header':
    case 'set-response-header':
    case 'add-response-header':
      return {
        type: action.type,
        name: fieldName(action.name),
        value: compileTemplate(action.value, Place.VALUE),
      };
    case 'remove-header':
    case 'remove-response-header':
      return { type: action.type, name: fieldName(action.name) };
    case 'set-path':
      return { type: 'set-path', path: compileTemplate(action.path, Place.PATH) };
    case 'replace-prefix':
      return { type: 'replace-prefix', from: utf8.encode(action.from), to: utf8.encode(action.to) };
    case 'deny':
    case 'tarpit':
      pageFor(action.status); // made now rather than with the first request
      return action;
    case 'silent-drop':
      return action;
  }
  throw new RangeError('no such action');
}

function compileRedirect(action: ActionConfig & { readonly type: 'redirect' }): Action {
  const head = redirectHead(action.status);
  const make = (parts: Parameters<typeof compileTemplate>[0], keepsQuery: boolean): Action => ({
    type: 'redirect',
    status: action.status,
    head,
    target: compileTemplate(parts, Place.URL),
    keepsQuery,
  });
  if (action.location !== undefined) return make(action.location, false);
  if (action.prefix !== undefined) return make([...prefixOf(action.prefix), { variable: 'path' }], true);
  return make([`${action.scheme ?? 'https'}://`, { variable: 'host' }, { variable: 'path' }], true);
}

/** A slash alone is no prefix: before the path it would make the path's first part another host. */
function prefixOf(prefix: TemplateConfig): TemplateConfig {
  return prefix.length === 1 && prefix[0] === '/' ? [] : prefix;
}

function compileKey({ from, name = '', occurrence = -1 }: MapKeyConfig, normalizes: boolean): MapKey {
  return { from, occurrence, values: valuesOf(from, name, normalizes) };
}

function valuesOf(from: MapKeyConfig['from'], name: string, normalizes: boolean): Values | null {
  switch (from) {
    case 'header':
      return new FieldValues(fieldName(name));
    case 'header-member':
      return new MemberValues(fieldName(name));
    case 'cookie':
      return new CookieValues(latin1(name));
    case 'query':
      return new ParameterValues(utf8.encode(name), normalizes);
    case 'host':
    case 'path':
    case 'source':
      return null;
  }
  return null;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`there is no ${what}`);
  return value;
}
