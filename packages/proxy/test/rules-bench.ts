// Engines with rules, and what becomes of requests in them: for the tests of rules.
import type { AclConfig, ConditionConfig, FrontendConfig, PairConfig, RuleConfig } from '@tospann/config';
import type { PlanAssets } from '../src/core/plan.ts';
import { ask, EngineBench, OK } from './engine-bench.ts';

/** An ACL named `a`. */
export function acl(parts: Partial<AclConfig>): AclConfig {
  return { name: 'a', pathExact: [], pathPrefix: [], pathSuffix: [], ignoreCase: false, ...parts };
}

/** A comparison of the value named `X`. */
export function value(
  parts: Partial<NonNullable<AclConfig['header']>[number]>,
): NonNullable<AclConfig['header']>[number] {
  return { name: 'X', present: false, exact: [], prefix: [], suffix: [], contains: [], regex: [], ...parts };
}

/** What a bench has beside its rules. */
export interface RulesOptions {
  readonly acls?: readonly AclConfig[];
  readonly frontend?: Partial<FrontendConfig>;
  readonly http?: Partial<PairConfig['http']>;
  readonly assets?: PlanAssets;
}

/** An engine whose frontend has these rules. */
export function benchWith(rules: readonly RuleConfig[], options: RulesOptions = {}): EngineBench {
  return new EngineBench({
    flags: ['one-server', 'no-forwarded'],
    ...(options.assets === undefined ? {} : { assets: options.assets }),
    configure: (config) => ({
      ...config,
      http: { ...config.http, ...options.http },
      frontends: [{ ...config.frontends[0]!, acls: options.acls ?? [], rules, ...options.frontend }],
    }),
  });
}

/** What a request comes to: the server that got it, or the status of the proxy's own answer. */
export function fate(bench: EngineBench, request: string, address?: string): string {
  const before = bench.connections.map(({ peer }) => peer.text.length);
  const client = bench.dial(address);
  client.write(request);
  bench.transport.settle();
  const at = bench.connections.findIndex(({ peer }, i) => peer.text.length > (before[i] ?? 0));
  const result = at >= 0 ? bench.connections[at]!.server : (/^HTTP\/1\.1 (\d+)/.exec(client.text)?.[1] ?? 'nothing');
  client.close(true);
  bench.transport.settle();
  return result;
}

/** The head that the server gets. */
export function forwarded(bench: EngineBench, request: string, address?: string): string {
  const client = bench.dial(address);
  client.write(request);
  bench.transport.settle();
  const text = bench.connections.at(-1)?.peer.take() ?? client.text;
  bench.connections.at(-1)?.peer.write(OK);
  bench.transport.settle();
  return text;
}

/** The answer that the client gets from the proxy, or through it. */
export function answer(bench: EngineBench, request: string, fromServer = OK): string {
  const client = ask(bench, request);
  bench.connections.at(-1)?.peer.write(fromServer);
  bench.transport.settle();
  return client.text;
}

/** A rule that chooses backend `static`, whose server is `files`. */
export function toStatic(condition?: ConditionConfig): RuleConfig {
  return { ...(condition === undefined ? {} : { if: condition }), action: { type: 'use', backend: 'static' } };
}
/** A request for host `Shop.Test:8080`. */
export function get(target: string, fields = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: Shop.Test:8080\r\n${fields}\r\n`;
}
