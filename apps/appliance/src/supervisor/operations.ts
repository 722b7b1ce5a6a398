// What an operator asks of a running node, by a signal or over the control socket: one after the other, each answered
// with a report. Never rejects; what fails has changed nothing.
import type { OperationReport } from '@tospann/api';
import {
  type ConfigResult,
  diffConfigs,
  formatChange,
  formatProblem,
  listChanges,
  RESTART_PARTS,
} from '@tospann/config';
import { isTospannError, TospannError } from '@tospann/errors';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';
import type { Supervisor } from './supervisor.ts';
import { loadAway, type Loaded } from './config-loader.ts';
import { checkProgram, prepareReplacement } from './upgrade.ts';

/** The answer to who asked is on its way before the program is replaced, ms. */
const REPORT_FIRST_MS = 250;

export interface OperationOptions {
  /** Also where nothing would change. */
  readonly force: boolean;
}

export interface OperationsOptions {
  readonly supervisor: Supervisor;
  /** The configuration file. */
  readonly file: string;
  readonly log: Logger;
  /** This configuration serves now. */
  readonly served: (loaded: Loaded) => void;
}

export class Operations {
  readonly #options: OperationsOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Reads the configuration file again and serves it, if it is valid. */
  async reload(): Promise<OperationReport> {
    return await this.#inTurn(async () => {
      const { supervisor, file, served } = this.#options;
      const loaded = await loadAway(file);
      if (!loaded.ok) return this.#invalid(loaded);
      const changes = listChanges(supervisor.config, loaded.config).map(formatChange);
      const how = await supervisor.reload(loaded.config);
      served(loaded);
      const summary = changes.length === 0 ? 'Nothing differs from the configuration that served' : `Reloaded ${how}`;
      return { outcome: changes.length === 0 ? 'unchanged' : 'done', summary, lines: changes, code: '', hint: '' };
    });
  }

  /**
   * Goes over to the program that is installed now, if that is another one, runs here and takes the configuration. The report
   * comes before: the act itself follows it.
   */
  async upgrade({ force }: OperationOptions = { force: false }): Promise<OperationReport> {
    return await this.#inTurn(async () => {
      const { supervisor, file, log } = this.#options;
      const loaded = await loadAway(file);
      if (!loaded.ok) return this.#invalid(loaded);
      const fixed = diffConfigs(supervisor.config, loaded.config).filter((part) => RESTART_PARTS.includes(part));
      if (fixed.length > 0) throw new TospannError('LB_OPERATION_RELOAD_NEEDS_RESTART', { parts: fixed.join(' and ') });
      const next = await checkProgram(supervisor, { file, force });
      if (next === undefined) return sameProgram();
      const replace = await prepareReplacement(supervisor, next);
      log.info({ event: 'upgrade', from: version, to: next.version }, 'The program is replaced by the one on disk');
      setTimeout(() => void this.#inTurn(() => Promise.resolve().then(replace)), REPORT_FIRST_MS);
      const summary = `Version ${version} is replaced by ${next.version}`;
      const evidence = { from: version, to: next.version };
      supervisor.events.tell({ event: 'node', severity: 'info', text: summary, evidence });
      return { outcome: 'done', summary, lines: [], code: '', hint: '' };
    });
  }

  /** One operation after the other: each begins from what the one before left. */
  async #inTurn(operate: () => Promise<OperationReport>): Promise<OperationReport> {
    const mine = this.#last.then(async () => {
      try {
        return await operate();
      } catch (error) {
        return this.#failed(error);
      }
    });
    this.#last = mine;
    return await mine;
  }

  #invalid(loaded: Extract<ConfigResult, { readonly ok: false }>): OperationReport {
    const { log, file } = this.#options;
    for (const problem of loaded.problems) log.error({ event: 'reload-failed', ...problem }, problem.message);
    const lines = [...loaded.problems, ...loaded.warnings].map(formatProblem);
    const summary = `The configuration in ${file} is not valid; the old one serves on`;
    const evidence = { problems: lines.length, first: lines[0] ?? '' };
    this.#options.supervisor.events.tell({ event: 'config', severity: 'warning', text: summary, evidence });
    return { outcome: 'invalid', summary, lines, code: '', hint: '' };
  }

  #failed(error: unknown): OperationReport {
    const known = isTospannError(error);
    const code = known ? error.code : 'LB_INTERNAL';
    const hint = known ? error.hint : '';
    const summary = error instanceof Error ? error.message : String(error);
    this.#options.log.error({ event: 'reload-failed', code, hint }, summary);
    const event = { event: 'config', severity: 'warning', text: `${summary}. ${hint}`, evidence: { code } } as const;
    this.#options.supervisor.events.tell(event);
    return { outcome: 'failed', summary, lines: [], code, hint };
  }
}

function sameProgram(): OperationReport {
  const summary = `Version ${version} runs already: the installed program is the same, nothing was done`;
  const hint = 'Say "tospann upgrade --force" to start it anew all the same';
  return { outcome: 'unchanged', summary, lines: [], code: '', hint };
}
