// What others make of the schema: the reference for people (docs/configuration.md) and a JSON Schema for editors.
// Both are generated, so they cannot drift from what parseConfig accepts.
import { z } from 'zod';
import { configSchema } from './schema.ts';
import { alternativesOf } from './schema/fields.ts';
import { docOf, unwrap } from './schema/walk.ts';

/** A whole configuration that uses every section; the reference shows it and a test reads it. */
export const EXAMPLE_CONFIG = `version: 1
cluster:
  name: shop
  nodes:
    lb1: { address: 10.10.0.11, interface: eth0 }
    lb2: { address: 10.10.0.12, interface: eth0 }
vips:
  public: { address: 192.168.1.200/24, routerId: 51, advertInterval: 1s, preferred: lb1 }
  public6: { address: "2001:db8::200/64" }
groups: { site: { vips: [public, public6] } }
failover: { requireServers: [main], gateway: auto, scripts: { disk: { run: [/usr/local/bin/check-disk, /var] } } }
events: { hooks: { chat: { on: [vrrp-state], url: https://hooks.example/tospann } } }
tuner: { profile: balanced, conntrackAlarmPercent: 80, stealAlarmPercent: 10 }
frontends:
  main:
    bind: ["*:80", "[::]:80"]
    mode: http
    maxConnections: 3000
    acls:
      url_static: { pathPrefix: [/static, /images], pathSuffix: [.jpg, .css], ignoreCase: true }
    rules:
      - { if: url_static, use: static }
      - { use: { map: sites, key: host } }
    defaultBackend: app
backends:
  app:
    balance: roundrobin
    cookie: { name: SERVERID, insert: true, indirect: true, nocache: true }
    check: { type: http, path: /, interval: 2s, fastInterval: 500ms, rise: 2, fall: 3, timeout: 10s }
    servers:
      web1: { address: 10.10.10.1:80, cookie: s1, weight: 100, maxConnections: 500 }
      web2: { address: 10.10.10.2:80, cookie: s2 }
  static: { servers: { web1: { address: 10.10.10.1:80 } } }
timeouts: { httpRequest: 10s, queue: 1m, connect: 10s, client: 1m, server: 1m, httpKeepAlive: 10s, check: 10s, tunnel: 1h }
http: { forwardedFor: { exceptFrom: [127.0.0.0/8] }, serverClose: false, retries: 3, redispatch: true }
maps: { sites: { file: /etc/tospann/sites.map, match: suffix } }
log: { access: { format: json, ignoreEmpty: true }, privacy: { clientAddress: truncate, retentionDays: 14 } }
admin: { bind: ["10.10.0.11:9443", "10.10.0.12:9443"] }
proxy: { engine: auto, threads: auto, user: tospann }
`;

/** JSON Schema (draft 2020-12) of the file as it is written, for editors and other tools. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: describe,
  });
  return { ...schema, title: 'Tospann configuration' };
}

function describe({
  zodSchema,
  jsonSchema,
}: {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: Record<string, unknown>;
}): void {
  // Our own documentation record is for the Markdown; its text is in `description`.
  delete jsonSchema['fieldDoc'];
  if (jsonSchema['alternatives'] === undefined) return;
  delete jsonSchema['alternatives'];
  const ways = alternativesOf(zodSchema as unknown as z.ZodType) ?? [];
  jsonSchema['anyOf'] = ways.map((way) => {
    const { $schema: _same, ...own } = z.toJSONSchema(way, { io: 'input', override: describe });
    return own;
  });
}

/** One mapping of the file with the fields in it. */
interface Section {
  readonly path: string;
  readonly description: string;
  readonly rows: readonly string[];
}

/** Writes docs/configuration.md. */
export function renderConfigReference(): string {
  const sections = collect(configSchema, '', '');
  const body = sections.map(({ path, description, rows }) => {
    const head = path === '' ? '## The file' : `## \`${path}\``;
    const table = ['| key | what it is | value | default | when to change it |', '|---|---|---|---|---|', ...rows];
    return `${head}\n\n${description}\n${rows.length === 0 ? '' : `\n${table.join('\n')}\n`}`;
  });
  return `# Configuration

Generated from the schema in \`packages/config\`. One file, \`/etc/tospann/tospann.yaml\`, the same on both nodes. \`*\` stands
for a name of your choice. Durations carry their unit: \`500ms\`, \`10s\`, \`1m30s\`, \`1h\`, \`1d\`. Unknown keys are errors;
\`tospann validate\` shows all problems at once, each with line, column and a hint.

\`\`\`yaml
${EXAMPLE_CONFIG}\`\`\`

${body.join('\n')}`;
}

function collect(schema: z.ZodType, path: string, description: string): Section[] {
  const inner = unwrap(schema);
  const text = inner.meta()?.description ?? schema.meta()?.description ?? description;
  if (inner instanceof z.ZodRecord) {
    const child = collect(inner.def.valueType as z.ZodType, `${path}.*`, text);
    const [first, ...rest] = child;
    return first === undefined ? [] : [{ ...first, description: `${text} ${first.description}` }, ...rest];
  }
  if (inner instanceof z.ZodArray) return collect(inner.def.element as z.ZodType, `${path}[]`, text);
  if (!(inner instanceof z.ZodObject)) return [];
  const entries = Object.entries(inner.shape);
  const own: Section = { path, description: text, rows: entries.map(([key, value]) => row(key, value)) };
  const below = entries.flatMap(([key, value]) => collect(value, path === '' ? key : `${path}.${key}`, ''));
  return [own, ...below];
}

function row(key: string, schema: z.ZodType): string {
  const doc = docOf(schema);
  if (doc === undefined) {
    const inner = unwrap(schema);
    const text = schema.meta()?.description ?? inner.meta()?.description ?? '';
    const kind = inner instanceof z.ZodArray ? 'list, see below' : 'mapping, see below';
    return cells([`\`${key}\``, text, kind, isOptional(schema) ? 'may be absent' : 'required', '']);
  }
  const see = doc.see === undefined ? '' : ` See also \`${doc.see}\`.`;
  return cells([`\`${key}\``, `${doc.is}.`, doc.range, doc.default, `${doc.change}.${see}`]);
}

function isOptional(schema: z.ZodType): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault;
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
