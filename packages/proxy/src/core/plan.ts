// The plan: a configuration worked out for the hot path: numbers instead of names, bytes instead of text, one object
// of fixed shape for each frontend, backend and server. Read-only but for the balancing table, which follows the
// servers' state words.
import type { BackendConfig, FrontendConfig, PairConfig, RuleConfig, ServerConfig } from '@tospann/config';
import { pathPattern, type PathPattern, type SimilarNames } from '@tospann/http';
import { logWay, type LogWay } from './access-log.ts';
import { Balance } from './balance/balance.ts';
import { hashText } from './balance/hash.ts';
import { latin1 } from './bytes.ts';
import { LimitsPlan } from './limits/limits-plan.ts';
import { CompressionPlan } from './compress/compression-plan.ts';
import { NO_ADDRESS } from './health/endpoint.ts';
import { observedOf } from './health/faults.ts';
import {
  backendWord,
  frontendCounter,
  frontendWord,
  layoutFor,
  serverCounter,
  serverWord,
  ServerWord,
  type SharedLayout,
} from './shared.ts';
import { type IdentityPlan, identityPlan } from './rules/identity.ts';
import { ownedNames } from './rules/owned-names.ts';
import { filePage, type LocalAnswer } from './rules/local-answer.ts';
import { isPathOnly, type MapSource, RulesPlan } from './rules/rules-plan.ts';
import { capacityFor, firstSlots, type Capacity, type SlotMap } from './slots.ts';
import { SessionCookie } from './persistence/session-cookie.ts';
import type { Endpoint } from './transport.ts';

const EMPTY = new Uint8Array(0);

/** Rules of a backend send nothing elsewhere. */
const NOWHERE = { backends: new Map(), maps: new Map() };

export class ServerPlan {
  /** Its slot: index of its words and counters, and of what the engine keeps for it; the same over reloads. */
  readonly index: number;
  readonly name: string;
  readonly backend: BackendPlan;
  /** A newer plan has taken the place of this one; so for backends and frontends. */
  retired = false;
  /** Another one when a name has been resolved anew (health/endpoint.ts). */
  endpoint: Endpoint;
  readonly isNamed: boolean;
  /** `ServerWord.addressTurn` of the endpoint. */
  addressTurn = 0;
  /** What counts as a fault for passive health, `Observed`, and how many in a row are too many. */
  readonly observed: number;
  readonly errorLimit: number;
  /** Value of the session cookie that means this server; empty: none. */
  readonly cookie: Uint8Array;
  /** The line that sets the cookie, with CRLF; empty: none. */
  readonly setCookie: Uint8Array;
  /** Version of the PROXY protocol header that begins its connections; null: none. */
  readonly sendProxy: 'v1' | 'v2' | null;
  /** Its place among the backend's servers. */
  readonly place: number;
  /** For hash balancing: of the name, so that a new address or another place moves no key. */
  readonly identity: number;
  readonly backup: boolean;
  /** Most requests under way now, over all workers; 0: no limit. Follows the shared words. */
  limit = 0;
  /** Its requests under way are counted over all workers. Follows the shared words. */
  counted = false;
  readonly word: number;
  readonly counter: number;

  // oxlint-disable-next-line max-params -- what a server is, and where
  constructor(
    index: number,
    server: ServerConfig,
    backend: BackendPlan,
    options: { backend: BackendConfig; layout: SharedLayout },
  ) {
    const cookie = options.backend.cookie;
    this.index = index;
    this.name = server.name;
    this.backend = backend;
    this.isNamed = server.isName === true;
    this.endpoint = { address: this.isNamed ? NO_ADDRESS : server.address, port: server.port };
    this.observed = observedOf(options.backend.observe);
    this.errorLimit = options.backend.observe?.errorLimit ?? 0;
    this.cookie = cookie !== undefined && server.cookie !== undefined ? latin1(server.cookie) : EMPTY;
    this.setCookie = backend.cookie === null ? EMPTY : backend.cookie.lineFor(this.cookie);
    this.sendProxy = server.sendProxy ?? null;
    this.place = options.backend.servers.indexOf(server);
    this.identity = hashText(server.name);
    this.backup = server.backup ?? false;
    this.word = serverWord(index);
    this.counter = serverCounter(options.layout, index);
  }
}

export class BackendPlan {
  /** Its slot; the same over reloads. */
  readonly index: number;
  readonly name: string;
  /** Its first word in the shared words. */
  readonly word: number;
  retired = false;
  readonly servers: readonly ServerPlan[];
  /** Null: no session cookie. */
  readonly cookie: SessionCookie | null;
  /** Host line for HTTP/1.0 requests that have none: its first server's address. */
  readonly hostField: Uint8Array;
  readonly balance: Balance;
  /** A client that has sent FIN is taken as gone until its answer begins. */
  readonly abortOnClose: boolean;
  /** Null: none of its own. */
  readonly rules: RulesPlan | null;

