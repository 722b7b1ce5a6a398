// Writes a draft as the text of a configuration file, laid out for reading, with a comment where the new file says
// something that the old ones did not. Pure text; parseConfig reads it back.
import { aclsOf, readCondition } from '../schema/condition.ts';
import { FILL_IN } from './haproxy-guards.ts';
import type {
  AclDraft,
  BackendDraft,
  FlowValue,
  FrontendDraft,
  NodeDraft,
  PairDraft,
  RuleDraft,
} from './pair-draft.ts';
import { failoverLines, vipsLines } from './write-failover.ts';
import { flow, scalar } from './yaml-text.ts';

/** The text of the new file. */
export function writeYaml(draft: PairDraft, sources: readonly string[]): string {
  const lines = [
    'version: 1',
    'cluster:',
    '  name: tospann',
    '  nodes:',
    ...draft.nodes.map(nodeLine),
    ...vipsLines(draft),
    ...block('frontends', draft.frontends.flatMap(frontendLines)),
    // Frontends that only answer need none.
    ...(draft.frontends.length > 0 && draft.backends.length === 0 ? ['backends: {}'] : []),
    ...block('backends', draft.backends.flatMap(backendLines)),
    ...settingLines(draft),
    ...failoverLines(draft),
  ];
  const head = [
    `# Made by "tospann import" from ${sources.map((file) => JSON.stringify(file).slice(1, -1)).join(', ')}.`,
    '# The report of the import says what became of every line.',
  ];
  if (lines.some((line) => line.includes('FILL-IN'))) {
    head.push('# FILL-IN marks what a person must write; "tospann validate" refuses it until then.');
  }
  return `${[...head, ...lines].join('\n')}\n`;
}

function nodeLine(node: NodeDraft): string {
  const address = node.address ?? `FILL-IN-address-of-${node.name}`;
  const network = node.interface ?? `FILL-IN-interface-of-${node.name}`;
  return `    ${scalar(node.name)}: ${flow({
    address,
    interface: network,
    ...(node.address6 === undefined ? {} : { address6: node.address6 }),
  })}`;
}

function frontendLines(frontend: FrontendDraft): string[] {
  const { compression, errorPages } = frontend;
  return [
    `  ${scalar(frontend.name)}:`,
    `    bind: ${flow(frontend.binds)}`,
    `    mode: ${frontend.mode}`,
    ...(frontend.maxConnections === undefined ? [] : [`    maxConnections: ${frontend.maxConnections}`]),
    ...ruleLines(frontend),
    ...(compression === undefined ? [] : [`    compression: ${flow({ ...compression })}`]),
    ...(Object.keys(errorPages).length === 0 ? [] : [`    errorPages: ${flow(errorPages)}`]),
    ...(frontend.defaultBackend === undefined ? [] : [`    defaultBackend: ${scalar(frontend.defaultBackend)}`]),
  ];
}

/** ACLs and rules of a frontend or backend. */
function ruleLines({ acls, rules }: Pick<FrontendDraft, 'acls' | 'rules'>): string[] {
  const used = new Set(rules.flatMap((rule) => aclsOfRule(rule)));
  return [
    ...(acls.length === 0 ? [] : ['    acls:']),
    ...acls.flatMap((acl) => [
      ...(used.has(acl.name) ? [] : ['      # No rule uses this one.']),
      `      ${scalar(acl.name)}:`,
      ...aclLines(acl).map((line) => `        ${line}`),
    ]),
    ...(rules.length === 0 ? [] : ['    rules:']),
    ...rules.flatMap(({ '#': remark, ...rule }) => [
      ...(typeof remark === 'string' ? [`      # ${comment(remark)}`] : []),
      `      - ${flow(rule)}`,
    ]),
  ];
}

/** A line of the old file as a comment. */
function comment(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?');
}

function aclLines(acl: AclDraft): string[] {
  return [
    ...Object.entries(acl.lists).map(([key, values]) => `${key}: ${flow(values)}`),
    ...Object.entries(acl.named)
      .filter(([, matches]) => Object.keys(matches).length > 0)
      .map(([key, matches]) => `${key}: ${flow(matches)}`),
    ...(acl.ignoreCase === undefined ? [] : [`ignoreCase: ${acl.ignoreCase}`]),
  ];
}

/** The names of the ACLs in the condition of a rule. */
export function aclsOfRule(rule: RuleDraft): readonly string[] {
  const condition = rule['if'];
  return condition === undefined ? [] : aclsOf(readCondition(condition).value);
}

function backendLines(backend: BackendDraft): string[] {
  const { check } = backend;
  const parts: Readonly<Record<string, FlowValue | undefined>> = {
    hash: backend.hash,
    cookie: backend.cookie,
    check,
    observe: backend.observe,
    agent: backend.agent,
    slowStart: backend.slowStart,
    maxQueue: backend.maxQueue,
    closeSessionsWhenDown: backend.closeSessionsWhenDown,
  };
  return [
    `  ${scalar(backend.name)}:`,
    ...(backend.mode === 'tcp' ? ['    mode: tcp'] : []),
    ...ruleLines(backend),
    `    balance: ${backend.balance}`,
    ...Object.entries(parts).flatMap(([key, value]) => [
      ...(key === 'check' ? checkRemarks(backend) : []),
      ...(value === undefined ? [] : [`    ${key}: ${flow(value)}`]),
    ]),
    '    servers:',
    ...backend.servers.flatMap(({ '#': remark, name, ...server }) => [
      ...(remark === undefined ? [] : [`      # ${comment(remark)}`]),
      `      ${scalar(name)}: ${flow({ ...server })}`,
    ]),
  ];
}

