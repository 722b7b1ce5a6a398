// Checks of rules and of what a frontend's mode allows: maps that must exist, rules that are never reached, keys that
// need HTTP in a frontend that only passes bytes.
import type { Draft, DraftFrontend } from '../draft.ts';
import { isRawMap } from '../document.ts';
import type { Finding, Path } from '../problem.ts';
import { ENDING_KEYS } from '../schema/rules.ts';
import { suggestName } from './cluster.ts';
import { errorAt, warningAt } from './finding.ts';

/** Problems of rules, maps and modes. */
export function lintRules(draft: Draft): Finding[] {
  return [
    ...draft.frontends.flatMap((frontend) => [
      ...unreachable(frontend),
      ...ports(frontend),
      ...requestIds(frontend, draft),
      ...(frontend.mode === 'tcp' ? needHttp(frontend) : []),
      ...modes(frontend, draft),
    ]),
    ...draft.backends.flatMap((backend) => [
      ...unreachable(backend),
      ...requestIds(backend, draft),
      ...(backend.mode === 'tcp' && backend.rules.length > 0
        ? [errorAt([...backend.path, 'rules'], 'LB_CONFIG_NEEDS_HTTP', { key: 'rules', reason: NO_REQUESTS })]
        : []),
    ]),
    ...maps(draft),
  ];
}

// After a rule without condition that ends the list nothing is tried; a map may have no entry and goes on.
function unreachable(frontend: Pick<DraftFrontend, 'rules'>): Finding[] {
  const end = frontend.rules.findIndex(
    (rule) => !rule.conditional && rule.map === undefined && rule.actions.some((key) => ENDING_KEYS.includes(key)),
  );
  const next = end === -1 ? undefined : frontend.rules[end + 1];
  return next === undefined ? [] : [warningAt(next.path, 'LB_CONFIG_RULE_UNREACHABLE', { index: end })];
}

function ports(frontend: DraftFrontend): Finding[] {
  const own = new Set(frontend.binds.map((bind) => bind.value.port));
  const acls = frontend.raw['acls'];
  if (!isRawMap(acls) || own.size === 0) return [];
  return Object.entries(acls).flatMap(([name, acl]) => {
    const wanted = isRawMap(acl) && Array.isArray(acl['port']) ? (acl['port'] as readonly unknown[]) : [];
    return wanted.flatMap((port, index) => {
      if (typeof port !== 'number' || own.has(port)) return [];
      const path = [...frontend.path, 'acls', name, 'port', index];
      return [warningAt(path, 'LB_CONFIG_PORT_NEVER', { port, frontend: frontend.name })];
    });
  });
}

// Without http.requestId the variable is empty.
function requestIds(frontend: Pick<DraftFrontend, 'raw' | 'path'>, draft: Draft): Finding[] {
  const { requestId } = draft.http;
  if (requestId === true || isRawMap(requestId)) return [];
  const rules = Array.isArray(frontend.raw['rules']) ? (frontend.raw['rules'] as readonly unknown[]) : [];
  const index = rules.findIndex((rule) => JSON.stringify(rule).includes('${requestId}'));
  return index === -1 ? [] : [warningAt([...frontend.path, 'rules', index], 'LB_CONFIG_REQUEST_ID_MISSING', {})];
}

const NO_REQUESTS = 'there are no requests that a rule could change';

/** What bytes that are not looked into cannot do. */
const TCP_ACTIONS: readonly string[] = ['use', 'deny', 'silentDrop'];
const TCP_CONDITIONS: readonly string[] = ['source', 'port'];
const HTTP_KEYS: readonly string[] = ['compression', 'errorPages'];
const HTTP_LIMITS: readonly string[] = ['maxHead', 'maxFields', 'maxBody', 'requestRate'];

function needHttp(frontend: DraftFrontend): Finding[] {
  const { path, raw } = frontend;
  const limits = raw['limits'];
  const refuse = (at: Path, reason: string): Finding =>
    errorAt(at, 'LB_CONFIG_NEEDS_HTTP', { key: String(at.at(-1) ?? ''), reason });
  return [
    ...HTTP_KEYS.filter((key) => key in raw).map((key) => refuse([...path, key], 'there are no answers to change')),
    ...HTTP_LIMITS.filter((key) => isRawMap(limits) && key in limits).map((key) =>
      refuse([...path, 'limits', key], 'there are no requests to count or measure'),
    ),
    ...frontend.rules.flatMap((rule) =>
      rule.actions
        .filter((key) => !TCP_ACTIONS.includes(key) || (key === 'use' && rule.map !== undefined))
        .map((key) => refuse([...rule.path, key], 'a rule can only use a backend, deny or silentDrop there')),
    ),
    ...frontend.acls.flatMap((acl) =>
      acl.conditions
        .filter((key) => !TCP_CONDITIONS.includes(key) && key !== 'unknown')
        .map((key) => refuse([...acl.path, key], 'only source and port are known of a connection')),
    ),
  ];
}

function modes(frontend: DraftFrontend, draft: Draft): Finding[] {
  const named = [...frontend.rules.map((rule) => rule.use), frontend.defaultBackend];
  return named.flatMap((target) => {
    const backend = draft.backends.find(({ name }) => name === target?.value);
    if (target === undefined || backend === undefined || backend.mode === frontend.mode) return [];
    const params = { frontend: frontend.name, mode: frontend.mode, backend: backend.name, backendMode: backend.mode };
    return [errorAt(target.path, 'LB_CONFIG_MODE_MISMATCH', params)];
  });
}

function maps(draft: Draft): Finding[] {
  const names = draft.maps.map((map) => map.name);
  const uses = draft.frontends.flatMap((frontend) => frontend.rules.flatMap((rule) => rule.map ?? []));
  const unknown = uses
    .filter((use) => !names.includes(use.value))
    .map((use) =>
      errorAt(use.path, 'LB_CONFIG_UNKNOWN_MAP', { name: use.value, suggestion: suggestName(use.value, names) }),
    );
  const unused = draft.maps
    .filter((map) => !uses.some((use) => use.value === map.name))
    .map((map) => warningAt(map.path, 'LB_CONFIG_UNUSED_MAP', { name: map.name }));
  return [...unknown, ...unused];
}
