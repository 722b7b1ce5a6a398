// The proxies that are measured, each with the same features: session cookie (insert, indirect, nocache),
// X-Forwarded-For with its exception, a path rule, two servers with checks, an access log, keep-alive on both sides,
// the same number of
// worker threads. Pure: configuration text and command lines; bench.ts starts them.

/** Where things are in the benchmark's namespace. */
export interface Site {
  /** Address of the interface that everything listens on; not a loopback address, so forwardfor's exception is tested and not taken. */
  readonly address: string;
  /** Ports of the two servers. */
  readonly origins: readonly [number, number];
  readonly folder: string;
  /** Answers are text, and compressed with gzip at level 1 for clients that take it. */
  readonly compress: boolean;
}

/** One proxy under measurement. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  /** Files to write before the start: name in the site's folder, text. */
  readonly files: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** File that gets a line a request, when there is one. */
  readonly accessLog?: string;
}

const STATIC_PREFIXES = ['/static', '/images', '/javascript', '/stylesheets'];
const STATIC_SUFFIXES = ['.jpg', '.gif', '.png', '.css', '.js'];

/** How HAProxy logs: `ring` keeps lines in memory (no system call), `stdout` writes each to a file. */
export type HaproxyLog = 'ring' | 'stdout';

/** Debian's HAProxy. */
export function haproxy(site: Site, options: { readonly log: HaproxyLog; readonly threads: number }): Contender {
  const { log, threads } = options;
  const config = `global
  nbthread ${threads}
  maxconn 8192
  log ${log === 'ring' ? 'ring@requests' : 'stdout'} format ${log === 'ring' ? 'rfc3164' : 'raw'} local2
${log === 'ring' ? 'ring requests\n  format rfc3164\n  maxlen 1200\n  size 1048576\n' : ''}defaults
  mode http
  log global
  option httplog
  option dontlognull
  option forwardfor except 127.0.0.0/8
  option redispatch
  retries 3
  maxconn 8000
  timeout http-request 10s
  timeout queue 1m
  timeout connect 10s
  timeout client 1m
  timeout server 1m
  timeout http-keep-alive 10s
  timeout check 10s
frontend main
  bind ${site.address}:8002
${site.compress ? '  compression algo gzip\n  compression type text/plain\n' : ''}  acl url_static path_beg -i ${STATIC_PREFIXES.join(' ')}
  acl url_static path_end -i ${STATIC_SUFFIXES.join(' ')}
  use_backend static if url_static
  default_backend app
backend app
  balance roundrobin
  cookie SERVERID insert indirect nocache
  server web1 ${site.address}:${site.origins[0]} check cookie s1
  server web2 ${site.address}:${site.origins[1]} check cookie s2
backend static
  server web1 ${site.address}:${site.origins[0]} check
`;
  return {
    name: 'haproxy',
    port: 8002,
    files: { 'haproxy.cfg': config },
    command: ['haproxy', '-db', '-f', `${site.folder}/haproxy.cfg`],
    ...(log === 'stdout' ? { accessLog: `${site.folder}/haproxy.log` } : {}),
  };
}

/** The product: the command that runs it is given, the rest follows the contract. */
export function tospann(
  site: Site,
  options: { readonly product: readonly string[]; readonly engine: 'ring' | 'node'; readonly threads: number },
): Contender {
  const { product, engine, threads } = options;
  const config = `version: 1
cluster:
  name: bench
  nodes:
    bench: { address: ${site.address}, interface: lo }
frontends:
  main:
    bind: ["${site.address}:8001"]
    mode: http
    maxConnections: 8000
    acls:
      url_static: { pathPrefix: [${STATIC_PREFIXES.join(', ')}], pathSuffix: [${STATIC_SUFFIXES.join(', ')}], ignoreCase: true }
    rules:
      - { if: url_static, use: static }
    defaultBackend: app
${site.compress ? '    compression: { algorithms: [gzip], types: [text/plain], level: 1 }\n' : ''}backends:
  app:
    balance: roundrobin
    cookie: { name: SERVERID, insert: true, indirect: true, nocache: true }
    check: { type: tcp, interval: 2s, rise: 2, fall: 3, timeout: 10s }
    servers:
      web1: { address: ${site.address}:${site.origins[0]}, cookie: s1 }
      web2: { address: ${site.address}:${site.origins[1]}, cookie: s2 }
  static:
    check: { type: tcp, interval: 2s, rise: 2, fall: 3, timeout: 10s }
    servers:
      web1: { address: ${site.address}:${site.origins[0]} }
timeouts: { httpRequest: 10s, queue: 1m, connect: 10s, client: 1m, server: 1m, httpKeepAlive: 10s, check: 10s }
http: { forwardedFor: { exceptFrom: [127.0.0.0/8] }, retries: 3, redispatch: true }
log: { access: { format: haproxy, ignoreEmpty: true, file: ${site.folder}/logs/tospann.log } }
proxy: { engine: ${engine}, threads: ${threads} }
`;
  const folders = ['--run-dir', `${site.folder}/run`, '--state-dir', `${site.folder}/state`];
  return {
    name: engine === 'ring' ? 'tospann' : 'tospann-node',
    port: 8001,
    files: { 'tospann.yaml': config },
    command: [...product, 'run', '-c', `${site.folder}/tospann.yaml`, '--node', 'bench', ...folders],
    accessLog: `${site.folder}/logs/tospann.log`,
  };
}

