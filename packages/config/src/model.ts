// The model: what a valid configuration means, after defaults, with units in the names (ms, bytes, percent).
// Everything that runs takes these types; only schema.ts knows how the file is written. Plain data: it can be
// sent to a child process as JSON.
import type {
  EventsConfig,
  FailoverConfig,
  GroupConfig,
  NodeConfig,
  TunerConfig,
  VipConfig,
} from './model-failover.ts';

/** An address to listen on; `*` in the file is `0.0.0.0` here. */
export interface BindConfig {
  readonly address: string;
  readonly port: number;
  /** Networks whose connections begin with a PROXY protocol header (v1 or v2); others are plain. Absent: none. */
  readonly acceptProxyFrom?: readonly string[];
}

/** How a value (of a header, cookie or query parameter) is compared; true when any of the lists matches. */
export interface ValueMatchConfig {
  /** That of a header in lower case. */
  readonly name: string;
  /** Of several: only this one, 1 is the first, -1 the last. Absent: any. For headers and their members only. */
  readonly occurrence?: number;
  /** True when it is there at all. */
  readonly present: boolean;
  readonly exact: readonly string[];
  readonly prefix: readonly string[];
  readonly suffix: readonly string[];
  readonly contains: readonly string[];
  /** Patterns of the linear-time engine (no back-references, no look-around). */
  readonly regex: readonly string[];
}

/** A named condition: true when any of its lists matches the request (HAProxy's several `acl` lines of one name). */
export interface AclConfig {
  readonly name: string;
  /** Of the path, without its query (HAProxy's path, path_beg, path_end, path_reg). */
  readonly pathExact: readonly string[];
  readonly pathPrefix: readonly string[];
  readonly pathSuffix: readonly string[];
  readonly pathRegex?: readonly string[];
  /** Lower case, without port; `*.example.com` is any name below example.com. */
  readonly host?: readonly string[];
  readonly method?: readonly string[];
  /** Whole fields (HAProxy's req.fhdr). */
  readonly header?: readonly ValueMatchConfig[];
  /** Members of fields that are lists (HAProxy's req.hdr). */
  readonly headerMember?: readonly ValueMatchConfig[];
  readonly cookie?: readonly ValueMatchConfig[];
  readonly query?: readonly ValueMatchConfig[];
  /** Networks of the client (after trustedProxies and the PROXY protocol). */
  readonly source?: readonly string[];
  /** Ports of the listener (HAProxy's dst_port). */
  readonly port?: readonly number[];
  readonly ignoreCase: boolean;
}

/** When a rule applies: one ACL, or a combination. */
export type ConditionConfig =
  | { readonly acl: string }
  | { readonly all: readonly ConditionConfig[] }
  | { readonly any: readonly ConditionConfig[] }
  | { readonly not: ConditionConfig };

/** Text with variables: clientAddress, host, path, query, method, requestId, frontend, scheme, port; `header` (whole field)
 * and `header-member` with a name, and which one of several (absent: the last). */
export type TemplateConfig = readonly (string | TemplateVariable)[];

export interface TemplateVariable {
  readonly variable: string;
  readonly name?: string;
  /** 1 is the first, -1 the last. */
  readonly occurrence?: number;
}

/** What a map is asked with. `host` is without port and in lower case. */
export interface MapKeyConfig {
  readonly from: 'host' | 'path' | 'source' | 'header' | 'header-member' | 'cookie' | 'query';
  readonly name?: string;
  /** Of several headers, members, cookies or parameters: 1 is the first, -1 the last. Absent: the last. */
  readonly occurrence?: number;
}

/** A file of `KEY VALUE` lines, read again when it changes, without a reload. */
export interface MapConfig {
  readonly name: string;
  readonly file: string;
  /** exact: the whole key; prefix: the longest entry that begins the key; suffix: domain suffix for hosts. */
  readonly match: 'exact' | 'prefix' | 'suffix';
}

