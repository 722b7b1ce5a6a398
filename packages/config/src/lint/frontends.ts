// Checks of frontends: what their rules name must exist, and no two listeners may want the same port.
import type { Draft, DraftFrontend, Found } from '../draft.ts';
import { exampleOf } from '../issues.ts';
import type { BindConfig } from '../model.ts';
import { formatPath, type Finding } from '../problem.ts';
import { didYouMean } from '../suggest.ts';
import { suggestName } from './cluster.ts';
import { errorAt, warningAt } from './finding.ts';

/** Problems of frontends and of the console's listeners. */
export function lintFrontends(draft: Draft): Finding[] {
  const backends = draft.backends.map((backend) => backend.name);
  return [
    ...draft.frontends.flatMap((frontend) => [
      ...routes(frontend, backends),
      ...acls(frontend, 'frontend'),
      ...noWay(frontend),
    ]),
    ...draft.backends.flatMap((backend) => acls(backend, 'backend')),
    ...listeners(draft),
    ...foreignBinds(draft),
  ];
}

function routes(frontend: DraftFrontend, backends: readonly string[]): Finding[] {
  const named = [...frontend.rules.map((rule) => rule.use), frontend.defaultBackend];
  return named.flatMap((target) => {
    if (target === undefined || backends.includes(target.value)) return [];
    const params = { name: target.value, suggestion: suggestName(target.value, backends) };
    return [errorAt(target.path, 'LB_CONFIG_UNKNOWN_BACKEND', params)];
  });
}

/** Answers after which nothing is asked any more; a backend, or a map that may have no entry, is none of them. */
const ANSWERS: readonly string[] = ['deny', 'redirect', 'return', 'tarpit', 'silentDrop'];

/** Whether what no rule takes has no place to go: no defaultBackend, and no last rule that answers. */
export function lacksBackend({ raw, rules }: DraftFrontend): boolean {
  const last = rules.at(-1);
  const answers = last !== undefined && !last.conditional && last.actions.some((key) => ANSWERS.includes(key));
  return !('defaultBackend' in raw) && !answers;
}

function noWay(frontend: DraftFrontend): Finding[] {
  const misspelt = Object.keys(frontend.raw).some((key) => didYouMean(key, ['defaultBackend']) !== undefined);
  if (misspelt || !lacksBackend(frontend)) return [];
  const path = [...frontend.path, 'defaultBackend'];
  const params = { key: 'defaultBackend', example: exampleOf(path) };
  return [{ severity: 'error', code: 'LB_CONFIG_MISSING_KEY', path, at: 'key', params }];
}

function acls(owner: Pick<DraftFrontend, 'name' | 'acls' | 'rules'>, kind: 'frontend' | 'backend'): Finding[] {
  const names = owner.acls.map((acl) => acl.name);
  const uses = owner.rules.flatMap((rule) => rule.acls);
  const used = new Set(uses.map((acl) => acl.value));
  const unknown = uses.flatMap((acl) => {
    if (names.includes(acl.value)) return [];
    const params = { name: acl.value, owner: `${kind} "${owner.name}"`, suggestion: suggestName(acl.value, names) };
    return [errorAt(acl.path, 'LB_CONFIG_UNKNOWN_ACL', params)];
  });
  const empty = owner.acls
    .filter((acl) => acl.conditions.length === 0)
    .map((acl) => errorAt(acl.path, 'LB_CONFIG_EMPTY_ACL', { name: acl.name }));
  const unused = owner.acls
    .filter((acl) => !used.has(acl.name))
    .map((acl) => warningAt(acl.path, 'LB_CONFIG_UNUSED_ACL', { name: acl.name }));
  return [...unknown, ...empty, ...unused];
}

// The wildcard takes the port on every address, so it collides with each of them.
function listeners(draft: Draft): Finding[] {
  const all = [...draft.frontends.flatMap((frontend) => frontend.binds), ...draft.adminBinds, ...draft.statsBinds];
  return all.flatMap((bind, index) => {
    const other = all.slice(0, index).find((earlier) => collide(earlier.value, bind.value));
    if (other === undefined) return [];
    return [
      errorAt(bind.path, 'LB_CONFIG_DUPLICATE_BIND', { bind: showBind(bind.value), other: formatPath(other.path) }),
    ];
  });
}

function collide(a: BindConfig, b: BindConfig): boolean {
  // A listener on `[::]` takes IPv6 only.
  const family = a.address.includes(':') === b.address.includes(':');
  return a.port === b.port && family && (a.address === b.address || isWildcard(a) || isWildcard(b));
}

const WILDCARD = '0.0.0.0';
const WILDCARD_V6 = '::';

function isWildcard(bind: BindConfig): boolean {
  return bind.address === WILDCARD || bind.address === WILDCARD_V6;
}

function showBind(bind: BindConfig): string {
  if (bind.address.includes(':')) return `[${bind.address}]:${bind.port}`;
  return `${bind.address === WILDCARD ? '*' : bind.address}:${bind.port}`;
}

function foreignBinds(draft: Draft): Finding[] {
  const own = new Set([
    WILDCARD,
    WILDCARD_V6,
    '::1',
    ...draft.nodes.map((node) => node.address?.value),
    ...draft.vips.map((vip) => vip.address?.value),
  ]);
  // A node or VIP without a readable address may be the one that is meant.
  const unsure =
    draft.nodes.some((node) => node.address === undefined) || draft.vips.some((vip) => vip.address === undefined);
  if (unsure) return [];
  const all: readonly Found<BindConfig>[] = [
    ...draft.frontends.flatMap((frontend) => frontend.binds),
    ...draft.adminBinds,
    ...draft.statsBinds,
  ];
  return all
    .filter((bind) => !own.has(bind.value.address) && !bind.value.address.startsWith('127.'))
    .map((bind) =>
      warningAt(bind.path, 'LB_CONFIG_FOREIGN_BIND', { bind: showBind(bind.value), port: bind.value.port }),
    );
}
