// `tospann validate`: all problems of a configuration at once, each with its place and a hint.
import { type ConfigProblem, formatProblem, loadConfig } from '@tospann/config';
import { Exit, type ExitCode, out, outJson, say } from './exit.ts';

export interface ValidateOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function validateCommand(options: ValidateOptions): Promise<ExitCode> {
  const result = await loadConfig(options.config);
  const problems = result.ok ? [] : result.problems;
  const hash = result.ok ? { hash: result.config.hash } : {};
  if (options.json === true)
    outJson({ valid: result.ok, file: options.config, problems, warnings: result.warnings, ...hash });
  else sayProblems([...problems, ...result.warnings]);
  if (!result.ok) say(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${options.config}`);
  else if (options.json !== true) out(`${options.config} is valid (hash ${result.config.hash.slice(0, 12)})`);
  return result.ok ? Exit.ok : Exit.configInvalid;
}

/** Prints problems in the order of the file. */
export function sayProblems(problems: readonly ConfigProblem[]): void {
  for (const problem of problems) say(formatProblem(problem).split('\n'));
}
