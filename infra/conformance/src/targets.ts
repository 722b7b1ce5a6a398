// The proxies that are compared, with equal configurations: Tospann (ring or node transport) and Debian's HAProxy and
// nginx. Each has lanes: a listening port of its own that leads to a server of its own. Loopback only.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, environmentOf, LabProcess, productCommand, run, until } from '@tospann/lab';

export type TargetName = 'ring' | 'node' | 'haproxy' | 'nginx';

export const TARGET_TITLES: Readonly<Record<TargetName, string>> = {
  ring: 'Tospann, ring',
  node: 'Tospann, node',
  haproxy: 'HAProxy',
  nginx: 'nginx',
};

/** Whole milliseconds; what a peer has no setting for is left out there. */
export interface TargetTimeouts {
  readonly httpRequestMs: number;
  readonly clientMs: number;
  readonly serverMs: number;
  readonly connectMs: number;
  readonly keepAliveMs: number;
}

export interface TargetOptions {
  /** Ports of the servers on 127.0.0.1, one for each lane. */
  readonly origins: readonly number[];
  readonly timeouts: TargetTimeouts;
  /** The lane whose server takes one request at a time (nginx has no queue: it refuses the others). */
  readonly oneAtATime?: number;
}

/** Connections that a frontend takes: more than any row makes. */
const MOST_CONNECTIONS = 12_000;
/** First listening port of a target's lanes; below the range from which the kernel takes ports of clients. */
const FIRST_PORT = 28_001;
let started = 0;

/** A running proxy; ends with its scope. */
export class Target implements AsyncDisposable {
  readonly name: TargetName;
  /** A loopback address of its own, so that targets and runs side by side do not meet. */
  readonly address: string;
  readonly folder: string;
  readonly #process: LabProcess;
  readonly #lanes: number;

  private constructor(name: TargetName, address: string, options: TargetOptions) {
    this.name = name;
    this.address = address;
    this.#lanes = options.origins.length;
    this.folder = mkdtempSync(join(tmpdir(), `tospann-${name}-`));
    const command = prepare[name](this, options);
    this.#process = new LabProcess(name, ['setpriv', '--pdeathsig', 'KILL', '--', ...command], { keepLines: 200 });
  }

