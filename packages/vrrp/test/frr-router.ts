// Test helper: FRR's vrrpd (with zebra, which does what it says to the kernel) as the other node in the lab, from a
// package that is only unpacked (scripts/lib/need.sh, need_frr). FRR does not add and remove the VIP: a macvlan with the
// router's own Ethernet address carries it all the time, and FRR switches that device on and off (protodown).
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, until, vip, vip6, type Lab, type LabProcess } from './lab.ts';

const packageDirectory = '/var/cache/tospann-lab/frr';
const routerId = 51;
/** Of a loaded machine: two daemons that start. */
const startMs = 20_000;

export interface FrrOptions {
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly priority: number;
  readonly intervalMs: number;
}

/** FRR in place b, backup or master by its own election. */
export class FrrRouter {
  readonly #lab: Lab;
  readonly #label: string;
  readonly #device: string;
  readonly #vrrpd: LabProcess;

  private constructor(lab: Lab, options: FrrOptions, vrrpd: LabProcess) {
    this.#lab = lab;
    this.#label = `[VRID ${routerId}] [IPv${options.family}] `;
    this.#device = deviceOf(options);
    this.#vrrpd = vrrpd;
  }

  /** Starts it; returns when it has begun its election, which for FRR is as backup. */
  static async start(lab: Lab, options: FrrOptions): Promise<FrrRouter> {
    const frr = join(packageDirectory, 'usr/lib/frr');
    if (!existsSync(join(frr, 'vrrpd')))
      throw new Error(
        `FRR is not in ${packageDirectory}: scripts/test unpacks it there (scripts/lib/need.sh, need_frr)`,
      );
    const directory = join(lab.directory, 'frr');
    mkdirSync(directory);
    addDevice(lab, options);
    writeFileSync(join(directory, 'group'), groupsWithFrr());
    writeFileSync(join(directory, 'zebra.conf'), 'log stdout\n');
    writeFileSync(join(directory, 'vrrpd.conf'), configuration(options));
    const socket = join(directory, 'zserv.api');
    const daemon = (name: string): LabProcess => {
      const files = ['-f', join(directory, `${name}.conf`), '-i', join(directory, `${name}.pid`), '-z', socket];
      const rest = ['-u', 'root', '-g', 'root', '--vty_socket', directory, '-P', '0'];
      return lab.start('b', [...inOwnMounts(directory), join(frr, name), ...files, ...rest]);
    };
    const zebra = daemon('zebra');
    await until('zebra listens', () => existsSync(socket) || zebra.ended, startMs);
    const router = new FrrRouter(lab, options, daemon('vrrpd'));
    await router.becomes('Backup', startMs);
    return router;
  }

  /** Lines of its log so far: `from` for `becomes`. */
  get said(): number {
    return this.#vrrpd.lines.length;
  }

  /** How often it has become master. */
  get mastered(): number {
    return this.#vrrpd.lines.filter((line) => line.includes(`${this.#label}Backup -> Master`)).length;
  }

