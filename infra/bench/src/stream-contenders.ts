// The proxies of the stream benchmark: mode tcp, one thread, one server, a log line a session, nothing else. Pure:
// configuration text and command lines.
import { fileURLToPath } from 'node:url';

/** Where things are in the benchmark's namespace. */
export interface StreamSite {
  readonly address: string;
  readonly originPort: number;
  readonly folder: string;
}

export interface StreamContender {
  readonly name: string;
  readonly port: number;
  /** Files to write before the start: name in the site's folder, text. */
  readonly files: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** Those with these names. `product` is the command that runs Tospann, asked only if it is among them. */
// oxlint-disable-next-line max-params -- one call
export function streamContenders(
  site: StreamSite,
  names: readonly string[],
  product: () => readonly string[],
): readonly StreamContender[] {
  const makers: Readonly<Record<string, () => StreamContender>> = {
    tospann: () => tospann(site, product(), 'ring'),
    'tospann-node': () => tospann(site, product(), 'node'),
    haproxy: () => haproxy(site, false),
    'haproxy-splice': () => haproxy(site, true),
    nginx: () => nginx(site),
    source: () => source(site),
  };
  return names.map((name) => {
    const maker = makers[name];
    if (maker === undefined) throw new Error(`Cannot measure "${name}": known are ${Object.keys(makers).join(', ')}`);
    return maker();
  });
}

function tospann(site: StreamSite, product: readonly string[], engine: 'ring' | 'node'): StreamContender {
  const port = engine === 'ring' ? 8001 : 8005;
  const config = `version: 1
cluster:
  name: bench
  nodes:
    bench: { address: ${site.address}, interface: lo }
frontends:
  main:
    bind: ["${site.address}:${port}"]
    mode: tcp
    maxConnections: 8000
    defaultBackend: app
backends:
  app:
    mode: tcp
    servers:
      web1: { address: ${site.address}:${site.originPort} }
timeouts: { queue: 1m, connect: 10s, client: 1m, server: 1m, tunnel: 1h }
log: { access: { format: haproxy, ignoreEmpty: true, file: ${site.folder}/logs/tospann.log } }
proxy: { engine: ${engine}, threads: 1 }
`;
  const name = engine === 'ring' ? 'tospann' : 'tospann-node';
  const folders = ['--run-dir', `${site.folder}/run-${engine}`, '--state-dir', `${site.folder}/state-${engine}`];
  return {
    name,
    port,
    files: { [`${name}.yaml`]: config },
    command: [...product, 'run', '-c', `${site.folder}/${name}.yaml`, '--node', 'bench', ...folders],
  };
}

/** For experiments: needs no build. */
function source(site: StreamSite): StreamContender {
  const script = fileURLToPath(new URL('../../../packages/proxy/test/run-proxy.ts', import.meta.url));
  const flags = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];
  const server = ['--port', '8006', '--server', `${site.address}:${site.originPort}`];
  const log = ['--log', `${site.folder}/logs/source.log`, '--format', 'haproxy'];
  return {
    name: 'source',
    port: 8006,
    files: {},
    command: [process.execPath, ...flags, script, '--tcp', ...server, ...log],
  };
}

function haproxy(site: StreamSite, splice: boolean): StreamContender {
  const name = splice ? 'haproxy-splice' : 'haproxy';
  const port = splice ? 8003 : 8002;
  const config = `global
  nbthread 1
  maxconn 4096
  log ring@requests format rfc3164 local2
ring requests
  format rfc3164
  maxlen 1200
  size 1048576
defaults
  mode tcp
  log global
  option tcplog
  option dontlognull
  maxconn 4000
  timeout queue 1m
  timeout connect 10s
  timeout client 1m
  timeout server 1m
  timeout tunnel 1h
${splice ? '  option splice-request\n  option splice-response\n' : ''}frontend main
  bind ${site.address}:${port}
  default_backend app
backend app
  server web1 ${site.address}:${site.originPort}
`;
  return {
    name,
    port,
    files: { [`${name}.cfg`]: config },
    command: ['haproxy', '-db', '-f', `${site.folder}/${name}.cfg`],
  };
}

function nginx(site: StreamSite): StreamContender {
  const config = `worker_processes 1;
daemon off;
pid ${site.folder}/nginx-stream.pid;
error_log ${site.folder}/nginx-stream.err;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 8192; }
stream {
  log_format basic '$remote_addr [$time_local] $bytes_sent $bytes_received $session_time';
  access_log ${site.folder}/logs/nginx.log basic buffer=64k flush=1s;
  server { listen ${site.address}:8004; proxy_pass ${site.address}:${site.originPort}; }
}
`;
  const error = `${site.folder}/nginx-stream.err`;
  const command = ['nginx', '-p', site.folder, '-e', error, '-c', `${site.folder}/nginx-stream.conf`];
  return { name: 'nginx', port: 8004, files: { 'nginx-stream.conf': config }, command };
}
