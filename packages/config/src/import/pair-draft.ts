// What an import has gathered so far, in the shape of the new file. The parsers of the old formats fill it in,
// write-yaml.ts writes it. Values are as the new file writes them; nothing here is checked: parseConfig does that.

export interface NodeDraft {
  readonly name: string;
  address?: string;
  interface?: string;
}

export interface VipDraft {
  readonly name: string;
  address: string;
  /** A number, or a placeholder when the old files contradict each other. */
  routerId: string;
  advertInterval: string;
  preferred?: string;
  /** Both old files sent adverts straight to the other node. */
  readonly wasUnicast: boolean;
  /** A remark for people, written above the entry. */
  readonly remarks: string[];
}

export interface AclDraft {
  readonly name: string;
  readonly pathExact: string[];
  readonly pathPrefix: string[];
  readonly pathSuffix: string[];
  readonly ignoreCase: boolean;
}

export interface FrontendDraft {
  readonly name: string;
  readonly binds: string[];
  maxConnections?: number;
  readonly acls: AclDraft[];
  readonly rules: { readonly if: string; readonly use: string }[];
  defaultBackend?: string;
}

export interface CookieDraft {
  readonly name: string;
  readonly insert: boolean;
  readonly indirect: boolean;
  readonly nocache: boolean;
}

export interface CheckDraft {
  readonly type: 'http' | 'tcp';
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly interval: string;
  readonly fastInterval?: string;
  readonly timeout?: string;
  readonly rise: number;
  readonly fall: number;
}

export interface ServerDraft {
  readonly name: string;
  readonly address: string;
  readonly cookie?: string;
  readonly weight?: number;
  readonly maxConnections?: number;
}

export interface BackendDraft {
  readonly name: string;
  cookie?: CookieDraft;
  check?: CheckDraft;
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
  readonly vips: VipDraft[];
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
  /** The old statistics page is replaced by the console. */
  hadStatsPage: boolean;
}

/** An empty draft: what the old programs do when a setting is absent. */
export function emptyDraft(): PairDraft {
  return {
    nodes: [],
    vips: [],
    frontends: [],
    backends: [],
    timeouts: {},
    serverClose: false,
    redispatch: false,
    logs: false,
    ignoreEmpty: false,
    hadStatsPage: false,
  };
}