/** What a rule does. use, deny, redirect, return, tarpit and silent-drop end the list; the others go on to the next rule. */
export type ActionConfig =
  | { readonly type: 'use'; readonly backend: string }
  /** The map's value names the backend; without an entry the next rule is tried. */
  | { readonly type: 'use-map'; readonly map: string; readonly key: MapKeyConfig }
  | { readonly type: 'deny'; readonly status: number }
  | { readonly type: 'tarpit'; readonly status: number; readonly delayMs: number }
  | { readonly type: 'silent-drop' }
  /** One of location (whole), prefix (path and query are appended) and scheme (same host, path and query). */
  | {
      readonly type: 'redirect';
      readonly status: 301 | 302 | 303 | 307 | 308;
      readonly location?: TemplateConfig;
      readonly prefix?: TemplateConfig;
      readonly scheme?: 'http' | 'https';
    }
  | { readonly type: 'return'; readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly type: 'set-header' | 'add-header'; readonly name: string; readonly value: TemplateConfig }
  | { readonly type: 'remove-header'; readonly name: string }
  | {
      readonly type: 'set-response-header' | 'add-response-header';
      readonly name: string;
      readonly value: TemplateConfig;
    }
  | { readonly type: 'remove-response-header'; readonly name: string }
  /** The path that the server sees; the query stays. */
  | { readonly type: 'set-path'; readonly path: TemplateConfig }
  /** Takes `from` off the front of the path and puts `to` there. */
  | { readonly type: 'replace-prefix'; readonly from: string; readonly to: string };

/** Rules are tried in order. Absent condition: always. */
export interface RuleConfig {
  readonly if?: ConditionConfig;
  readonly action: ActionConfig;
}

/** At most so many in any period of this length. */
export interface RateConfig {
  readonly count: number;
  readonly periodMs: number;
}

/** Limits of a frontend. A source is an IPv4 address or an IPv6 /64. Counted over all workers of a node. */
export interface LimitsConfig {
  /** A longer head is answered 431 (414 for its first line). At most 16384. */
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  /** 0: no limit. A longer body is answered 413. */
  readonly maxBodyBytes: number;
  /** Connections of one source at one time; 0: no limit. Further ones are closed. */
  readonly connectionsPerSource: number;
  /** New connections of one source; further ones are closed. */
  readonly connectionRate?: RateConfig;
  /** Requests of one source; further ones are answered 429. */
  readonly requestRate?: RateConfig;
  /** Refused connections and requests count in the rates. Absent: true. */
  readonly countRefused?: boolean;
  /** Networks without the limits by source. */
  readonly exempt: readonly string[];
}

export interface CompressionConfig {
  /** In order of preference where the client takes several alike. */
  readonly algorithms: readonly ('br' | 'gzip')[];
  /** Media types; `text/*` is all of text. */
  readonly types: readonly string[];
  /** Shorter answers of known length are left as they are. */
  readonly minBytes: number;
  /** 1..9 for gzip; brotli takes min(level, 11). */
  readonly level: number;
}

/** A file whose bytes are the body of an answer that the proxy gives itself. */
export interface ErrorPageConfig {
  readonly status: number;
  readonly file: string;
}

export interface FrontendConfig {
  readonly name: string;
  readonly binds: readonly BindConfig[];
  readonly mode: 'http' | 'tcp';
  readonly maxConnections: number;
  readonly acls: readonly AclConfig[];
  /** In mode tcp only `use`, `deny` and `silent-drop`, with ACLs on source and port. */
  readonly rules: readonly RuleConfig[];
  /** Absent: the last rule answers whatever comes to it. */
  readonly defaultBackend?: string;
  /** Absent: the defaults of the engine. */
  readonly limits?: LimitsConfig;
  /** Absent: nothing is compressed. */
  readonly compression?: CompressionConfig;
  /** Those of `http.errorPages` that it does not override included. */
  readonly errorPages?: readonly ErrorPageConfig[];
  /** Named relaxations of the strict parser. None yet. */
  readonly relax?: readonly string[];
}

/** Session cookie (HAProxy's `cookie`). */
export interface CookieConfig {
  readonly name: string;
  /** insert: set by us. rewrite: the server's own Set-Cookie of that name gets the server's value. prefix: the server's
   * value is kept behind `VALUE~`. Absent: from `insert` (false: only read). */
  readonly mode?: 'insert' | 'rewrite' | 'prefix' | 'passive';
  readonly insert: boolean;
  readonly indirect: boolean;
  readonly nocache: boolean;
  /** A Set-Cookie of the server itself is left alone. */
  readonly preserve?: boolean;
  readonly httponly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: 'Strict' | 'Lax' | 'None';
  readonly domain?: string;
  /** The session is chosen anew after so long without a request, and after so long in all (HAProxy's maxidle, maxlife). */
  readonly maxIdleMs?: number;
  readonly maxLifeMs?: number;
}

