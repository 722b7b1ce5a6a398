// Starts the data plane's worker thread from its source, as the tests of startProxy() need it. Not the service itself.
import { Worker } from 'node:worker_threads';

/** A `startWorker` for startProxy(): the real worker, with types stripped as it is loaded. */
export function startWorker(_name: string, workerData: unknown): Worker {
  return new Worker(new URL('../src/io/proxy-worker.ts', import.meta.url), {
    workerData,
    execArgv: ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'],
  });
}
