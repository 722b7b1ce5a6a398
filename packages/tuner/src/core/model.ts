// The words of the tuner: what the catalogue says of a setting, what was found on the machine (facts), what is
// wanted, and what a plan consists of. Types only. Values of keys are the kernel's own text, trimmed where it says so.

/** A kernel version as [major, minor]. */
export type KernelVersion = readonly [major: number, minor: number];

export type Profile = 'balanced' | 'high-connections' | 'latency' | 'off';

export type Theme = 'accept' | 'ports' | 'tcp' | 'softirq' | 'addresses' | 'conntrack' | 'machine';

/**
 * What the tuner does with a key. `set`: writes the proposed value. `raise`: only ever makes it greater. `advise`: says
 * what may help, never writes. `watch`: shows it. `never`: does nothing or harm, whoever writes it.
 */
export type Policy = 'set' | 'raise' | 'advise' | 'watch' | 'never';

/** How the text of a key is read. Tuples are numbers between white space; ports are a list such as `1936,9000-9010`. */
export type ValueForm =
  | { readonly type: 'number'; readonly min: number; readonly max: number }
  | { readonly type: 'tuple'; readonly length: number; readonly min: number; readonly max: number }
  | { readonly type: 'ports' }
  | { readonly type: 'word' };

/** One setting: data of the catalogue. */
export interface CatalogueEntry {
  /** With dots, as sysctl(8) writes it. */
  readonly key: string;
  readonly theme: Theme;
  /** host: one value for the whole machine, which only its first network namespace may write. */
  readonly scope: 'netns' | 'host';
  /** Of the value: `connections`, `s`, `ms`, `pages`, `bytes`, `ports`, `flag`, `choice`. */
  readonly unit: string;
  readonly form: ValueForm;
  readonly policy: Policy;
  /** First kernel with this key, where that is later than 5.10. */
  readonly since?: KernelVersion;
  /** First kernel without it. */
  readonly removed?: KernelVersion;
  /** Exists only while this module is loaded. */
  readonly module?: 'nf_conntrack';
  /** The value that helps here, in the kernel's form with single blanks; undefined: as it is. For `raise`, the least. */
  readonly propose?: (facts: Facts, wanted: Wanted) => string | undefined;
  /** Why a value below the kernel's default is right here. Without it no proposal may be below what there is. */
  readonly mayLower?: string;
  /** One sentence. */
  readonly why: string;
  readonly risk: string;
  /** Counters that prove the need. */
  readonly evidence: readonly string[];
  /** What it does not go together with, or needs beside it. */
  readonly conflicts?: string;
  /** Where this is written down. */
  readonly source: string;
  /** Smaller is written earlier, where the kernel asks for an order. Default 50. */
  readonly order?: number;
}

/** The value of a key as found. */
export interface FoundValue {
  /** All bytes that the kernel gave, the line end included: what `revert` writes back. */
  readonly raw: string;
  readonly writable: 'yes' | 'read-only' | 'not-permitted';
}

/** A line of a file that sets a key at boot. */
export interface SettingLine {
  readonly file: string;
  readonly line: number;
  readonly value: string;
}

/** What kind of machine this is, and what cannot be set here because of it. */
export interface Virtualisation {
  readonly kind: 'none' | 'virtual-machine' | 'container' | 'openvz' | 'unknown';
  /** `kvm`, `lxc`, `docker`, `openvz`, ... */
  readonly name: string;
  /** What told us, for instance `/proc/1/environ container=lxc`. */
  readonly evidence: string;
  /** Sentences: what cannot be set here and who could. */
  readonly limits: readonly string[];
}

/** All that a plan needs to know of the machine; JSON. */
export interface Facts {
  readonly kernel: { readonly release: string; readonly version: KernelVersion };
  readonly memoryMib: number;
  readonly pageBytes: number;
  readonly cpus: number;
  readonly uptimeSeconds: number;
  /** True in the machine's first network namespace: only there host-wide keys of net can be written. */
  readonly initialNetns: boolean;
  readonly virtualisation: Virtualisation;
  readonly conntrack: {
    readonly available: boolean;
    /** Built into the kernel, or loaded as a module that must be loaded at boot before its keys exist. */
    readonly isModule: boolean;
    /** Entries now; 0: nothing in this namespace tracks. */
    readonly entries: number;
  };
  /** Network interfaces with hardware or virtio behind them (not lo). */
  readonly interfaces: readonly {
    readonly name: string;
    readonly rxQueues: number;
    readonly txQueues: number;
    /** Processors that share the first receive queue's packets: a bit mask as the kernel writes it; zeros: off. */
    readonly rpsCpus: string;
  }[];
  /** Keys of the catalogue (and of overrides) that exist here. */
  readonly values: Readonly<Record<string, FoundValue>>;
  /** Who sets a key at boot, in the order in which it is applied: the last one wins. */
  readonly setBy: Readonly<Record<string, readonly SettingLine[]>>;
  /** Ports below 32768 that somebody listens on, any process. */
  readonly listenPorts: readonly number[];
  readonly neighbours: number;
  /** Since boot. */
  readonly counters: { readonly timeSqueeze: number; readonly softnetDropped: number };
  /** Keys that the tuner set and somebody else changed since: they are his now. */
  readonly drifted?: readonly string[];
  /** Soft limit of open files that the node runs with, when that is known. */
  readonly openFiles?: number;
}

/** What the configuration asks for. */
export interface Wanted {
  readonly profile: Profile;
  /** Client connections at one time, and new ones a second. */
  readonly connections: number;
  readonly connectionRate: number;
  /** New connections to servers a second, and the number of different server addresses. */
  readonly upstreamRate: number;
  readonly upstreams: number;
  /** Ports of the configuration: frontends, console, statistics, peer link. */
  readonly ports: readonly number[];
  readonly vips: number;
  readonly overrides: Readonly<Record<string, string | null>>;
}

/**
 * What becomes of a key. `write`: apply writes it. `keep`: good as it is. `advise`: a proposal that is never written by us.
 * `show`: only shown. `impossible`: would be written, but cannot be here. `refused`: asked for, and not done. `yours`: the
 * configuration says to leave it alone.
 */
export type PlanAction = 'write' | 'keep' | 'advise' | 'show' | 'impossible' | 'refused' | 'yours';

export interface PlanItem {
  readonly key: string;
  readonly action: PlanAction;
  /** Of the catalogue; `override` when the configuration gives the value. */
  readonly policy: Policy | 'override';
  readonly scope: 'netns' | 'host';
  readonly unit: string;
  /** Trimmed, single blanks; absent when this kernel does not have the key. */
  readonly current?: string;
  readonly proposed?: string;
  /** The file line that wins at boot. */
  readonly setBy?: SettingLine;
  /** A line that is applied at boot after our file, with another value than the proposed one: it must go, or it wins. */
  readonly winsAtBoot?: SettingLine;
  /** One sentence; for `impossible` and `refused` it says what is in the way. */
  readonly why: string;
  readonly risk: string;
  readonly evidence: readonly string[];
  readonly order: number;
}

/** A plan: every key that the tuner knows, in the order of the catalogue. Changes: `changesOf`. */
export interface Plan {
  readonly profile: Profile;
  readonly items: readonly PlanItem[];
}