export interface CheckConfig {
  readonly type: 'http' | 'tcp';
  readonly method: string;
  readonly path: string;
  /** Host field of the check's request; absent: the server's address and port. */
  readonly host?: string;
  readonly intervalMs: number;
  readonly fastIntervalMs: number;
  /** While the server is down; absent: intervalMs. */
  readonly downIntervalMs?: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Another port than the server's. */
  readonly port?: number;
  /** Further fields of the request of an http check. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Each interval is longer or shorter by up to so much; absent: 5. */
  readonly jitterPercent?: number;
  /** What an http check wants; absent: 2xx or 3xx. All that is given must hold. */
  readonly expect?: {
    readonly status?: readonly { readonly from: number; readonly to: number }[];
    /** Of the first 64 KiB of the body. */
    readonly bodyContains?: string;
    readonly bodyRegex?: string;
    readonly header?: { readonly name: string; readonly contains: string };
  };
  /** A tcp check's dialogue, in order. Each character is one byte (U+0000 to U+00FF). */
  readonly dialogue?: readonly ({ readonly send: string } | { readonly expect: string })[];
}

/** Passive health: what real requests see (HAProxy's observe, error-limit, on-error). */
export interface ObserveConfig {
  /** connection: failed and reset connections; http: 5xx answers and time-outs too. */
  readonly layer: 'connection' | 'http';
  /** Faults in a row. */
  readonly errorLimit: number;
  /** fast-check: ask at fastInterval now; fail-check: count as a failed check; mark-down: down until a check succeeds. */
  readonly onError: 'fast-check' | 'fail-check' | 'mark-down';
}

/** A text agent beside the server (HAProxy's agent-check): `75%`, `drain`, `maint`, `down`, `up`, `ready`, `maxconn:30`. */
export interface AgentConfig {
  readonly port: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Sent first, when it is given; each character is one byte. */
  readonly send?: string;
}

export interface ServerConfig {
  readonly name: string;
  /** An IP address; or a host name, when `isName`. */
  readonly address: string;
  /** `address` is asked of the resolver; the last good answer is kept when that fails. */
  readonly isName?: boolean;
  readonly port: number;
  /** Value of the backend's session cookie that means this server. */
  readonly cookie?: string;
  /** 0..256; 0 takes no new sessions. */
  readonly weight: number;
  /** Absent: no limit. */
  readonly maxConnections?: number;
  /** Used only while no other server of the backend can be. */
  readonly backup?: boolean;
  /** False: the backend's check is not for this server; it is taken as up. Absent: true. */
  readonly check?: boolean;
  /** Begins each connection with a PROXY protocol header. */
  readonly sendProxy?: 'v1' | 'v2';
}

/** What hash balancing hashes, and how. */
export interface HashConfig {
  /** Name of the header or cookie, for balance header and cookie. */
  readonly name?: string;
  /** For balance uri: with the query. */
  readonly wholeUri: boolean;
  /** A server gets at most so many percent of the average load, 101..1000; 0: no bound. */
  readonly boundPercent: number;
}

export interface BackendConfig {
  readonly name: string;
  /** Absent: http. */
  readonly mode?: 'http' | 'tcp';
  readonly balance: 'roundrobin' | 'leastconn' | 'random2' | 'source' | 'uri' | 'header' | 'cookie' | 'first';
  readonly hash?: HashConfig;
  readonly cookie?: CookieConfig;
  /** Absent: the servers are taken as up. */
  readonly check?: CheckConfig;
  readonly observe?: ObserveConfig;
  readonly agent?: AgentConfig;
  /** A server that comes back gets its weight over so long, in steps; absent: at once. */
  readonly slowStartMs?: number;
  /** With fewer usable servers than this share, all are used, the down ones too; absent: 0, never. */
  readonly panicPercent?: number;
  /** Requests under way at all its servers, on one node; further ones wait. Absent: no limit. */
  readonly maxConnections?: number;
  /** Requests that may wait; further ones are answered 503 at once. Absent: no limit. */
  readonly maxQueue?: number;
  /** A client that has sent FIN is taken as gone until its answer begins (HAProxy's option abortonclose). */
  readonly abortOnClose?: boolean;
  /** Sessions of a server that goes down are closed at once (HAProxy's on-marked-down shutdown-sessions). */
  readonly closeSessionsWhenDown?: boolean;
  /** With the rules: for requests that a frontend has given to this backend. Absent: none. */
  readonly acls?: readonly AclConfig[];
  /** Behind those of the frontend; none of them is `use` or `use-map`. */
  readonly rules?: readonly RuleConfig[];
  readonly servers: readonly ServerConfig[];
}