/** Debian's nginx as a proxy; its session cookie is made of maps, as it has none of its own. */
export function nginx(site: Site, threads: number): Contender {
  const config = `worker_processes ${threads};
daemon off;
pid ${site.folder}/nginx-proxy.pid;
error_log ${site.folder}/nginx-proxy.err;
events { worker_connections 8192; }
http {
  access_log ${site.folder}/logs/nginx.log combined buffer=64k flush=1s;
  keepalive_requests 1000000000;
${site.compress ? '  gzip on;\n  gzip_types text/plain;\n  gzip_comp_level 1;\n  gzip_proxied any;\n  gzip_vary on;\n' : ''}  upstream app { server ${site.address}:${site.origins[0]}; server ${site.address}:${site.origins[1]}; keepalive 256; keepalive_requests 1000000000; }
  upstream one { server ${site.address}:${site.origins[0]}; keepalive 256; keepalive_requests 1000000000; }
  upstream two { server ${site.address}:${site.origins[1]}; keepalive 256; keepalive_requests 1000000000; }
  map $cookie_SERVERID $pool { default app; s1 one; s2 two; }
  map $cookie_SERVERID:$upstream_addr $session { default ""; ":${site.address}:${site.origins[0]}" "SERVERID=s1; path=/"; ":${site.address}:${site.origins[1]}" "SERVERID=s2; path=/"; }
  map $session $caching { default "private"; "" ""; }
  server {
    listen ${site.address}:8003 backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    location / { add_header Set-Cookie $session; add_header Cache-Control $caching; proxy_pass http://$pool; }
    location ~* (^(${STATIC_PREFIXES.join('|')})|\\.(jpg|gif|png|css|js)$) { proxy_pass http://one; }
  }
}
`;
  return {
    name: 'nginx',
    port: 8003,
    files: { 'nginx-proxy.conf': config },
    command: [
      'nginx',
      '-p',
      site.folder,
      '-e',
      `${site.folder}/nginx-proxy.err`,
      '-c',
      `${site.folder}/nginx-proxy.conf`,
    ],
    accessLog: `${site.folder}/logs/nginx.log`,
  };
}

/** The npm package http-proxy on this Node, as people use it. */
export function httpProxy(site: Site, script: string): Contender {
  const servers = site.origins.map((port) => `${site.address}:${port}`).join(',');
  const command = [process.execPath, '--disable-warning=DEP0060', '--disable-warning=ExperimentalWarning', script];
  return {
    name: 'http-proxy',
    port: 8004,
    files: {},
    command: [...command, `${site.address}:8004`, servers, `${site.folder}/logs/http-proxy.log`],
    accessLog: `${site.folder}/logs/http-proxy.log`,
  };
}

/** The web server behind all of them: nginx with an answer of `bodyBytes` and /seen, which tells what it got. */
export function originConfig(site: Site, bodyBytes: number): string {
  const listen = site.origins.map((port) => `    listen ${site.address}:${port} backlog=4096;`).join('\n');
  return `worker_processes 1;
daemon off;
pid ${site.folder}/origin.pid;
error_log ${site.folder}/origin.err;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  default_type text/plain;
  server {
${listen}
    root ${site.folder}/www;
    location = /seen { return 200 "$server_port $http_x_forwarded_for|$http_cookie"; }
    location / { ${bodyBytes <= 2048 ? `return 200 "${'x'.repeat(bodyBytes)}";` : 'try_files /body =404;'} }
  }
}
`;
}
