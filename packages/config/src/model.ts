// The model: what a valid configuration means, after defaults, with units in the names (ms, bytes, percent).
// Everything that runs takes these types; only schema.ts knows how the file is written. Plain data: it can be
// sent to a child process as JSON.

/** One node of the pair. `address` is the node's own address on `interface`, never a VIP. */
export interface NodeConfig {
  readonly name: string;
  readonly address: string;
  readonly interface: string;
}

/** A floating address. `priorities` has one VRRP priority (1..254) for each node name. */
export interface VipConfig {
  readonly name: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly routerId: number;
  /** 10..40950 ms, a multiple of 10. */
  readonly advertIntervalMs: number;
  /** The node that takes the address back when it can serve; absent: whoever has it keeps it. */
  readonly preferred?: string;
  readonly transport: 'unicast' | 'multicast';
  /** 150 for the preferred node, 100 for others; a tie goes to the higher node address. */
  readonly priorities: Readonly<Record<string, number>>;
}

/** An address to listen on; `*` in the file is `0.0.0.0` here. */
export interface BindConfig {
  readonly address: string;
  readonly port: number;
}

/** A named condition: true when any of its lists matches the request's path (HAProxy's path_beg, path_end, path). */
export interface AclConfig {
  readonly name: string;
  readonly pathExact: readonly string[];
  readonly pathPrefix: readonly string[];
  readonly pathSuffix: readonly string[];
  readonly ignoreCase: boolean;
}

/** The first rule whose ACL is true decides the backend. */
export interface RuleConfig {
  readonly if: string;
  readonly use: string;
}

export interface FrontendConfig {
  readonly name: string;
  readonly binds: readonly BindConfig[];
  readonly mode: 'http';
  readonly maxConnections: number;
  readonly acls: readonly AclConfig[];
  readonly rules: readonly RuleConfig[];
  readonly defaultBackend: string;
}

/** Session cookie, HAProxy's `cookie NAME insert [indirect] [nocache]`. */
export interface CookieConfig {
  readonly name: string;
  readonly insert: boolean;
  readonly indirect: boolean;
  readonly nocache: boolean;
}

export interface CheckConfig {
  readonly type: 'http' | 'tcp';
  readonly method: string;
  readonly path: string;
  /** Host field of the check's request; absent: the server's address and port. */
  readonly host?: string;
  readonly intervalMs: number;
  readonly fastIntervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

export interface ServerConfig {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Value of the backend's session cookie that means this server. */
  readonly cookie?: string;
  /** 0..256; 0 takes no new sessions. */
  readonly weight: number;
  /** Absent: no limit. */
  readonly maxConnections?: number;
}

export interface BackendConfig {
  readonly name: string;
  readonly balance: 'roundrobin';
  readonly cookie?: CookieConfig;
  /** Absent: the servers are taken as up. */
  readonly check?: CheckConfig;
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

export interface AdminConfig {
  /** Each node takes those that it has on an interface. */
  readonly binds: readonly BindConfig[];
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
  readonly frontends: readonly FrontendConfig[];
  readonly backends: readonly BackendConfig[];
  readonly timeouts: TimeoutsConfig;
  readonly http: HttpConfig;
  readonly log: LogConfig;
  readonly admin: AdminConfig;
  readonly proxy: ProxyConfig;
  /** SHA-256 over the canonical form of the model, hex: equal on two nodes that mean the same. */
  readonly hash: string;
}
