// Writes a draft as the text of a configuration file, laid out for reading, with a comment where the new file says
// something that the old ones did not. Pure text; parseConfig reads it back.
import { parse } from 'yaml';
import type { BackendDraft, FrontendDraft, NodeDraft, PairDraft, VipDraft } from './pair-draft.ts';

/** The text of the new file. */
export function writeYaml(draft: PairDraft, sources: readonly string[]): string {
  const lines = [
    'version: 1',
    'cluster:',
    '  name: tospann',
    '  nodes:',
    ...draft.nodes.map(nodeLine),
    ...vipsLines(draft.vips),
    ...block('frontends', draft.frontends.flatMap(frontendLines)),
    ...block('backends', draft.backends.flatMap(backendLines)),
    ...settingLines(draft),
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

function vipsLines(vips: readonly VipDraft[]): string[] {
  if (vips.length === 0) return [];
  const multicast = vips.some((vip) => !vip.wasUnicast)
    ? [
        '  # keepalived sent multicast; unicast also works where a network drops it (transport: multicast is the old way).',
      ]
    : [];
  return ['vips:', ...multicast, ...vips.flatMap(vipLines)];
}

function nodeLine(node: NodeDraft): string {
  const address = node.address ?? `FILL-IN-address-of-${node.name}`;
  const network = node.interface ?? `FILL-IN-interface-of-${node.name}`;
  return `    ${scalar(node.name)}: ${flow({ address, interface: network })}`;
}

function vipLines(vip: VipDraft): string[] {
  const entry: Record<string, FlowValue> = {
    address: vip.address,
    routerId: /^\d+$/.test(vip.routerId) ? Number(vip.routerId) : vip.routerId,
    advertInterval: vip.advertInterval,
    transport: 'unicast',
    ...(vip.preferred === undefined ? {} : { preferred: vip.preferred }),
  };
  return [...vip.remarks.map((remark) => `  # ${remark}`), `  ${scalar(vip.name)}: ${flow(entry)}`];
}

function frontendLines(frontend: FrontendDraft): string[] {
  const { acls, rules } = frontend;
  const used = new Set(rules.map((rule) => rule.if));
  return [
    `  ${scalar(frontend.name)}:`,
    `    bind: ${flow(frontend.binds)}`,
    '    mode: http',
    ...(frontend.maxConnections === undefined ? [] : [`    maxConnections: ${frontend.maxConnections}`]),
    ...(acls.length === 0 ? [] : ['    acls:']),
    ...acls.flatMap((acl) => [
      ...(used.has(acl.name) ? [] : ['      # No rule uses this one.']),
      `      ${scalar(acl.name)}:`,
      ...(['pathExact', 'pathPrefix', 'pathSuffix'] as const)
        .filter((key) => acl[key].length > 0)
        .map((key) => `        ${key}: ${flow(acl[key])}`),
      `        ignoreCase: ${acl.ignoreCase}`,
    ]),
    ...(rules.length === 0 ? [] : ['    rules:', ...rules.map((rule) => `      - ${flow({ ...rule })}`)]),
    ...(frontend.defaultBackend === undefined
      ? ['    # Name the backend that takes what no rule takes: defaultBackend: ...']
      : [`    defaultBackend: ${scalar(frontend.defaultBackend)}`]),
  ];
}

function backendLines(backend: BackendDraft): string[] {
  const { cookie, check } = backend;
  return [
    `  ${scalar(backend.name)}:`,
    '    balance: roundrobin',
    ...(cookie === undefined ? [] : [`    cookie: ${flow({ ...cookie })}`]),
    ...(check === undefined
      ? [
          '    # No check, as before: the servers are taken as always up. check: { type: http, path: / } sees dead ones.',
        ]
      : []),
    ...(check?.type === 'tcp'
      ? [
          '    # As before, only a TCP connection is tried. type: http with path: / also sees a server that answers with errors.',
        ]
      : []),
    ...(check === undefined ? [] : [`    check: ${flow({ ...check })}`]),
    '    servers:',
    ...backend.servers.map(({ name, ...server }) => `      ${scalar(name)}: ${flow({ ...server })}`),
  ];
}

function settingLines(draft: PairDraft): string[] {
  const forwarded = draft.forwardedForExcept;
  const http: Record<string, FlowValue> = {
    ...(forwarded === undefined ? {} : { forwardedFor: { exceptFrom: forwarded } }),
    serverClose: draft.serverClose,
    ...(draft.retries === undefined ? {} : { retries: draft.retries }),
    redispatch: draft.redispatch,
  };
  const access = { enabled: draft.logs, format: 'haproxy', ignoreEmpty: draft.ignoreEmpty };
  const threads = draft.threads ?? 'auto';
  return [
    ...(Object.keys(draft.timeouts).length === 0 ? [] : [`timeouts: ${flow({ ...draft.timeouts })}`]),
    `http: ${flow(http)}`,
    'log:',
    ...(draft.logs ? [] : ['  # As before: no access log, as the old file has no "log" line.']),
    `  access: ${flow(access)}`,
    '  # Client addresses are personal data: logs get their network only. "full" writes them whole, for which you need a reason.',
    '  privacy: { clientAddress: truncate, retentionDays: 14 }',
    ...adminLines(draft),
    `proxy: ${flow({ engine: 'auto', threads, user: 'tospann' })}`,
  ];
}

function adminLines(draft: PairDraft): string[] {
  const addresses = draft.nodes.flatMap((node) => node.address ?? []);
  if (addresses.length < draft.nodes.length || addresses.some((address) => address.startsWith('FILL-IN'))) return [];
  const why = draft.hadStatsPage
    ? 'It takes the place of the statistics page.'
    : 'Remove it to have the control socket only.';
  return [
    `# The console: TLS, and a token that "tospann token" prints. ${why}`,
    `admin: ${flow({ bind: addresses.map((address) => `${address}:9443`) })}`,
  ];
}

function block(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key}:`, ...lines];
}

type FlowValue = string | number | boolean | readonly string[] | { readonly [key: string]: FlowValue };

/** A value in YAML's flow form: `{ a: 1, b: [x, y] }`. */
function flow(value: FlowValue): string {
  if (typeof value === 'string') return scalar(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly string[]).map(scalar).join(', ')}]`;
  const entries = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** Text as a YAML scalar: plain where YAML reads it back as the same text, else in quotes. */
function scalar(text: string): string {
  if (!/^[\w/.][\w/.:-]*$/.test(text) || text.endsWith(':')) return JSON.stringify(text);
  return parse(text) === text ? text : JSON.stringify(text);
}
