// `tospann run`: this node in the foreground until SIGTERM.
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Operation, OperationReport } from '@tospann/api';
import { type ConfigResult, loadConfig, selectNode } from '@tospann/config';
import { localAddresses } from '../local-addresses.ts';
import { makeLog, type Logger } from '../log.ts';
import { takeHandover } from '../supervisor/handover.ts';
import { Operations } from '../supervisor/operations.ts';
import { claimRunDir } from '../supervisor/run-dir.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { keepTuner } from '../supervisor/tuner-keeper.ts';
import { Exit, type ExitCode } from './exit.ts';
import { sayProblems } from './validate.ts';

export interface RunOptions {
  readonly config: string;
  readonly node?: string;
  readonly runDir: string;
  readonly stateDir: string;
}

export async function runNode(options: RunOptions): Promise<ExitCode> {
  const loaded = await loadConfig(options.config);
  if (!loaded.ok) {
    sayProblems([...loaded.problems, ...loaded.warnings]);
    return Exit.configInvalid;
  }
  return await superviseUntilSignal(loaded, options);
}

type Loaded = Extract<ConfigResult, { readonly ok: true }>;

async function superviseUntilSignal({ config, warnings }: Loaded, options: RunOptions): Promise<ExitCode> {
  const node = selectNode(config, { name: options.node, hostname: hostname(), localAddresses: localAddresses() });
  mkdirSync(options.stateDir, { recursive: true, mode: 0o750 });
  using _claim = claimRunDir(options.runDir);
  const handover = takeHandover();
  const log = makeLog(node.name, 'supervisor');
  for (const warning of warnings) log.warn({ event: 'config-warning', ...warning }, warning.message);
  const { runDir, stateDir } = options;
  using _tuner = keepTuner({ stateDir, log });
  return await new Promise<ExitCode>((resolve, reject) => {
    const failed = (): void => resolve(Exit.failed);
    const operate = (operation: Operation): Promise<OperationReport> => operations[operation]();
    const supervisor = new Supervisor({ config, node: node.name, runDir, stateDir, log, operate, handover, failed });
    const operations = new Operations({ supervisor, file: options.config, log });
    try {
      supervisor.start();
    } catch (error) {
      reject(error);
      return;
    }
    handleSignals({ supervisor, operations, log, ended: resolve });
  }).finally(() => setImmediate(() => process.exit()));
}

interface SignalHandling {
  readonly supervisor: Supervisor;
  readonly operations: Operations;
  readonly log: Logger;
  readonly ended: (code: ExitCode) => void;
}

function handleSignals({ supervisor, operations, log, ended }: SignalHandling): void {
  let stopping = false;
  const stop = (code: ExitCode) => (): void => {
    if (stopping) {
      supervisor.stopNow();
      ended(code);
      return;
    }
    stopping = true;
    log.info(
      { event: 'stopping' },
      'Giving up the addresses and ending what is under way; a second signal ends at once',
    );
    supervisor.stop().then(
      () => ended(code),
      (error: unknown) => {
        log.error({ event: 'stop-failed', error: String(error) }, 'The node did not end cleanly');
        ended(Exit.failed);
      },
    );
  };
  process.on('SIGTERM', stop(Exit.ok));
  process.on('SIGINT', stop(Exit.interrupted));
  process.on('SIGUSR1', () => supervisor.reopenLogs());
  process.on('SIGHUP', () => void operations.reload());
  process.on('SIGUSR2', () => void operations.upgrade());
}