  /** Starts a proxy and waits until it accepts on its last lane. */
  static async start(name: TargetName, options: TargetOptions): Promise<Target> {
    started += 1;
    const address = `127.${100 + (started % 100)}.${(process.pid >> 8) & 255}.${1 + (process.pid % 250)}`;
    const target = new Target(name, address, options);
    const accepts = async (): Promise<boolean> => {
      if (!target.#process.running) throw new Error(`Cannot start ${name}:\n${target.#process.tail()}`);
      return await canConnect(target.port(options.origins.length - 1), address);
    };
    await until(`${name} accepts`, accepts, { timeoutMs: 30_000, everyMs: 50 });
    return target;
  }

  /** Listening port of a lane. */
  port(lane: number): number {
    return FIRST_PORT + lane;
  }

  get lanes(): number {
    return this.#lanes;
  }

  /** It and its children: those that serve are among them. */
  get pids(): number[] {
    return descendantsOf(this.#process.pid);
  }

  /** Only those that handle traffic: Tospann's supervisor and console are not what clients can make grow. */
  get servingPids(): number[] {
    const { pids } = this;
    const proxies = pids.filter((pid) => environmentOf(pid, 'TOSPANN_ROLE') === 'proxy');
    return proxies.length > 0 ? proxies : pids;
  }

  /** The last lines that it printed, for messages. */
  get tail(): string {
    return this.#process.tail();
  }

  get running(): boolean {
    return this.#process.running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Killed, not asked to end: what its clients still hold open must not keep the run waiting.
    const { pids } = this;
    await this.#process.stop({ signal: 'SIGKILL' });
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went with its parent.
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Name and version of a peer, as it says itself. */
export function peerVersion(name: 'haproxy' | 'nginx'): string {
  if (name === 'haproxy') return `HAProxy ${/version (\S+?)-/.exec(run('haproxy', ['-v']))?.[1] ?? ''}`;
  // nginx prints its version to standard error.
  return `nginx ${/nginx\/(\S+)/.exec(run('sh', ['-c', 'nginx -v 2>&1']))?.[1] ?? ''}`;
}

/** Whether somebody listens there. */
export function canConnect(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const done = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** Writes the files of a target and gives its command. */
const prepare: Readonly<Record<TargetName, (target: Target, options: TargetOptions) => string[]>> = {
  ring: (target, options) => prepareTospann(target, options, 'ring'),
  node: (target, options) => prepareTospann(target, options, 'node'),
  haproxy: (target, options) => {
    writeFileSync(join(target.folder, 'haproxy.cfg'), haproxyConfig(target, options));
    return ['haproxy', '-db', '-f', join(target.folder, 'haproxy.cfg')];
  },
  nginx: (target, options) => {
    writeFileSync(join(target.folder, 'nginx.conf'), nginxConfig(target, options));
    const errors = join(target.folder, 'nginx.err');
    return ['nginx', '-p', target.folder, '-e', errors, '-c', join(target.folder, 'nginx.conf')];
  },
};

function prepareTospann(target: Target, options: TargetOptions, engine: 'ring' | 'node'): string[] {
  const { folder } = target;
  writeFileSync(join(folder, 'tospann.yaml'), tospannConfig(target, options, engine));
  for (const name of ['run', 'state']) mkdirSync(join(folder, name));
  const folders = ['--run-dir', join(folder, 'run'), '--state-dir', join(folder, 'state')];
  return [...productCommand(), 'run', '-c', join(folder, 'tospann.yaml'), '--node', 'one', ...folders];
}

function tospannConfig(target: Target, { origins, timeouts, oneAtATime }: TargetOptions, engine: string): string {
  const { address } = target;
  const frontends = origins.map(
    (_, i) =>
      `  lane${i}: { bind: ["${address}:${target.port(i)}"], maxConnections: ${MOST_CONNECTIONS}, defaultBackend: lane${i} }`,
  );
  const backends = origins.map((port, i) => {
    const limit = i === oneAtATime ? ', maxConnections: 1' : '';
    return `  lane${i}: { servers: { origin: { address: "127.0.0.1:${port}"${limit} } } }`;
  });
  const { httpRequestMs, clientMs, serverMs, connectMs, keepAliveMs } = timeouts;
  return `version: 1
cluster: { name: conformance, nodes: { one: { address: 127.0.0.1, interface: lo } } }
frontends:
${frontends.join('\n')}
backends:
${backends.join('\n')}
timeouts: { httpRequest: ${httpRequestMs}ms, queue: ${Math.max(clientMs, 60_000)}ms, client: ${clientMs}ms, server: ${serverMs}ms, connect: ${connectMs}ms, httpKeepAlive: ${keepAliveMs}ms }
http: { forwardedFor: {}, retries: 3 }
log: { access: { enabled: false } }
proxy: { engine: ${engine}, threads: 1, user: nobody }
`;
}

function haproxyConfig(target: Target, { origins, timeouts, oneAtATime }: TargetOptions): string {
  const lanes = origins.map(
    (port, i) => `frontend lane${i}
  bind ${target.address}:${target.port(i)}
  default_backend lane${i}
backend lane${i}
  server origin 127.0.0.1:${port}${i === oneAtATime ? ' maxconn 1' : ''}
`,
  );
  return `global
  nbthread 1
${oneAtATime === undefined ? '  maxconn 4000\n' : ''}defaults
  mode http
  option forwardfor
  retries 3
  maxconn ${oneAtATime === undefined ? 4000 : MOST_CONNECTIONS}
  timeout queue ${Math.max(timeouts.clientMs, 60_000)}ms
  timeout http-request ${timeouts.httpRequestMs}ms
  timeout client ${timeouts.clientMs}ms
  timeout server ${timeouts.serverMs}ms
  timeout connect ${timeouts.connectMs}ms
  timeout http-keep-alive ${timeouts.keepAliveMs}ms
${lanes.join('')}`;
}

function nginxConfig(target: Target, { origins, timeouts, oneAtATime }: TargetOptions): string {
  const upstreams = origins.map((port, i) => {
    const limit = i === oneAtATime ? ' max_conns=1' : '';
    return `  upstream lane${i} { server 127.0.0.1:${port}${limit}; keepalive 64; }`;
  });
  const servers = origins.map(
    (_, i) => `  server {
    listen ${target.address}:${target.port(i)} backlog=4096;
    location / { proxy_pass http://lane${i}; }
  }`,
  );
  return `worker_processes 1;
daemon off;
master_process off;
pid ${target.folder}/nginx.pid;
error_log ${target.folder}/nginx.err;
events { worker_connections 20000; }
http {
  access_log off;
  client_body_temp_path ${target.folder}/body;
  proxy_temp_path ${target.folder}/proxy;
  fastcgi_temp_path ${target.folder}/fastcgi;
  uwsgi_temp_path ${target.folder}/uwsgi;
  scgi_temp_path ${target.folder}/scgi;
  keepalive_requests 1000000;
  client_header_timeout ${timeouts.httpRequestMs}ms;
  client_body_timeout ${timeouts.clientMs}ms;
  send_timeout ${timeouts.clientMs}ms;
  keepalive_timeout ${timeouts.keepAliveMs}ms;
  proxy_connect_timeout ${timeouts.connectMs}ms;
  proxy_send_timeout ${timeouts.serverMs}ms;
  proxy_read_timeout ${timeouts.serverMs}ms;
  proxy_request_buffering off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
${upstreams.join('\n')}
${servers.join('\n')}
}
`;
}