  constructor(
    index: number,
    backend: BackendConfig,
    options: { servers: readonly number[]; layout: SharedLayout; normalizes: boolean },
  ) {
    const { layout } = options;
    this.index = index;
    this.name = backend.name;
    this.word = backendWord(layout, index);
    this.cookie = backend.cookie === undefined ? null : new SessionCookie(backend.cookie);
    this.servers = backend.servers.map(
      (server, i) => new ServerPlan(options.servers[i]!, server, this, { backend, layout }),
    );
    this.balance = new Balance(backend);
    this.abortOnClose = backend.abortOnClose ?? false;
    const { acls = [], rules = [] } = backend;
    this.rules =
      rules.length === 0
        ? null
        : new RulesPlan({ name: backend.name, acls, rules }, { ...NOWHERE, normalizes: options.normalizes });
    const first = backend.servers[0]!;
    const host = first.address.includes(':') ? `[${first.address}]` : first.address;
    this.hostField = latin1(`Host: ${host}:${first.port}\r\n`);
  }
}

/** One condition on the path. */
export interface PathAcl {
  readonly exact: readonly PathPattern[];
  readonly prefix: readonly PathPattern[];
  readonly suffix: readonly PathPattern[];
}

export class FrontendPlan {
  /** Its slot; the same over reloads. */
  readonly index: number;
  readonly name: string;
  /** Bytes are passed on as they come: no HTTP. */
  readonly tcp: boolean;
  retired = false;
  readonly maxConnections: number;
  readonly nameBytes: Uint8Array;
  /** Null: rules that only choose a backend by path; then `acls` and `uses` are they. */
  readonly rules: RulesPlan | null;
  /** Bodies of the proxy's own answers, where the configuration names files. */
  readonly errorPages: ReadonlyMap<number, LocalAnswer>;
  /** Null: requests are told nothing of their client but X-Forwarded-For. */
  readonly identity: IdentityPlan | null;
  readonly acls: readonly PathAcl[];
  /** Names of fields of which no other spelling is passed on; null: all are. */
  readonly similar: SimilarNames | null;
  /** Conditions look at paths in normal form. */
  readonly normalizes: boolean;
  /** Backend of each rule; rule i asks acls[i]. */
  readonly uses: readonly BackendPlan[];
  /** Null: the last rule answers whatever comes to it. */
  readonly defaultBackend: BackendPlan | null;
  /** Null: the defaults of the engine. */
  readonly limits: LimitsPlan | null;
  /** Null: nothing is compressed. */
  readonly compression: CompressionPlan | null;
  readonly counter: number;
  /** Its first word in the shared words. */
  readonly word: number;
  /** For log lines: to no backend, to each backend without a server, to each server; by slot. */
  readonly #noBackend: LogWay;
  readonly #noServer: LogWay[] = [];
  readonly #servers: LogWay[] = [];
  /** What the ways above are of: a request that began before a reload may have gone to others. */
  readonly #backends: readonly BackendPlan[];

  constructor(
    index: number,
    frontend: FrontendConfig,
    options: {
      readonly backends: BackendPlan[];
      readonly names: string[];
      readonly layout: SharedLayout;
      readonly assets: PlanAssets;
      readonly identity: IdentityPlan | null;
      readonly normalizes: boolean;
      readonly similar: SimilarNames | null;
    },
  ) {
    this.index = index;
    this.name = frontend.name;
    this.tcp = frontend.mode === 'tcp';
    this.maxConnections = frontend.maxConnections;
    this.nameBytes = latin1(frontend.name);
    const simple = !this.tcp && isPathOnly(frontend) ? frontend.rules : [];
    this.normalizes = options.normalizes;
    this.similar = options.similar;
    this.acls = simple.map((rule) => pathAcl(frontend, aclOf(rule), options.normalizes));
    this.uses = simple.map((rule) => backendNamed(options, backendOf(rule)));
    const backendsByName = new Map(options.backends.map((backend) => [backend.name, backend]));
    this.rules =
      simple.length === frontend.rules.length
        ? null
        : new RulesPlan(frontend, {
            backends: backendsByName,
            maps: options.assets.maps,
            normalizes: options.normalizes,
          });
    this.errorPages = errorPagesOf(frontend, options.assets.files);
    this.identity = options.identity;
    this.limits = frontend.limits === undefined ? null : new LimitsPlan(frontend.limits);
    this.compression = frontend.compression === undefined ? null : new CompressionPlan(frontend.compression);
    this.defaultBackend = frontend.defaultBackend === undefined ? null : backendNamed(options, frontend.defaultBackend);
    this.counter = frontendCounter(index);
    this.word = frontendWord(options.layout, index);
    this.#noBackend = logWay(this.name, '', '');
    const backends: BackendPlan[] = [];
    for (const backend of options.backends) {
      backends[backend.index] = backend;
      this.#noServer[backend.index] = logWay(this.name, backend.name, '');
      for (const server of backend.servers) this.#servers[server.index] = logWay(this.name, backend.name, server.name);
    }
    this.#backends = backends;
  }

