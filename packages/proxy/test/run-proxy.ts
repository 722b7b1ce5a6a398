// Starts the proxy from source, for benches and harnesses; prints one JSON line with "event":"ready".
//
//   node --conditions=@tospann/source --disable-warning=ExperimentalWarning packages/proxy/test/run-proxy.ts \
//     --port 24080 --server 127.0.0.1:9001 --server 127.0.0.1:9002 [--engine ring|node|auto] [--threads 1]
//     [--log FILE|stdout|off] [--format json|haproxy|combined] [--cookie] [--rule] [--forwarded | --no-forwarded]
//     [--timeouts client=1000,httpRequest=1000,server=3000] [--check] [--max 3000] [--server-max N] [--buffers 2048] [--tcp]
//   or: ... run-proxy.ts -c FILE.yaml     (the real configuration; its binds are opened as they stand)
//
// By default: ring if there is one, 1 thread, forwarded on, no cookie, no checks, log off. SIGTERM drains (2 s) and
// ends; SIGINT ends at once; SIGUSR2 prints a snapshot.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseConfig, type PairConfig } from '@tospann/config';
import { openListener } from '@tospann/linux';
import { startProxy } from '../src/index.ts';
import { startWorker } from './start-worker.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', short: 'c' },
    port: { type: 'string', default: '24080' },
    server: { type: 'string', multiple: true, default: ['127.0.0.1:9001'] },
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
    log: { type: 'string', default: 'off' },
    format: { type: 'string', default: 'json' },
    cookie: { type: 'boolean', default: false },
    rule: { type: 'boolean', default: false },
    forwarded: { type: 'boolean', default: true },
    'no-forwarded': { type: 'boolean', default: false },
    timeouts: { type: 'string', default: '' },
    check: { type: 'boolean', default: false },
    max: { type: 'string', default: '20000' },
    'server-max': { type: 'string', default: '0' },
    buffers: { type: 'string', default: '2048' },
    'server-close': { type: 'boolean', default: false },
    tcp: { type: 'boolean', default: false },
  },
});

function fromFlags(): PairConfig {
  const servers = values.server.map((at, i) => {
    const [address = '', port = ''] = at.split(':');
    const max = Number(values['server-max']);
    return {
      name: `web${i + 1}`,
      address,
      port: Number(port),
      weight: 1,
      ...(values.cookie ? { cookie: `s${i + 1}` } : {}),
      ...(max > 0 ? { maxConnections: max } : {}),
    };
  });
  const timeouts = {
    httpRequestMs: 10_000,
    queueMs: 60_000,
    connectMs: 5000,
    clientMs: 60_000,
    serverMs: 60_000,
    httpKeepAliveMs: 10_000,
    checkMs: 10_000,
    tunnelMs: 3_600_000,
  };
  const given = values.timeouts.split(',').flatMap((part) => {
    const [name = '', ms] = part.split('=');
    return ms === undefined ? [] : [[`${name}Ms`, Number(ms)]];
  });
  const check = { type: 'http', method: 'GET', path: '/', intervalMs: 2000, fastIntervalMs: 500 } as const;
  const app = {
    name: 'app',
    balance: 'roundrobin',
    servers,
    ...(values.cookie ? { cookie: { name: 'SERVERID', insert: true, indirect: true, nocache: true } } : {}),
    ...(values.check ? { check: { ...check, timeoutMs: 1000, rise: 2, fall: 3 } } : {}),
  } as const;
  const acl = { name: 'static', pathExact: [], pathPrefix: ['/static', '/images'], pathSuffix: ['.jpg', '.css'] };
  return {
    version: 1,
    cluster: { name: 'dev', nodes: [] },
    vips: [],
    frontends: [
      {
        name: 'main',
        binds: [{ address: '0.0.0.0', port: Number(values.port) }],
        mode: values.tcp ? 'tcp' : 'http',
        maxConnections: Number(values.max),
        acls: values.rule ? [{ ...acl, ignoreCase: true }] : [],
        rules: values.rule ? [{ if: { acl: 'static' }, action: { type: 'use', backend: 'static' } }] : [],
        defaultBackend: 'app',
      },
    ],
    backends: [app, { ...app, name: 'static' }],
    timeouts: { ...timeouts, ...Object.fromEntries(given) },
    http: {
      ...(values['no-forwarded'] ? {} : { forwardedFor: { exceptFrom: [] } }),
      serverClose: values['server-close'],
      retries: 3,
      redispatch: true,
    },
    log: {
      access: {
        enabled: values.log !== 'off',
        format: values.format as 'json', // a developer's flag
        ignoreEmpty: true,
        ...(values.log === 'off' || values.log === 'stdout' ? {} : { file: values.log }),
      },
      privacy: { clientAddress: 'full', retentionDays: 14 },
    },
    admin: { binds: [] },
    proxy: { engine: values.engine as 'auto', threads: Number(values.threads), user: 'nobody' }, // likewise
    hash: '',
  };
}

function fromFile(file: string): PairConfig {
  const result = parseConfig(readFileSync(file, 'utf8'), { file });
  if (result.ok) return result.config;
  throw new Error(JSON.stringify(result.problems, null, 1));
}

const config = values.config === undefined ? fromFlags() : fromFile(values.config);
const say = (line: object): void => void process.stderr.write(`${JSON.stringify(line)}\n`);
const service = startProxy({
  config,
  listeners: config.frontends.flatMap((frontend) =>
    frontend.binds.map((bind) => ({ frontend: frontend.name, fd: openListener(bind) })),
  ),
  startWorker,
  onEvent: say,
  log: say,
  onFatal: (error) => {
    say({ event: 'fatal', message: error.stack });
    process.exit(1);
  },
  buffers: Number(values.buffers),
});
await service.ready;
const { engine, engineReason, threads } = service.snapshot();
say({ event: 'ready', pid: process.pid, engine, engineReason, threads });
process.on('SIGUSR2', () => say(service.snapshot()));
process.on('SIGINT', () => void service.close().then(() => process.exit(0)));
process.on('SIGTERM', () => {
  void service.drain(2000).then(() => service.close().then(() => process.exit(0)));
});