function checkRemarks({ check, mode }: BackendDraft): string[] {
  if (check === undefined) {
    const try_ = mode === 'tcp' ? '{ type: tcp }' : '{ type: http, path: / }';
    return [`    # No check, as before: the servers are taken as always up. check: ${try_} sees dead ones.`];
  }
  if (check['type'] !== 'tcp' || mode === 'tcp') return [];
  return [
    '    # As before, only a TCP connection is tried. type: http with path: / also sees a server that answers with errors.',
  ];
}

function settingLines(draft: PairDraft): string[] {
  const forwarded = draft.forwardedForExcept;
  const http: Record<string, FlowValue> = {
    ...(forwarded === undefined ? {} : { forwardedFor: { exceptFrom: forwarded } }),
    serverClose: draft.serverClose,
    ...(draft.retries === undefined ? {} : { retries: draft.retries }),
    redispatch: draft.redispatch,
    ...(draft.retryOn === undefined ? {} : { retryOn: draft.retryOn }),
    ...(draft.requestId === undefined ? {} : { requestId: { header: draft.requestId } }),
    ...(Object.keys(draft.errorPages).length === 0 ? {} : { errorPages: draft.errorPages }),
    ...(asksPath(draft) ? { normalize: false } : {}),
  };
  const maps = Object.entries(draft.maps).map(([name, map]) => `  ${scalar(name)}: ${flow(map)}`);
  const access = { enabled: draft.logs, format: 'haproxy', ignoreEmpty: draft.ignoreEmpty };
  const threads = draft.threads ?? 'auto';
  return [
    ...(Object.keys(draft.timeouts).length === 0 ? [] : [`timeouts: ${flow({ ...draft.timeouts })}`]),
    ...(asksPath(draft)
      ? [
          '# As before, conditions see paths as clients send them: //admin is another one than /admin. Remove normalize to see them as servers do.',
        ]
      : []),
    `http: ${flow(http)}`,
    ...block('maps', maps),
    'log:',
    ...(draft.logs ? [] : ['  # As before: no access log, as the old file has no "log" line.']),
    `  access: ${flow(access)}`,
    '  # Client addresses are personal data: logs get their network only. "full" writes them whole, for which you need a reason.',
    '  privacy: { clientAddress: truncate, retentionDays: 14 }',
    ...adminLines(draft),
    `proxy: ${flow({ engine: 'auto', threads, user: 'tospann' })}`,
  ];
}

/** Whether a condition or a map looks at a path, a host or a query. */
function asksPath({ frontends, backends, maps }: PairDraft): boolean {
  const acls = [...frontends, ...backends].flatMap((section) => section.acls);
  return (
    Object.keys(maps).length > 0 ||
    acls.some(
      ({ lists, named }) =>
        Object.keys(lists).some((key) => key.startsWith('path') || key === 'host') ||
        Object.keys(named.query).length > 0,
    )
  );
}

function adminLines(draft: PairDraft): string[] {
  const addresses = draft.nodes.flatMap((node) => node.address ?? []);
  const unknown = addresses.length < draft.nodes.length || addresses.some((address) => address.startsWith('FILL-IN'));
  const { stats } = draft;
  const hasStats = stats !== undefined && stats.binds.length > 0;
  const port = adminPort(draft);
  const admin: Record<string, FlowValue> = {
    ...(unknown ? {} : { bind: addresses.map((address) => `${address}:${port}`) }),
    ...(hasStats
      ? { stats: { bind: statsBind(stats), ...(stats.path === undefined ? {} : { path: stats.path }) } }
      : {}),
  };
  if (Object.keys(admin).length === 0) return [];
  return [
    ...(unknown
      ? []
      : ['# The console: TLS, and a token that "tospann token" prints. Remove bind to have the control socket only.']),
    ...(hasStats
      ? [
          '# The statistics page is plain HTTP: any user name, with the token as the password. auth: sets another one.',
          ...stats.guards.map((guard) => `# Not taken: ${comment(guard)}`),
          ...(stats.guards.length === 0 ? [] : [`# It listened on ${stats.binds.join(', ')}.`]),
        ]
      : []),
    `admin: ${flow(admin)}`,
  ];
}

function statsBind({ binds, guards }: NonNullable<PairDraft['stats']>): FlowValue {
  if (guards.length > 0) return FILL_IN;
  return binds.length === 1 ? (binds[0] ?? '') : binds;
}

/** A port that no frontend listens on. */
function adminPort({ frontends, stats }: PairDraft): number {
  const binds = [...frontends.flatMap((frontend) => frontend.binds), ...(stats?.binds ?? [])];
  const texts = binds.map((bind) => (typeof bind === 'string' ? bind : JSON.stringify(bind)));
  let port = 9443;
  while (texts.some((text) => new RegExp(`:${port}\\b`).test(text))) port += 1;
  return port;
}

function block(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key}:`, ...lines];
}
