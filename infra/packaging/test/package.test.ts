// The Debian package on a booted system: a container over this machine's own files, which stay as they are. Installed,
// killed eight times, removed and purged; what each step leaves. Needs root and systemd-nspawn.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const packaging = fileURLToPath(new URL('..', import.meta.url));

const UNIT = `[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /package/story.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/package/said
StandardError=file:/package/errors
`;

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 170_000 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${status}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout;
}

/** A root file system over this machine's, in memory; what is written to it goes with it. */
class Container implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'tospann-package-'));
  readonly #root = join(this.#dir, 'layers/root');
  /** Seen as /package inside. */
  readonly shared = join(this.#dir, 'shared');

  constructor() {
    const layers = join(this.#dir, 'layers');
    mkdirSync(layers);
    mkdirSync(this.shared);
    run('mount', '-t', 'tmpfs', 'tmpfs', layers);
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(layers, name));
    const options = `lowerdir=/,upperdir=${layers}/upper,workdir=${layers}/work`;
    run('mount', '-t', 'overlay', 'overlay', '-o', options, this.#root);
  }

  /** Boots, runs the unit, and ends. */
  boot(): void {
    writeFileSync(join(this.#root, 'etc/systemd/system/story.service'), UNIT);
    const machine = `tospann-${process.pid}`;
    const inside = ['-b', `--bind=${this.shared}:/package`, 'systemd.unit=basic.target', 'systemd.wants=story.service'];
    const own = ['--private-network', '--register=no', '--keep-unit', `--machine=${machine}`];
    run('systemd-nspawn', '--quiet', '-D', this.#root, ...own, ...inside);
  }

  [Symbol.dispose](): void {
    for (const mount of [this.#root, join(this.#dir, 'layers')]) spawnSync('umount', ['-l', mount]);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

test('the package: installs quietly, comes up however often it is killed, leaves nothing', () => {
  using container = new Container();
  const built = run(join(packaging, 'build-deb')).trim();
  copyFileSync(join(packaging, '../..', built), join(container.shared, 'tospann_test.deb'));
  copyFileSync(join(packaging, 'test/story.sh'), join(container.shared, 'story.sh'));
  container.boot();
  const errors = readFileSync(join(container.shared, 'errors'), 'utf8');
  const said = readFileSync(join(container.shared, 'said'), 'utf8').trim().split('\n');
  expect(Object.fromEntries(said.map((line) => line.split(/: ?(.*)/s).slice(0, 2))), errors).toEqual({
    'installed-starts-nothing': 'inactive',
    owns: '192.168.77.200',
    'after-eight-kills': 'active',
    'owns-again': '192.168.77.200',
    'arp-while-running': '1',
    'removed-runs': 'no',
    'removed-owns': 'no',
    'removed-arp': '0',
    'removed-settings': '',
    'removed-keeps': 'cluster.key tospann.yaml',
    purged: '',
    end: 'reached',
  });
});
