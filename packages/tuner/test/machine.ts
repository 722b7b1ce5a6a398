// Machines for tests: facts from recorded listings, and fake /proc and /etc trees that real code reads and writes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Facts, Wanted } from '../src/core/model.ts';
import { versionOf } from '../src/io/facts.ts';
import { keyPath } from '../src/io/kernel-keys.ts';
import { SystemRoot } from '../src/io/system-root.ts';

interface Listing {
  readonly values: Readonly<Record<string, string>>;
}
interface Kernel extends Listing {
  readonly release: string;
  readonly without: readonly string[];
  readonly bucketsOfMax: number;
  /** Its own listing; absent: derived from the newest. */
  readonly listing?: string;
}
interface Size extends Listing {
  readonly cpus: number;
  readonly memoryMib: number;
  readonly connections: number;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`listings/${name}`, import.meta.url)), 'utf8'));
}
// The files are beside this one and written with it.
const recorded = read('linux-6.18.json') as Listing;
export const { kernels, sizes } = read('kernels.json') as {
  readonly kernels: readonly Kernel[];
  readonly sizes: readonly Size[];
};

/** The newest kernel on a machine with 2 processors. */
export const usual = { kernel: kernels.at(-1) as Kernel, size: sizes[1] as Size, conntrack: true };

/** Keys and values of such a machine. */
export function listingOf({ kernel, size, conntrack }: typeof usual): Record<string, string> {
  const base = kernel.listing === undefined ? recorded : (read(kernel.listing) as Listing);
  const sized = Object.entries(size.values).filter(([key]) => key in base.values);
  const values: Record<string, string> = { ...base.values, ...kernel.values, ...Object.fromEntries(sized) };
  const max = Number(values['net.netfilter.nf_conntrack_max']);
  values['net.netfilter.nf_conntrack_buckets'] = `${max * kernel.bucketsOfMax}\n`;
  const gone = (key: string): boolean =>
    kernel.without.includes(key) || (!conntrack && key.startsWith('net.netfilter.nf_conntrack'));
  return Object.fromEntries(Object.entries(values).filter(([key]) => !gone(key)));
}

/** Facts of such a machine, a virtual machine whose first network namespace this is. */
export function factsOf(machine: typeof usual): Facts {
  const { kernel, size, conntrack } = machine;
  return {
    kernel: { release: kernel.release, version: versionOf(kernel.release) },
    memoryMib: size.memoryMib,
    pageBytes: 4096,
    cpus: size.cpus,
    uptimeSeconds: 100_000,
    initialNetns: true,
    virtualisation: { kind: 'virtual-machine', name: 'kvm', evidence: 'DMI "QEMU"', limits: [] },
    conntrack: { available: conntrack, isModule: conntrack, entries: conntrack ? 1200 : 0 },
    interfaces: [{ name: 'eth0', rxQueues: 1, txQueues: 1, rpsCpus: '0' }],
    values: Object.fromEntries(
      Object.entries(listingOf(machine)).map(([key, raw]) => [key, { raw, writable: 'yes' as const }]),
    ),
    setBy: {},
    listenPorts: [22, 80, 443, 20_000],
    neighbours: 12,
    counters: { timeSqueeze: 0, softnetDropped: 0 },
  };
}

/** What the README's configuration asks for, with so many connections. */
export function wantedFor(connections: number, over: Partial<Wanted> = {}): Wanted {
  return {
    profile: 'balanced',
    connections,
    connectionRate: Math.max(100, connections / 10),
    upstreamRate: Math.max(10, connections / 100),
    upstreams: 2,
    ports: [80, 1936, 9443, 15_672],
    vips: 1,
    overrides: {},
    ...over,
  };
}

/** A fake machine: files below a temporary directory that stands for `/`. */
export class FakeMachine implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'tospann-tuner-'));
  readonly root = new SystemRoot(this.dir);
  readonly directory = join(this.dir, 'state');

  constructor(values: Readonly<Record<string, string>>) {
    for (const [key, raw] of Object.entries(values)) this.write(keyPath(key) ?? '', raw);
    this.write('/proc/sys/kernel/random/boot_id', 'boot-1\n');
    this.write('/proc/uptime', '1000.00 900.00\n');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), text);
  }

  /** All bytes of these keys. */
  bytes(keys: readonly string[]): Record<string, string | undefined> {
    return Object.fromEntries(keys.map((key) => [key, this.root.read(keyPath(key) ?? '')]));
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
