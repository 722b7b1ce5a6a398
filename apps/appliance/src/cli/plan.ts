// `tospann plan`: what a configuration would change in the running node, and who owns the addresses after each fault.
// Changes nothing.
import { changeEffect, diffConfigs, faultTable, listChanges, loadConfig, type PairConfig } from '@tospann/config';
import { isTospannError } from '@tospann/errors';
import { renderPlan, type Plan } from '../core/render-plan.ts';
import { ask } from './control.ts';
import { Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { sayProblems } from './validate.ts';

export interface PlanOptions {
  readonly config: string;
  readonly runDir: string;
  readonly json?: boolean;
}

/** Exit 3: the configuration is not valid. A node that does not run is no error: then there is only the fault table. */
export async function planCommand(options: PlanOptions): Promise<ExitCode> {
  const loaded = await loadConfig(options.config);
  const problems = loaded.ok ? [] : loaded.problems;
  if (!loaded.ok) {
    if (options.json === true) outJson({ valid: false, file: options.config, problems });
    else sayProblems([...problems, ...loaded.warnings]);
    say(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${options.config}`);
    return Exit.configInvalid;
  }
  const { config } = loaded;
  if (options.json !== true) sayProblems(loaded.warnings);
  const running = await runningConfig(options.runDir);
  const parts = running === undefined ? [] : diffConfigs(running, config);
  const plan: Plan = {
    file: options.config,
    hash: config.hash,
    ...(running === undefined ? {} : { running: { hash: running.hash } }),
    changes:
      running === undefined
        ? []
        : listChanges(running, config).map((change) => ({ ...change, effect: changeEffect(change, parts) })),
    faults: faultTable(config),
  };
  if (options.json === true) outJson({ valid: true, ...plan });
  else out(renderPlan(plan));
  return Exit.ok;
}

async function runningConfig(runDir: string): Promise<PairConfig | undefined> {
  try {
    const answer = await ask(runDir, { method: 'GET', path: '/api/v1/config' });
    if (answer.status === 200 && isModel(answer.body)) return answer.body;
    say(`The running node does not tell its configuration (status ${answer.status}): nothing is compared`);
    return undefined;
  } catch (error) {
    if (isTospannError(error) && error.code === 'LB_OPERATION_NOT_REACHABLE') return undefined;
    throw error;
  }
}

/** The node of this run directory is of this program, or of one that is about to replace it: the model is the same. */
function isModel(body: unknown): body is PairConfig {
  if (typeof body !== 'object' || body === null) return false;
  const model = body as Partial<Record<keyof PairConfig, unknown>>;
  const lists = [model.vips, model.frontends, model.backends];
  return model.version === 1 && typeof model.hash === 'string' && lists.every((list) => Array.isArray(list));
}