  /** The part of a log line that says which way a request took. */
  way(backend: BackendPlan | null, server: ServerPlan | null): LogWay {
    if (backend === null) return this.#noBackend;
    const known = this.#backends[backend.index] === (server === null ? backend : server.backend);
    if (!known) return logWay(this.name, backend.name, server?.name ?? '');
    return server === null ? this.#noServer[backend.index]! : this.#servers[server.index]!;
  }
}

/** Everything that an engine needs to know of a configuration. */
export interface Plan {
  readonly layout: SharedLayout;
  readonly frontends: readonly FrontendPlan[];
  readonly backends: readonly BackendPlan[];
  readonly servers: readonly ServerPlan[];
  /** The same by slot; null where a slot is not of this plan. */
  readonly frontendAt: readonly (FrontendPlan | null)[];
  readonly backendAt: readonly (BackendPlan | null)[];
  readonly serverAt: readonly (ServerPlan | null)[];
}

/** Where the plan's objects have their words and counters; the same for all plans of a process but for `slots`. */
export interface PlanPlace {
  readonly capacity: Capacity;
  readonly slots: SlotMap;
}

/** What the configuration names and the main thread has read. */
export interface PlanAssets {
  /** Contents of error page files, by their names in the configuration. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Maps by name. */
  readonly maps: ReadonlyMap<string, MapSource>;
}

const NO_ASSETS: PlanAssets = { files: new Map(), maps: new Map() };

/** Works out the plan of a valid configuration. `place` may be left out for the only plan of a process. */
export function makePlan(
  config: Pick<PairConfig, 'frontends' | 'backends'> & Partial<Pick<PairConfig, 'http'>>,
  place: PlanPlace = { capacity: capacityFor(config), slots: firstSlots(config) },
  assets: PlanAssets = NO_ASSETS,
): Plan {
  const layout = layoutFor(place.capacity);
  const { slots } = place;
  const normalizes = config.http?.normalize ?? true;
  const backends = config.backends.map(
    (backend, i) => new BackendPlan(slots.backends[i]!, backend, { servers: slots.servers[i]!, layout, normalizes }),
  );
  const names = config.backends.map((backend) => backend.name);
  const identity = identityPlan(config.http);
  const similar = ownedNames(config);
  const shared = { backends, names, layout, assets, identity, normalizes, similar };
  const frontends = config.frontends.map((frontend, i) => new FrontendPlan(slots.frontends[i]!, frontend, shared));
  const servers = backends.flatMap((backend) => backend.servers);
  return {
    layout,
    frontends,
    backends,
    servers,
    frontendAt: bySlot(frontends, layout.frontends),
    backendAt: bySlot(backends, layout.backends),
    serverAt: bySlot(servers, layout.servers),
  };
}

function bySlot<T extends { readonly index: number }>(list: readonly T[], slots: number): (T | null)[] {
  const table = Array.from({ length: slots }, (): T | null => null);
  for (const entry of list) table[entry.index] = entry;
  return table;
}

/** Writes the servers' first state and weights into new shared words. */
export function initialWords(
  config: Pick<PairConfig, 'frontends' | 'backends'>,
  words: Int32Array,
  slots: SlotMap = firstSlots(config),
): void {
  config.backends.forEach((backend, b) => {
    backend.servers.forEach(({ weight, maxConnections }, s) => {
      const word = serverWord(slots.servers[b]![s]!);
      words[word + ServerWord.usable] = backend.servers[s]!.isName === true ? 0 : 1;
      words[word + ServerWord.weight] = weight;
      words[word + ServerWord.limit] = maxConnections ?? 0;
    });
  });
}

function aclOf(rule: RuleConfig): string {
  if (rule.if === undefined || !('acl' in rule.if)) throw new RangeError('a rule without one ACL');
  return rule.if.acl;
}

function backendOf(rule: RuleConfig): string {
  if (rule.action.type !== 'use') throw new RangeError(`no action ${rule.action.type}`);
  return rule.action.backend;
}

function pathAcl(frontend: FrontendConfig, name: string, normal: boolean): PathAcl {
  const acl = frontend.acls.find((candidate) => candidate.name === name);
  if (acl === undefined) throw new RangeError(`frontend ${frontend.name} has no acl ${name}`);
  const { ignoreCase } = acl;
  const patterns = (list: readonly string[]): PathPattern[] =>
    list.map((entry) => pathPattern(entry, { ignoreCase, normal }));
  return {
    exact: patterns(acl.pathExact),
    prefix: patterns(acl.pathPrefix),
    suffix: patterns(acl.pathSuffix),
  };
}

/** A file that could not be read has been told of by who reads it; the usual page then stands in for it. */
function errorPagesOf(
  frontend: FrontendConfig,
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<number, LocalAnswer> {
  const pages = new Map<number, LocalAnswer>();
  for (const { status, file } of frontend.errorPages ?? []) {
    const body = files.get(file);
    if (body !== undefined) pages.set(status, filePage(status, file, body));
  }
  return pages;
}

function backendNamed(options: { backends: BackendPlan[]; names: string[] }, name: string): BackendPlan {
  const backend = options.backends[options.names.indexOf(name)];
  if (backend === undefined) throw new RangeError(`no backend ${name}`);
  return backend;
}