export interface TimeoutsConfig {
  readonly httpRequestMs: number;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly clientMs: number;
  readonly serverMs: number;
  readonly httpKeepAliveMs: number;
  readonly checkMs: number;
  readonly tunnelMs: number;
}

export interface HttpConfig {
  /** Absent: X-Forwarded-For is not added. */
  readonly forwardedFor?: { readonly exceptFrom: readonly string[] };
  /** Close the server's connection after each answer (HAProxy's http-server-close). */
  readonly serverClose: boolean;
  /** Further attempts to connect after the first, 0..100. */
  readonly retries: number;
  /** The last retry may go to another server, also against the session cookie. */
  readonly redispatch: boolean;
  /** What else than a failed connection is retried, for idempotent requests without a body only; absent: nothing. */
  readonly retryOn?: readonly ('empty' | 'timeout' | 'bad-answer' | number)[];
  /** Retries may be at most this share of the requests of the last 10 s (and 10 at least); absent: 20. */
  readonly retryBudgetPercent?: number;
  /** Peers whose X-Forwarded-*, Forwarded and request id are believed; the client is the last untrusted address of
   * X-Forwarded-For. Given: such fields from anybody else are replaced. Absent: appended to, as HAProxy does. */
  readonly trustedProxies?: readonly string[];
  /** Adds X-Forwarded-Proto, -Host, -Port; and Forwarded (RFC 7239). Absent: false. */
  readonly forwardedProto?: boolean;
  readonly forwardedHost?: boolean;
  readonly forwardedPort?: boolean;
  readonly forwarded?: boolean;
  /** The header that carries a unique id to the server and, with `respond`, back to the client. Absent: none. */
  readonly requestId?: { readonly header: string; readonly respond: boolean };
  /** Conditions and map keys look at the path in normal form, at hosts without a dot at their end, at decoded query
   * parameters. Absent: true. */
  readonly normalize?: boolean;
  /** Fields whose name a CGI server takes for one that the proxy writes, removes or asks for (`X_Forwarded_For`).
   * Absent: drop. */
  readonly similarHeaders?: 'drop' | 'keep';
}

export interface LogConfig {
  readonly access: {
    readonly enabled: boolean;
    readonly format: 'json' | 'haproxy' | 'combined';
    /** Do not log connections that sent nothing (HAProxy's dontlognull). */
    readonly ignoreEmpty: boolean;
    /** A file path; absent: standard output of the node. */
    readonly file?: string;
  };
  readonly privacy: {
    /** truncate: /24 for IPv4, /48 for IPv6. */
    readonly clientAddress: 'full' | 'truncate' | 'none';
    readonly retentionDays: number;
  };
}

/** The HAProxy-compatible statistics page and its `;csv`. */
export interface StatsConfig {
  readonly binds: readonly BindConfig[];
  readonly path: string;
  /** Basic authentication; absent: any user name with the console's token as the password. */
  readonly auth?: { readonly user: string; readonly password: string };
}

export interface AdminConfig {
  /** Each node takes those that it has on an interface. */
  readonly binds: readonly BindConfig[];
  readonly stats?: StatsConfig;
}

export interface ProxyConfig {
  readonly engine: 'auto' | 'ring' | 'node';
  /** Worker threads, 1..64; `auto` in the file is the number of CPUs. 0 here means auto. */
  readonly threads: number;
  readonly user: string;
}

/** A whole valid configuration: the same on both nodes. */
export interface PairConfig {
  readonly version: 1;
  readonly cluster: { readonly name: string; readonly nodes: readonly NodeConfig[] };
  readonly vips: readonly VipConfig[];
  /** Absent: each VIP is an election of its own (`groupsOf` gives them). */
  readonly groups?: readonly GroupConfig[];
  /** Absent: the defaults (`failoverOf`). */
  readonly failover?: FailoverConfig;
  readonly events?: EventsConfig;
  /** Absent: nothing is tuned, and the defaults of the alarms count. */
  readonly tuner?: TunerConfig;
  readonly frontends: readonly FrontendConfig[];
  readonly backends: readonly BackendConfig[];
  readonly timeouts: TimeoutsConfig;
  readonly http: HttpConfig;
  readonly maps?: readonly MapConfig[];
  readonly log: LogConfig;
  readonly admin: AdminConfig;
  readonly proxy: ProxyConfig;
  /** SHA-256 over the canonical form of the model, hex: equal on two nodes that mean the same. */
  readonly hash: string;
}
