// A frontend from the file's shape to the model: ACLs and rules become lists, pair-wide error pages are joined in.
import type { AclConfig, ErrorPageConfig, FrontendConfig, LimitsConfig, ValueMatchConfig } from '../model.ts';
import type { ConfigFile } from '../schema.ts';
import { buildRule } from './rule.ts';
import { entries, present } from './shape.ts';

type FrontendInput = ConfigFile['frontends'][string];
type Pages = Readonly<Record<string, string>> | undefined;

/** Makes the model of one frontend. */
export function buildFrontend(name: string, frontend: FrontendInput, pairPages: Pages): FrontendConfig {
  const pages = buildPages(pairPages, frontend.errorPages);
  return present({
    name,
    binds: frontend.bind,
    mode: frontend.mode,
    maxConnections: frontend.maxConnections,
    acls: entries(frontend.acls, buildAcl),
    rules: frontend.rules.flatMap(buildRule),
    defaultBackend: frontend.defaultBackend,
    limits: buildLimits(frontend.limits),
    compression: buildCompression(frontend.compression),
    errorPages: frontend.mode === 'http' ? pages : undefined,
  });
}

/** Makes the model of one ACL. */
export function buildAcl(name: string, acl: FrontendInput['acls'][string]): AclConfig {
  return present({
    name,
    pathExact: acl.pathExact ?? [],
    pathPrefix: acl.pathPrefix ?? [],
    pathSuffix: acl.pathSuffix ?? [],
    pathRegex: acl.pathRegex,
    host: acl.host,
    method: acl.method,
    // Names of headers are the same in any case.
    header: buildValues(acl.header, (field) => field.toLowerCase()),
    headerMember: buildValues(acl.headerMember, (field) => field.toLowerCase()),
    cookie: buildValues(acl.cookie, (cookie) => cookie),
    query: buildValues(acl.query, (parameter) => parameter),
    source: acl.source,
    port: acl.port,
    ignoreCase: acl.ignoreCase,
  });
}

function buildValues(
  values: Readonly<Record<string, Omit<ValueMatchConfig, 'name'>>> | undefined,
  nameOf: (name: string) => string,
): ValueMatchConfig[] | undefined {
  return values === undefined ? undefined : entries(values, (name, match) => ({ name: nameOf(name), ...match }));
}

function buildLimits(limits: FrontendInput['limits']): LimitsConfig | undefined {
  if (limits === undefined) return undefined;
  return present({
    maxHeadBytes: limits.maxHead,
    maxFields: limits.maxFields,
    maxBodyBytes: limits.maxBody,
    connectionsPerSource: limits.connectionsPerSource,
    connectionRate: limits.connectionRate,
    requestRate: limits.requestRate,
    countRefused: limits.countRefused ? undefined : false,
    exempt: limits.exempt,
  });
}

function buildCompression(compression: FrontendInput['compression']): FrontendConfig['compression'] {
  if (compression === undefined) return undefined;
  const { minSize, ...rest } = compression;
  return { ...rest, minBytes: minSize };
}

function buildPages(pair: Pages, own: Pages): ErrorPageConfig[] | undefined {
  const pages = entries({ ...pair, ...own }, (status, file) => ({ status: Number(status), file }));
  return pages.length === 0 ? undefined : pages;
}
