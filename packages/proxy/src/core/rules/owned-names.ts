// The field names that a configuration says something about: what the proxy writes or takes out, and what rules set,
// remove and ask for. Another spelling of them is not for servers (`http.similarHeaders`).
import type { AclConfig, ActionConfig, PairConfig, RuleConfig } from '@tospann/config';
import { SimilarNames } from '@tospann/http';

/** Of framing and of one hop: the proxy alone writes them. */
const FRAMING: readonly string[] = [
  'Connection',
  'Content-Length',
  'Keep-Alive',
  'Max-Forwards',
  'Proxy-Connection',
  'Transfer-Encoding',
];

interface WithRules {
  readonly acls?: readonly AclConfig[];
  readonly rules?: readonly RuleConfig[];
}

/** Null: other spellings are kept. */
export function ownedNames(
  config: Pick<PairConfig, 'frontends' | 'backends'> & Partial<Pick<PairConfig, 'http'>>,
): SimilarNames | null {
  if (config.http?.similarHeaders === 'keep') return null;
  const places: readonly WithRules[] = [...config.frontends, ...config.backends];
  return new SimilarNames([
    ...FRAMING,
    ...ofProxy(config.http),
    ...places.flatMap(({ acls = [], rules = [] }) => [...acls.flatMap(ofAcl), ...rules.flatMap(ofRule)]),
    ...config.backends.flatMap(({ hash }) => hash?.name ?? []),
  ]);
}

function ofProxy(http: PairConfig['http'] | undefined): string[] {
  if (http === undefined) return [];
  const believes = http.trustedProxies !== undefined;
  const names = http.requestId === undefined ? [] : [http.requestId.header];
  if (believes || http.forwardedFor !== undefined) names.push('X-Forwarded-For');
  if (believes || http.forwardedProto === true) names.push('X-Forwarded-Proto');
  if (believes || http.forwardedHost === true) names.push('X-Forwarded-Host');
  if (believes || http.forwardedPort === true) names.push('X-Forwarded-Port');
  return names;
}

function ofAcl({ header = [], headerMember = [] }: AclConfig): string[] {
  return [...header, ...headerMember].map(({ name }) => name);
}

function ofRule({ action }: RuleConfig): string[] {
  return [
    ...ofAction(action),
    ...templatesOf(action).flatMap((part) => (typeof part === 'string' ? [] : (part.name ?? []))),
  ];
}

function ofAction(action: ActionConfig): string[] {
  if (action.type === 'set-header' || action.type === 'add-header' || action.type === 'remove-header') {
    return [action.name];
  }
  const isField = action.type === 'use-map' && action.key.from.startsWith('header');
  return isField ? [action.key.name ?? ''] : [];
}

function templatesOf(action: ActionConfig): readonly (string | { readonly name?: string })[] {
  if ('value' in action) return action.value;
  if (action.type === 'set-path') return action.path;
  return action.type === 'redirect' ? [...(action.location ?? []), ...(action.prefix ?? [])] : [];
}
