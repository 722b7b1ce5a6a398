// The plan: a configuration worked out for the hot path: numbers instead of names, bytes instead of text, one object
// of fixed shape for each frontend, backend and server. Read-only but for the balancing table, which follows the
// servers' state words.
import type { BackendConfig, FrontendConfig, PairConfig, RuleConfig, ServerConfig } from '@tospann/config';
import { CookieFinder, pathPattern, type PathPattern } from '@tospann/http';
import { logWay, type LogWay } from './access-log.ts';
import { roundRobinTurns } from './balance.ts';
import { latin1 } from './bytes.ts';
import {
  frontendCounter,
  ServerAdmin,
  serverCounter,
  serverWord,
  ServerWord,
  sharedLayout,
  type SharedLayout,
} from './shared.ts';
import type { Endpoint } from './transport.ts';

const EMPTY = new Uint8Array(0);

export class ServerPlan {
  /** Number over all backends: index of its words and counters. */
  readonly index: number;
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Value of the session cookie that means this server; empty: none. */
  readonly cookie: Uint8Array;
  /** The line that sets the cookie, with CRLF; empty: none. */
  readonly setCookie: Uint8Array;
  /** 0: no limit. */
  readonly maxConnections: number;
  readonly word: number;
  readonly counter: number;

  constructor(index: number, server: ServerConfig, options: { backend: BackendConfig; layout: SharedLayout }) {
    const cookie = options.backend.cookie;
    this.index = index;
    this.name = server.name;
    this.endpoint = { address: server.address, port: server.port };
    this.cookie = cookie !== undefined && server.cookie !== undefined ? latin1(server.cookie) : EMPTY;
    this.setCookie =
      cookie?.insert === true && this.cookie.length > 0
        ? latin1(`Set-Cookie: ${cookie.name}=${server.cookie}; path=/\r\n`)
        : EMPTY;
    this.maxConnections = server.maxConnections ?? 0;
    this.word = serverWord(index);
    this.counter = serverCounter(options.layout, index);
  }
}

export class BackendPlan {
  readonly index: number;
  readonly name: string;
  readonly servers: readonly ServerPlan[];
  /** Null: no session cookie. */
  readonly cookie: CookieFinder | null;
  /** The cookie is taken out of requests to the server. */
  readonly cookieIndirect: boolean;
  /** An answer that a shared cache could keep gets `Cache-control: private` with the cookie. */
  readonly cookieNoCache: boolean;
  /** Host line for HTTP/1.0 requests that have none: its first server's address. */
  readonly hostField: Uint8Array;
  /** Order of turns among the usable servers (positions in `servers`); empty when none is usable. */
  turns: Uint16Array = new Uint16Array(0);

  constructor(index: number, backend: BackendConfig, options: { firstServer: number; layout: SharedLayout }) {
    this.index = index;
    this.name = backend.name;
    this.servers = backend.servers.map(
      (server, i) => new ServerPlan(options.firstServer + i, server, { backend, layout: options.layout }),
    );
    this.cookie = backend.cookie === undefined ? null : new CookieFinder(latin1(backend.cookie.name));
    this.cookieIndirect = backend.cookie?.indirect ?? false;
    this.cookieNoCache = backend.cookie?.nocache ?? false;
    const first = this.servers[0]!.endpoint;
    const host = first.address.includes(':') ? `[${first.address}]` : first.address;
    this.hostField = latin1(`Host: ${host}:${first.port}\r\n`);
  }

  /** Works the turns out again from the servers' state words. */
  follow(words: Int32Array): void {
    const weights = this.servers.map((server) =>
      words[server.word + ServerWord.usable] === 1 && words[server.word + ServerWord.admin] === ServerAdmin.READY
        ? words[server.word + ServerWord.weight]!
        : 0,
    );
    this.turns = roundRobinTurns(weights);
  }
}

/** One condition on the path. */
export interface PathAcl {
  readonly exact: readonly PathPattern[];
  readonly prefix: readonly PathPattern[];
  readonly suffix: readonly PathPattern[];
}

