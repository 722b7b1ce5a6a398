// Builds the single executable: bundles the main program and the worker threads, packs them with the console's
// files into a copy of this very Node. Run by turbo after the console's build. Output: apps/appliance/dist.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions } from 'esbuild';

const appliance = fileURLToPath(new URL('..', import.meta.url));
const root = join(appliance, '../..');
const dist = join(appliance, 'dist');
const consoleDist = join(root, 'apps/console/dist');

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  conditions: ['@tospann/source'],
  // Names and lines stay: an uncaught error prints its source line into the journal.
  minifySyntax: true,
  lineLimit: 200,
  legalComments: 'none',
  logLevel: 'warning',
};

async function bundle(): Promise<void> {
  // CommonJS: a built-in module is loaded where it is used. As an ES module all of them are loaded at the start,
  // with everything that their namespaces name: 100 ms of a proxy's restart.
  await build({
    ...common,
    entryPoints: [join(appliance, 'src/main.ts')],
    format: 'cjs',
    outfile: join(dist, 'main.cjs'),
    // Only code that runs from source asks for its own place.
    define: { 'import.meta.url': '"file:///"' },
  });
  await build({
    ...common,
    entryPoints: {
      'proxy-worker': join(root, 'packages/proxy/src/io/proxy-worker.ts'),
      'vrrp-worker': join(root, 'packages/vrrp/src/io/vrrp-worker.ts'),
    },
    format: 'cjs',
    outdir: join(dist, 'workers'),
    outExtension: { '.js': '.cjs' },
  });
}

function assets(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ['proxy-worker', 'vrrp-worker'])
    found[`workers/${name}.cjs`] = join(dist, 'workers', `${name}.cjs`);
  for (const entry of readdirSync(consoleDist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    found[`console/${file.slice(consoleDist.length + 1)}`] = file;
  }
  return found;
}

/** The runtime without its symbols: 30 MB less. Cached, because it changes only with the Node version. */
function strippedNode(): string {
  const file = join(dist, `node-${process.versions.node}`);
  try {
    readFileSync(`${file}.ok`);
  } catch {
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    execFileSync('strip', ['--strip-all', file]);
    writeFileSync(`${file}.ok`, '');
  }
  return file;
}

function pack(): void {
  const output = join(dist, 'tospann.new');
  const sea = {
    main: join(dist, 'main.cjs'),
    executable: strippedNode(),
    output,
    useCodeCache: true,
    disableExperimentalSEAWarning: true,
    // SIGUSR1 (logrotate) must open no debugger, which any local user could use: it waits until there is a handler.
    execArgv: ['--disable-warning=ExperimentalWarning', '--disable-sigusr1'],
    execArgvExtension: 'none',
    assets: assets(),
  };
  writeFileSync(join(dist, 'sea.json'), JSON.stringify(sea));
  rmSync(output, { force: true });
  execFileSync(process.execPath, ['--build-sea', join(dist, 'sea.json')], { stdio: ['ignore', 'ignore', 'inherit'] });
  chmodSync(output, 0o755);
  renameSync(output, join(dist, 'tospann'));
}

mkdirSync(dist, { recursive: true });
await bundle();
pack();
