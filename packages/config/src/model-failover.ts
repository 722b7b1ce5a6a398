// The model of failover and tuning: nodes, floating addresses, elections, conditions, events, the tuner. The part of
// model.ts that the agent and the tuner take. Plain data.

/** One node of the pair. `address` is the node's own address on `interface`, never a VIP. */
export interface NodeConfig {
  readonly name: string;
  readonly address: string;
  readonly interface: string;
  /** The node's own IPv6 address on `interface`: where unicast adverts of an IPv6 election go. */
  readonly address6?: string;
}

/** A floating address, IPv4 or IPv6. `priorities` has one VRRP priority (1..255) for each node name. */
export interface VipConfig {
  readonly name: string;
  /** Canonical text: dotted IPv4, or IPv6 as RFC 5952 writes it. */
  readonly address: string;
  readonly prefixLength: number;
  /** Its own, or that of the election which carries it. */
  readonly routerId: number;
  /** 10..40950 ms, a multiple of 10. */
  readonly advertIntervalMs: number;
  /** The node that takes the address back when it can serve; absent: whoever has it keeps it. */
  readonly preferred?: string;
  readonly transport: 'unicast' | 'multicast';
  /** 150 for the preferred node, 255 for the owner, 100 for others; a tie goes to the higher node address. */
  readonly priorities: Readonly<Record<string, number>>;
  /** By node, where it is not the node's own interface. */
  readonly interfaces?: Readonly<Record<string, string>>;
}

/** A key of authenticated adverts. `secret` is 1 to 64 bytes as hex; it comes from a file or from the cluster key. */
export interface AdvertKeyConfig {
  /** 1..255, on the wire. */
  readonly id: number;
  /** File with the secret, read at start and reload; absent: derived from the cluster key. */
  readonly file?: string;
}

/** How adverts prove who sent them. */
export type AdvertAuthConfig =
  | { readonly type: 'none' }
  /** VRRPv2 simple password, 1..8 bytes: against mistakes, not against attackers. */
  | { readonly type: 'password'; readonly password: string }
  /** HMAC-SHA256 trailer as keepalived 2.4's auth_hmac. The first key signs, all are accepted. */
  | {
      readonly type: 'hmac';
      readonly keys: readonly AdvertKeyConfig[];
      /** enforce: unsigned adverts are dropped. permissive: they count, with an alarm (while a peer is changed over). */
      readonly mode: 'enforce' | 'permissive';
    };

/** How the network learns who owns the addresses. */
export type AnnounceConfig =
  /** The address on the interface, gratuitous ARP and unsolicited neighbour advertisements. */
  | { readonly type: 'vrrp' }
  /** The election decides, the address itself is not touched. */
  | { readonly type: 'none' }
  /** Also calls a program or a web hook with a fencing token, for floating addresses of a provider. */
  | { readonly type: 'hook'; readonly call: CallConfig; readonly retries: number; readonly retryIntervalMs: number };

/** A program (no shell) or a web address that is called; exactly one of both. */
export interface CallConfig {
  readonly run?: readonly string[];
  readonly url?: string;
  readonly timeoutMs: number;
}

/** What one election sends: a VRRP virtual router. */
export interface VirtualRouterConfig {
  readonly routerId: number;
  readonly family: 4 | 6;
  /** VIPs that its adverts list, in this order: all of one family. */
  readonly vips: readonly string[];
}

/** One election: its VIPs have one owner and move together. */
export interface GroupConfig {
  readonly name: string;
  /** Those without a router of their own are carried (keepalived's virtual_ipaddress_excluded). */
  readonly vips: readonly string[];
  /** At least one. All send the one priority and state of the election. */
  readonly routers: readonly VirtualRouterConfig[];
  readonly version: 2 | 3;
  readonly advertIntervalMs: number;
  /** Adverts that must be missed before the owner counts as dead, 2..100; 3 in the RFC. */
  readonly missedAdverts: number;
  readonly preferred?: string;
  /** The address owner of the RFC: priority 255, master without listening. */
  readonly owner?: string;
  /** How long a preferred node serves before it takes the addresses back; absent: three down intervals. */
  readonly preemptDelayMs?: number;
  readonly priorities: Readonly<Record<string, number>>;
  readonly transport: 'unicast' | 'multicast';
  /** IPv4 VRRPv3 only; auto: pseudo-header until the peer is heard, then as the peer does. */
  readonly checksum: 'auto' | 'pseudo-header' | 'message-only';
  readonly auth: AdvertAuthConfig;
  readonly announce: AnnounceConfig;
}

/** A program that says whether this node may serve: exit 0 yes, anything else no. */
export interface TrackScriptConfig {
  readonly name: string;
  /** Program and arguments; no shell. */
  readonly run: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Not set: the user of the proxy. */
  readonly user?: string;
}

/** When a node may own addresses, beside answering through its own listeners. */
export interface FailoverConfig {
  /** Frontends whose default backend must have a live server, each of them; empty: any one frontend suffices. */
  readonly requireServers: readonly string[];
  /** Must answer from this node (ARP or neighbour discovery, then ICMP echo); auto: the default route's. Absent: not asked. */
  readonly gateway?: {
    readonly address: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly rise: number;
    readonly fall: number;
  };
  readonly scripts: readonly TrackScriptConfig[];
  /** A node whose hypervisor takes more than this for so long gives way, if the other one is better off. Absent: only shown. */
  readonly steal?: { readonly percent: number; readonly forMs: number };
  /** The same for lateness of the agent's loop. */
  readonly lateness?: { readonly ms: number; readonly forMs: number };
  /** TCP port of the peer link on the nodes' own addresses; 0: no peer link. */
  readonly peerPort: number;
  /** How long a backup that hears no adverts waits at most while the peer link says that the owner is healthy. */
  readonly holdMs: number;
  /** Longest drain after a planned hand-over. */
  readonly drainMs: number;
}

/** Kinds of events that a hook can ask for. */
export type HookEvent = 'vrrp-state' | 'vrrp-notice' | 'vrrp-problem' | 'track' | 'handover' | 'maintenance' | 'tuner';

/** Called for each event of its kinds, in order, one call at a time. */
export interface HookConfig {
  readonly name: string;
  readonly on: readonly HookEvent[];
  readonly call: CallConfig;
}

/** Where events go beside the log and the control socket. */
export interface EventsConfig {
  readonly hooks: readonly HookConfig[];
  /** A FIFO that gets keepalived's notify lines: `INSTANCE "public" MASTER 100`. */
  readonly fifo?: string;
}

/** The kernel tuner. */
export interface TunerConfig {
  readonly profile: 'balanced' | 'high-connections' | 'latency' | 'off';
  /** Wanted client connections and new connections a second; absent: from the frontends' maxConnections. */
  readonly connections?: number;
  readonly connectionRate?: number;
  readonly conntrackAlarmPercent: number;
  readonly stealAlarmPercent: number;
  /** Upper bound for an automatic raise of nf_conntrack_max; absent: no automatic raise. */
  readonly conntrackMaxBound?: number;
  /** Do not track the load balancer's own ports. */
  readonly notrack: boolean;
  /** Key (with dots) to value; null: leave the key alone. */
  readonly overrides: Readonly<Record<string, string | null>>;
}