  /** Whether the device with the VIP is on: the others can reach the VIP here. */
  get owns(): boolean {
    return isUp(run('ip', '-n', this.#lab.namespace('b'), '-o', 'link', 'show', this.#device));
  }

  async becomes(state: 'Backup' | 'Master' | 'Initialize', withinMs: number, from = 0): Promise<void> {
    await this.says(this.#label, { withinMs, from, and: `-> ${state}` });
  }

  /** Waits for a line of its log. */
  async says(
    text: string,
    { and = '', ...options }: { readonly withinMs: number; readonly from?: number; readonly and?: string },
  ): Promise<void> {
    await this.#vrrpd.line((line) => line.includes(text) && line.includes(and), options);
  }

  /** Ends vrrpd the orderly way: it sends priority 0 and switches the device off. */
  end(): void {
    this.#vrrpd.signal('SIGTERM');
  }
}

/**
 * Who had the address when, by the kernels' notifications in both namespaces: our agent in place a by the address on
 * eth0, FRR in place b by its device.
 */
export class OwnerWatch {
  readonly #own: LabProcess;
  readonly #frr: LabProcess;
  readonly #address: string;
  readonly #device: string;
  #has = { own: false, frr: false };
  #sinceMs = Date.now();

  constructor(lab: Lab, options: Pick<FrrOptions, 'family'>) {
    this.#own = lab.start('a', ['ip', '-ts', '-o', 'monitor', 'address']);
    this.#frr = lab.start('b', ['ip', '-ts', '-o', 'monitor', 'link']);
    this.#address = ` ${addressOf(options)}/`;
    this.#device = deviceOf(options);
  }

  /** Forgets what was: one of them has the address now. */
  begin(owner: 'own' | 'frr'): void {
    this.#has = { own: owner === 'own', frr: owner === 'frr' };
    this.#sinceMs = Date.now();
  }

  /** The longest time in ms, since `begin`, in which both had it. */
  longestBothMs(): number {
    const changes = [...this.#changes('own'), ...this.#changes('frr')].toSorted((a, b) => a.atMs - b.atMs);
    const has = { ...this.#has };
    let [longest, bothSinceMs] = [0, Infinity];
    for (const { who, on, atMs } of changes) {
      if (atMs < this.#sinceMs) continue;
      has[who] = on;
      if (!has.own || !has.frr) {
        longest = Math.max(longest, atMs - bothSinceMs);
        bothSinceMs = Infinity;
      } else bothSinceMs = Math.min(bothSinceMs, atMs);
    }
    return Math.max(longest, Date.now() - bothSinceMs);
  }

  #changes(who: 'own' | 'frr'): OwnerChange[] {
    const [{ lines }, what] = who === 'own' ? [this.#own, this.#address] : [this.#frr, this.#device];
    const isOn = who === 'own' ? (line: string): boolean => !line.includes('Deleted') : isUp;
    return lines
      .filter((line) => line.includes(what))
      .map((line) => ({ who, on: isOn(line), atMs: Date.parse(/^\[([^\]]+)\]/.exec(line)?.[1] ?? '') }));
  }
}

interface OwnerChange {
  readonly who: 'own' | 'frr';
  readonly on: boolean;
  /** Wall clock, ms since 1970: `ip` prints the local time. */
  readonly atMs: number;
}

function isUp(link: string): boolean {
  return link.includes('LOWER_UP') && !link.includes('protodown on');
}

function addressOf({ family }: Pick<FrrOptions, 'family'>): string {
  return family === 6 ? vip6 : vip;
}

function deviceOf({ family }: Pick<FrrOptions, 'family'>): string {
  return `vrrp${family}-${routerId}`;
}

/** RFC 9568 section 7.3: the last byte is the router id, the one before it the family. */
function addDevice(lab: Lab, { family }: FrrOptions): void {
  const [device, mac] = [deviceOf({ family }), `00:00:5e:00:0${family === 6 ? 2 : 1}:${routerId.toString(16)}`];
  const ip = (...args: readonly string[]): string => run('ip', '-n', lab.namespace('b'), ...args);
  ip('link', 'add', device, 'link', 'eth0', 'address', mac, 'type', 'macvlan', 'mode', 'bridge');
  ip('addr', 'add', family === 6 ? `${vip6}/64` : `${vip}/24`, 'dev', device, ...(family === 6 ? ['nodad'] : []));
  ip('link', 'set', device, 'up');
}

function configuration(options: FrrOptions): string {
  const { family, version, priority, intervalMs } = options;
  const lines = [
    `version ${version}`,
    `priority ${priority}`,
    `advertisement-interval ${intervalMs}`,
    `${family === 6 ? 'ipv6' : 'ip'} ${addressOf(options)}`,
  ];
  const router = lines.map((line) => ` vrrp ${routerId} ${line}\n`).join('');
  return `log stdout debugging\ndebug vrrp protocol\ndebug vrrp zebra\ninterface eth0\n${router}`;
}

/** The machine's groups and those without which FRR's daemons do not start. */
function groupsWithFrr(): string {
  const known = readFileSync('/etc/group', 'utf8');
  return ['frr:x:64901:', 'frrvty:x:64900:root'].reduce(
    (groups, line) => (new RegExp(`^${line.split(':')[0]}:`, 'm').test(groups) ? groups : `${groups}${line}\n`),
    known,
  );
}

/** `ip netns exec` gives each process its own mounts: the groups, and what FRR writes without being asked, stay in them. */
function inOwnMounts(directory: string): string[] {
  const libraries = readdirSync(join(packageDirectory, 'usr/lib'))
    .map((name) => join(packageDirectory, 'usr/lib', name, 'frr'))
    .find((path) => existsSync(path));
  const mounts = [
    'mount --bind "$1" /etc/group',
    'mkdir -p /var/tmp/frr /run/frr',
    'mount -t tmpfs tmpfs /var/tmp/frr',
    'mount -t tmpfs tmpfs /run/frr',
  ];
  const script = `${mounts.join(' && ')} && shift && exec "$@"`;
  return ['sh', '-c', script, 'sh', join(directory, 'group'), 'env', `LD_LIBRARY_PATH=${libraries ?? ''}`];
}
