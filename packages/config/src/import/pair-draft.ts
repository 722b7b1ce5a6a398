// What an import has gathered so far, in the shape of the new file. The parsers of the old formats fill it in,
// write-yaml.ts writes it. Values are as the new file writes them; nothing here is checked: parseConfig does that.

export interface NodeDraft {
  readonly name: string;
  address?: string;
  address6?: string;
  interface?: string;
}

export interface VipDraft {
  readonly name: string;
  readonly address: string;
  /** A number, or a placeholder when the old files contradict each other; absent: another VIP's advert carries it. */
  readonly routerId?: string;
  /** A name, or names by node, where it is not the node's own interface. */
  readonly interface?: FlowValue;
}

/** One election and its addresses. */
export interface ElectionDraft {
  readonly name: string;
  readonly vips: readonly VipDraft[];
  /** What the election's first VIP says for all: advertInterval, preferred, auth and the like, in the order of writing. */
  readonly settings: Readonly<Record<string, FlowValue>>;
  /** Remarks for people, written above the first VIP. */
  readonly remarks: readonly string[];
}

/** A value as the new file writes it. */
export type FlowValue = string | number | boolean | readonly FlowValue[] | { readonly [key: string]: FlowValue };

/** How the values of a header, cookie or parameter are compared: `exact: [a]`, `present: true`. */
export type MatchDraft = Record<string, string[] | true | number>;

export interface AclDraft {
  readonly name: string;
  /** pathPrefix, host, method, source, port, ... */
  readonly lists: Record<string, (string | number)[]>;
  readonly named: {
    readonly header: Matches;
    readonly headerMember: Matches;
    readonly cookie: Matches;
    readonly query: Matches;
  };
  /** Absent until a list is there for which it makes a difference. */
  ignoreCase?: boolean;
}

type Matches = Record<string, MatchDraft>;

/** A rule as the new file writes it: `if` and one action; `#` is a comment above it. */
export type RuleDraft = Readonly<Record<string, FlowValue>>;

export interface FrontendDraft {
  readonly name: string;
  readonly mode: 'http' | 'tcp';
  readonly binds: FlowValue[];
  maxConnections?: number;
  readonly acls: AclDraft[];
  readonly rules: RuleDraft[];
  defaultBackend?: string;
  compression?: CompressionDraft;
  readonly errorPages: Record<string, string>;
}

export interface CompressionDraft {
  readonly algorithms: readonly string[];
  readonly types?: readonly string[];
}

export interface ServerDraft {
  /** A comment above it. */
  readonly '#'?: string;
  readonly name: string;
  readonly address: string;
  readonly cookie?: string;
  readonly weight?: number;
  readonly maxConnections?: number;
  readonly backup?: boolean;
  readonly check?: boolean;
  readonly sendProxy?: 'v1' | 'v2';
}

/** The parts of a backend are as the new file writes them. */
export interface BackendDraft {
  readonly name: string;
  readonly mode: 'http' | 'tcp';
  balance: string;
  hash?: Record<string, FlowValue>;
  cookie?: Record<string, FlowValue>;
  check?: Record<string, FlowValue>;
  observe?: Record<string, FlowValue>;
  agent?: Record<string, FlowValue>;
  slowStart?: string;
  maxQueue?: number;
  closeSessionsWhenDown?: boolean;
  readonly acls: AclDraft[];
  readonly rules: RuleDraft[];
  readonly servers: ServerDraft[];
}

/** Keys of `timeouts` in the new file. */
export type TimeoutKey =
  | 'httpRequest'
  | 'queue'
  | 'connect'
  | 'client'
  | 'server'
  | 'httpKeepAlive'
  | 'check'
  | 'tunnel';

export interface PairDraft {
  readonly nodes: NodeDraft[];
  readonly elections: ElectionDraft[];
  /** failover.scripts by name. */
  readonly scripts: Record<string, FlowValue>;
  /** events.hooks by name. */
  readonly hooks: Record<string, FlowValue>;
  fifo?: string;
  readonly frontends: FrontendDraft[];
  readonly backends: BackendDraft[];
  readonly timeouts: Partial<Record<TimeoutKey, string>>;
  forwardedForExcept?: readonly string[];
  serverClose: boolean;
  retries?: number;
  redispatch: boolean;
  logs: boolean;
  ignoreEmpty: boolean;
  threads?: number;
  retryOn?: readonly (string | number)[];
  requestId?: string;
  readonly errorPages: Record<string, string>;
  readonly maps: Record<string, { readonly file: string; readonly match: string }>;
  /** `guards`: lines that kept somebody from the page and could not be taken. */
  stats?: { readonly binds: string[]; readonly guards: string[]; path?: string };
}

/** An empty draft: what the old programs do when a setting is absent. */
export function emptyDraft(): PairDraft {
  return {
    nodes: [],
    elections: [],
    scripts: {},
    hooks: {},
    frontends: [],
    backends: [],
    timeouts: {},
    serverClose: false,
    redispatch: false,
    logs: false,
    ignoreEmpty: false,
    errorPages: {},
    maps: {},
  };
}
