// What kind of machine this is, judged by what was read of it, and what cannot be set there. Pure; io/facts.ts reads.
import type { Virtualisation } from './model.ts';

/** What was read; an empty text where there was nothing. */
export interface MachineSigns {
  /** /run/systemd/container: the manager of the container wrote its name there. */
  readonly runContainer: string;
  /** The variable `container` of process 1, where it may be read. */
  readonly initContainer: string;
  /** /proc/1/cgroup. */
  readonly cgroup: string;
  /** Files that runtimes leave: /.dockerenv, /run/.containerenv. */
  readonly markers: readonly string[];
  /** /proc/vz, /proc/bc and /proc/user_beancounters exist. */
  readonly vz: boolean;
  readonly bc: boolean;
  readonly beancounters: boolean;
  /** /sys/class/dmi/id/sys_vendor and product_name. */
  readonly dmi: string;
  /** /sys/hypervisor/type. */
  readonly hypervisor: string;
  /** Flag `hypervisor` in /proc/cpuinfo. */
  readonly cpuFlag: boolean;
  readonly initialNetns: boolean;
  /** This process is in the first PID namespace of the machine: no container has that. */
  readonly initialPids: boolean;
  readonly procSysReadOnly: boolean;
}

const VENDORS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/KVM|QEMU|RHEV|oVirt|OpenStack|DigitalOcean|Hetzner|Google/i, 'kvm'],
  [/Amazon EC2/i, 'amazon'],
  [/VMware/i, 'vmware'],
  [/Microsoft Corporation.*Virtual/i, 'hyper-v'],
  [/VirtualBox|innotek/i, 'virtualbox'],
  [/Xen/i, 'xen'],
  [/Parallels/i, 'parallels'],
];

const HOST_NET = 'Host-wide network settings (tcp_mem, nf_conntrack_max, netdev_max_backlog) are those of the host.';
const READ_ONLY = '/proc/sys/net is mounted read-only: nothing can be set here, only on the host or with --privileged.';

/** Judges the signs; the innermost shell counts: a container in a virtual machine is a container. */
export function virtualisationOf(signs: MachineSigns): Virtualisation {
  const limits = limitsOf(signs);
  if (signs.vz && !signs.bc) {
    return {
      kind: 'openvz',
      name: 'openvz',
      evidence: '/proc/vz without /proc/bc',
      limits: [
        'The kernel is shared: sockets, memory and numbers of files are bounded by /proc/user_beancounters of the host.',
        'Modules cannot be loaded, and host-wide settings can be changed by the provider only.',
        ...limits,
      ],
    };
  }
  const container = containerOf(signs);
  if (container !== undefined) {
    const shared = 'The kernel is shared: fs, vm and kernel settings and modules are those of the host.';
    return { kind: 'container', ...container, limits: [shared, ...limits] };
  }
  const machine = machineOf(signs);
  if (machine === undefined) return { kind: 'none', name: 'none', evidence: 'no sign of a hypervisor', limits };
  const steal = 'Time that the host takes (steal) can only be measured; queues of the interface are given by the host.';
  return { kind: 'virtual-machine', ...machine, limits: [steal, ...limits] };
}

function limitsOf(signs: MachineSigns): readonly string[] {
  return [...(signs.procSysReadOnly ? [READ_ONLY] : []), ...(signs.initialNetns ? [] : [HOST_NET])];
}

type Named = Pick<Virtualisation, 'name' | 'evidence'>;

function containerOf(signs: MachineSigns): Named | undefined {
  const said = signs.runContainer.trim() || signs.initContainer.trim();
  if (said !== '') {
    return {
      name: said,
      evidence: signs.runContainer.trim() === '' ? 'container= of process 1' : '/run/systemd/container',
    };
  }
  // Machines are booted from images of containers too, and keep their marks.
  if (signs.initialPids) return undefined;
  const marker = signs.markers[0];
  if (marker !== undefined) return { name: marker === '/.dockerenv' ? 'docker' : 'podman', evidence: marker };
  const [, word] = /(docker|lxc|kubepods|containerd|libpod)/.exec(signs.cgroup) ?? [];
  return word === undefined ? undefined : { name: word, evidence: '/proc/1/cgroup' };
}

function machineOf(signs: MachineSigns): Named | undefined {
  if (signs.hypervisor.trim() !== '') return { name: signs.hypervisor.trim(), evidence: '/sys/hypervisor/type' };
  const vendor = VENDORS.find(([sign]) => sign.test(signs.dmi));
  if (vendor !== undefined) return { name: vendor[1], evidence: `DMI "${signs.dmi.trim()}"` };
  return signs.cpuFlag ? { name: 'hypervisor', evidence: 'flag hypervisor in /proc/cpuinfo' } : undefined;
}
