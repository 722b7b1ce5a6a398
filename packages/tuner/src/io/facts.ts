// What the tuner needs to know of this machine, read in a few milliseconds: files only, nothing is changed, no process is
// started. Whatever cannot be read is absent in the facts.
import { catalogue } from '../core/catalogue.ts';
import type { Facts, KernelVersion, SettingLine } from '../core/model.ts';
import { eachTcpSocket, parseMemoryMib, parseOpenFiles, parseSoftnet, isReadOnly } from '../core/proc.ts';
import { applyOrder, settingsOf, SYSCTL_DIRECTORIES } from '../core/sysctl-file.ts';
import { virtualisationOf } from '../core/virtualisation.ts';
import { readKeys } from './kernel-keys.ts';
import { SystemRoot } from './system-root.ts';

const LISTEN = 10;
/** Ports below it are those of services; from it on the kernel gives them to connections by itself. */
const USUAL_EPHEMERAL_START = 32_768;
/** A key that only the first network namespace of a machine has, in every kernel served here. */
const FIRST_NAMESPACE_KEY = '/proc/sys/net/core/netdev_max_backlog';

/** The number of the first PID namespace is fixed in the kernel (PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

export interface FactsOptions {
  /** Default: the machine itself. */
  readonly root?: SystemRoot;
  /** Keys beside those of the catalogue, for instance of `tuner.overrides` or of a file that is audited. */
  readonly keys?: readonly string[];
  /** Process whose limit of open files counts. */
  readonly pid?: number;
}

/** Reads the facts. Never throws. */
export function readFacts(options: FactsOptions = {}): Facts {
  const root = options.root ?? new SystemRoot();
  const mountinfo = root.read('/proc/self/mountinfo') ?? '';
  const readOnly = (path: string): boolean => isReadOnly(mountinfo, path);
  const initialNetns = root.exists(FIRST_NAMESPACE_KEY);
  const release = (root.read('/proc/sys/kernel/osrelease') ?? '').trim();
  const softnet = parseSoftnet(root.read('/proc/net/softnet_stat') ?? '');
  return {
    kernel: { release, version: versionOf(release) },
    memoryMib: parseMemoryMib(root.read('/proc/meminfo') ?? ''),
    pageBytes: 4096,
    cpus: cpusOf(root.read('/proc/stat') ?? ''),
    uptimeSeconds: Number((root.read('/proc/uptime') ?? '').split(' ')[0] ?? 0),
    initialNetns,
    virtualisation: virtualisationOf({
      ...machineSigns(root),
      initialNetns,
      procSysReadOnly: readOnly('/proc/sys/net'),
    }),
    conntrack: conntrackOf(root),
    interfaces: interfacesOf(root),
    values: readKeys(root, [...new Set([...catalogue.map(({ key }) => key), ...(options.keys ?? [])])], readOnly),
    setBy: readSettings(root),
    listenPorts: listenPortsOf(root),
    neighbours: Math.max(0, (root.read('/proc/net/arp') ?? '').trim().split('\n').length - 1),
    counters: {
      timeSqueeze: softnet.reduce((sum, cpu) => sum + cpu.timeSqueeze, 0),
      softnetDropped: softnet.reduce((sum, cpu) => sum + cpu.dropped, 0),
    },
    ...openFilesOf(root, options.pid),
  };
}

/** `6.18.44-fc` is [6, 18]. */
export function versionOf(release: string): KernelVersion {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

/** Who sets each key at boot, in the order in which the files are applied. */
export function readSettings(root: SystemRoot): Readonly<Record<string, readonly SettingLine[]>> {
  const listed = Object.fromEntries(SYSCTL_DIRECTORIES.map((directory) => [directory, root.list(directory)]));
  const files = applyOrder(listed);
  // The link 99-sysctl.conf is the same file; without it only sysctl --system reads it, after all others.
  const last = files.some((file) => file.endsWith('/99-sysctl.conf')) ? [] : ['/etc/sysctl.conf'];
  return settingsOf(
    [...files, ...last].flatMap((file) => {
      const text = root.read(file);
      return text === undefined ? [] : [{ file, text }];
    }),
  );
}

function conntrackOf(root: SystemRoot): Facts['conntrack'] {
  return {
    available: root.exists('/proc/sys/net/netfilter/nf_conntrack_max'),
    isModule: root.exists('/sys/module/nf_conntrack/initstate'),
    entries: Number((root.read('/proc/sys/net/netfilter/nf_conntrack_count') ?? '0').trim()),
  };
}

function openFilesOf(root: SystemRoot, pid: number | undefined): Pick<Facts, 'openFiles'> {
  const limits = pid === undefined ? undefined : parseOpenFiles(root.read(`/proc/${pid}/limits`) ?? '');
  return limits === undefined ? {} : { openFiles: limits.soft };
}

function cpusOf(stat: string): number {
  return Math.max(1, stat.match(/^cpu\d+ /gm)?.length ?? 1);
}

function machineSigns(
  root: SystemRoot,
): Omit<Parameters<typeof virtualisationOf>[0], 'initialNetns' | 'procSysReadOnly'> {
  const environment = (root.read('/proc/1/environ') ?? '').split('\0');
  const container = environment.find((one) => one.startsWith('container='))?.slice('container='.length) ?? '';
  const dmi = ['sys_vendor', 'product_name'].map((name) => (root.read(`/sys/class/dmi/id/${name}`) ?? '').trim());
  return {
    runContainer: root.read('/run/systemd/container') ?? '',
    initContainer: container,
    cgroup: root.read('/proc/1/cgroup') ?? '',
    markers: ['/.dockerenv', '/run/.containerenv'].filter((file) => root.exists(file)),
    vz: root.exists('/proc/vz'),
    bc: root.exists('/proc/bc'),
    initialPids: root.link('/proc/self/ns/pid') === FIRST_PID_NAMESPACE,
    beancounters: root.exists('/proc/user_beancounters'),
    dmi: dmi.join(' ').trim(),
    hypervisor: root.read('/sys/hypervisor/type') ?? '',
    cpuFlag: /^flags\s*:.*\bhypervisor\b/m.test(root.read('/proc/cpuinfo') ?? ''),
  };
}

function interfacesOf(root: SystemRoot): Facts['interfaces'] {
  return root.list('/sys/class/net').flatMap((name) => {
    // Virtual ones (lo, bridges, tunnels) have no device behind them.
    if (!root.exists(`/sys/class/net/${name}/device`)) return [];
    const queues = root.list(`/sys/class/net/${name}/queues`);
    const count = (prefix: string): number => queues.filter((queue) => queue.startsWith(prefix)).length;
    const rpsCpus = (root.read(`/sys/class/net/${name}/queues/rx-0/rps_cpus`) ?? '0').trim();
    return [{ name, rxQueues: count('rx-'), txQueues: count('tx-'), rpsCpus }];
  });
}

function listenPortsOf(root: SystemRoot): readonly number[] {
  const ports = new Set<number>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    eachTcpSocket(root.read(file) ?? '', ({ state, localPort }) => {
      if (state === LISTEN && localPort < USUAL_EPHEMERAL_START) ports.add(localPort);
    });
  }
  return [...ports].sort((a, b) => a - b);
}
