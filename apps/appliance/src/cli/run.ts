// `tospann run`: this node in the foreground until SIGTERM.
import { constants, hostname } from 'node:os';
import type { Operation, OperationReport } from '@tospann/api';
import { type ConfigResult, formatProblem, loadConfig, selectNode } from '@tospann/config';
import { releaseSignals, unblockSignal } from '@tospann/linux';
import { localAddresses } from '../local-addresses.ts';
import { makeLog, type Logger } from '../log.ts';
import { watchConfiguration } from '../supervisor/configuration.ts';
import { takeHandover } from '../supervisor/handover.ts';
import { readLastGood } from '../supervisor/last-good.ts';
import { type OperationOptions, Operations } from '../supervisor/operations.ts';
import { rehearse } from '../supervisor/rehearsal.ts';
import { RunDir } from '../supervisor/run-dir.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { keepTuner } from '../supervisor/tuner-keeper.ts';
import { Exit, type ExitCode } from './exit.ts';
import { sayProblems } from './validate.ts';

export interface RunOptions {
  readonly config: string;
  readonly node?: string;
  readonly runDir: string;
  readonly stateDir: string;
  /** Not a start: try what one can fail at, for the supervisor that is to be replaced. */
  readonly rehearse?: boolean;
}

export async function runNode(options: RunOptions): Promise<ExitCode> {
  if (options.rehearse === true) return await rehearse(options);
  const { loaded, broken } = await loadOrLastGood(options);
  if (!loaded.ok) return Exit.configInvalid;
  return await superviseUntilSignal(loaded, { ...options, broken });
}

type Loaded = Extract<ConfigResult, { readonly ok: true }>;

/** A file that is broken is said loudly, and what served last serves: a node that was restarted must come back. */
async function loadOrLastGood(
  options: RunOptions,
): Promise<{ readonly loaded: ConfigResult; readonly broken: string }> {
  let broken: string;
  let loaded: ConfigResult | undefined;
  let failure: unknown;
  try {
    loaded = await loadConfig(options.config);
    if (loaded.ok) return { loaded, broken: '' };
    sayProblems([...loaded.problems, ...loaded.warnings]);
    broken = loaded.problems.map(formatProblem)[0]?.split('\n')[0] ?? 'it is not valid';
  } catch (error) {
    failure = error;
    broken = error instanceof Error ? error.message : String(error);
  }
  const lastGood = readLastGood(options.stateDir, options.config);
  if (lastGood !== undefined) return { loaded: lastGood, broken };
  if (loaded === undefined) throw failure;
  return { loaded, broken };
}

interface StartOptions extends RunOptions {
  /** Why the configuration file cannot be used; empty: it is what starts. */
  readonly broken: string;
}

async function superviseUntilSignal({ config, warnings }: Loaded, options: StartOptions): Promise<ExitCode> {
  const node = selectNode(config, { name: options.node, hostname: hostname(), localAddresses: localAddresses() });
  const handover = takeHandover();
  using runDir = new RunDir(options.runDir, handover?.claim);
  const log = makeLog(node.name, 'supervisor');
  for (const warning of warnings) log.warn({ event: 'config-warning', ...warning }, warning.message);
  const { stateDir, config: file } = options;
  using _tuner = keepTuner({ stateDir, log });
  return await new Promise<ExitCode>((resolve, reject) => {
    const failed = (): void => resolve(Exit.failed);
    const operate = (operation: Operation, how: OperationOptions): Promise<OperationReport> =>
      operation === 'reload' ? operations.reload() : operations.upgrade(how);
    const supervisor = new Supervisor({ config, node: node.name, runDir, stateDir, log, operate, handover, failed });
    const watched = watchConfiguration({ supervisor, file, stateDir, log });
    const operations = new Operations({ supervisor, file, log, served: watched.served });
    try {
      supervisor.start();
    } catch (error) {
      reject(error);
      return;
    }
    handleSignals({ supervisor, operations, log, ended: resolve });
    watched.begin(options.broken);
    // Those that came while the program was replaced come now.
    if (handover !== undefined) releaseSignals();
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
  unblockSignal(constants.signals.SIGUSR1);
  process.on(
    'SIGHUP',
    once(async () => await operations.reload()),
  );
  process.on(
    'SIGUSR2',
    once(async () => await operations.upgrade()),
  );
}

/** One that waits does for all that come before it begins: a thousand signals are not a thousand reloads. */
function once(operate: () => Promise<unknown>): () => void {
  let running = false;
  let wanted = false;
  const next = async (): Promise<void> => {
    running = true;
    for (; wanted;) {
      wanted = false;
      await operate();
    }
    running = false;
  };
  return () => {
    wanted = true;
    if (!running) void next();
  };
}