export class FrontendPlan {
  readonly index: number;
  readonly name: string;
  readonly maxConnections: number;
  readonly acls: readonly PathAcl[];
  /** Backend of each rule; rule i asks acls[i]. */
  readonly uses: readonly BackendPlan[];
  readonly defaultBackend: BackendPlan;
  readonly counter: number;
  /** Its connection count in the shared words. */
  readonly word: number;
  /** For log lines: to no backend, to each backend without a server, to each server. */
  readonly #noBackend: LogWay;
  readonly #noServer: readonly LogWay[];
  readonly #servers: readonly LogWay[];

  constructor(
    index: number,
    frontend: FrontendConfig,
    options: { backends: BackendPlan[]; names: string[]; word: number },
  ) {
    this.index = index;
    this.name = frontend.name;
    this.maxConnections = frontend.maxConnections;
    this.acls = frontend.rules.map((rule) => pathAcl(frontend, aclOf(rule)));
    this.uses = frontend.rules.map((rule) => backendNamed(options, backendOf(rule)));
    this.defaultBackend = backendNamed(options, frontend.defaultBackend);
    this.counter = frontendCounter(index);
    this.word = options.word;
    this.#noBackend = logWay(this.name, '', '');
    this.#noServer = options.backends.map((backend) => logWay(this.name, backend.name, ''));
    this.#servers = options.backends.flatMap((backend) =>
      backend.servers.map((server) => logWay(this.name, backend.name, server.name)),
    );
  }

  /** The part of a log line that says which way a request took. */
  way(backend: BackendPlan | null, server: ServerPlan | null): LogWay {
    if (backend === null) return this.#noBackend;
    return server === null ? this.#noServer[backend.index]! : this.#servers[server.index]!;
  }
}

/** Everything that an engine needs to know of a configuration. */
export interface Plan {
  readonly layout: SharedLayout;
  readonly frontends: readonly FrontendPlan[];
  readonly backends: readonly BackendPlan[];
  /** All servers by their number. */
  readonly servers: readonly ServerPlan[];
  /** Backend of each server. */
  readonly serverBackends: readonly BackendPlan[];
}

/** Works out the plan of a valid configuration. */
export function makePlan(config: Pick<PairConfig, 'frontends' | 'backends'>): Plan {
  const layout = sharedLayout(config);
  const backends: BackendPlan[] = [];
  let firstServer = 0;
  for (const backend of config.backends) {
    backends.push(new BackendPlan(backends.length, backend, { firstServer, layout }));
    firstServer += backend.servers.length;
  }
  const names = config.backends.map((backend) => backend.name);
  const frontends = config.frontends.map(
    (frontend, i) => new FrontendPlan(i, frontend, { backends, names, word: layout.frontendWords + i }),
  );
  return {
    layout,
    frontends,
    backends,
    servers: backends.flatMap((backend) => backend.servers),
    serverBackends: backends.flatMap((backend) => backend.servers.map(() => backend)),
  };
}

/** Writes the servers' first state and weights into new shared words. */
export function initialWords(config: Pick<PairConfig, 'backends'>, words: Int32Array): void {
  let server = 0;
  for (const backend of config.backends) {
    for (const { weight, maxConnections } of backend.servers) {
      words[serverWord(server) + ServerWord.usable] = 1;
      words[serverWord(server) + ServerWord.weight] = weight;
      words[serverWord(server) + ServerWord.limit] = maxConnections ?? 0;
      server++;
    }
  }
}

function aclOf(rule: RuleConfig): string {
  if (rule.if === undefined || !('acl' in rule.if)) throw new RangeError('a rule without one ACL');
  return rule.if.acl;
}

function backendOf(rule: RuleConfig): string {
  if (rule.action.type !== 'use') throw new RangeError(`no action ${rule.action.type}`);
  return rule.action.backend;
}

function pathAcl(frontend: FrontendConfig, name: string): PathAcl {
  const acl = frontend.acls.find((candidate) => candidate.name === name);
  if (acl === undefined) throw new RangeError(`frontend ${frontend.name} has no acl ${name}`);
  const patterns = (list: readonly string[]): PathPattern[] => list.map((entry) => pathPattern(entry, acl.ignoreCase));
  return {
    exact: patterns(acl.pathExact),
    prefix: patterns(acl.pathPrefix),
    suffix: patterns(acl.pathSuffix),
  };
}

function backendNamed(options: { backends: BackendPlan[]; names: string[] }, name: string): BackendPlan {
  const backend = options.backends[options.names.indexOf(name)];
  if (backend === undefined) throw new RangeError(`no backend ${name}`);
  return backend;
}
