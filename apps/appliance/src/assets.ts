// What the executable carries beside its main program: the source texts of the worker threads and the console's
// files. In the single executable they are assets of it; run from source they are files of the working tree.
import { existsSync, readFileSync } from 'node:fs';
import { isSea, getRawAsset } from 'node:sea';
import { fileURLToPath } from 'node:url';
import { Worker, type Transferable } from 'node:worker_threads';

export type WorkerName = 'proxy-worker' | 'vrrp-worker';

const fromSource: Readonly<Record<WorkerName, string>> = {
  'proxy-worker': '../../../packages/proxy/src/io/proxy-worker.ts',
  'vrrp-worker': '../../../packages/vrrp/src/io/vrrp-worker.ts',
};

/** Starts a worker thread of this program. */
export function startWorker(name: WorkerName, workerData: unknown, transferList: readonly Transferable[] = []): Worker {
  const options = { workerData, transferList: [...transferList], stdout: false, stderr: false };
  if (isSea()) {
    const source = Buffer.from(getRawAsset(`workers/${name}.cjs`)).toString('utf8');
    return new Worker(source, { ...options, eval: true, name });
  }
  return new Worker(new URL(fromSource[name], import.meta.url), { ...options, name });
}

/** A file of the console, or undefined when there is none of that path (without a leading slash). */
export function consoleFile(path: string): Uint8Array | undefined {
  if (isSea()) {
    try {
      return new Uint8Array(getRawAsset(`console/${path}`));
    } catch {
      return undefined; // node:sea throws for an unknown name; it has no way to ask
    }
  }
  const file = fileURLToPath(new URL(`../../console/dist/${path}`, import.meta.url));
  return !path.includes('..') && existsSync(file) ? readFileSync(file) : undefined;
}

/** How to start this program again in another role: executable and the arguments before the user's own. */
export function ownCommand(): { readonly file: string; readonly args: readonly string[] } {
  if (isSea()) return { file: process.execPath, args: [] };
  return { file: process.execPath, args: [...process.execArgv, fileURLToPath(new URL('main.ts', import.meta.url))] };
}
