// `tospann validate`: all problems of a configuration at once, each with its place and a hint.
import { type ConfigProblem, formatProblem, loadConfig } from '@tospann/config';
import { Exit, type ExitCode, out, say } from './exit.ts';

export interface ValidateOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function validateCommand(options: ValidateOptions): Promise<ExitCode> {
  const result = await loadConfig(options.config);
  const valid = result.config !== undefined;
  if (options.json === true) {
    out(JSON.stringify({ valid, file: options.config, problems: result.problems, warnings: result.warnings, ...(valid ? { hash: result.config.hash } : {}) }));
  } else {
    sayProblems([...result.problems, ...result.warnings]);
    if (valid) out(`${options.config} is valid (hash ${result.config.hash.slice(0, 12)})`);
  }
  if (!valid) say(`${result.problems.length} ${result.problems.length === 1 ? 'problem' : 'problems'} in ${options.config}`);
  return valid ? Exit.ok : Exit.configInvalid;
}

/** Prints problems in the order of the file. */
export function sayProblems(problems: readonly ConfigProblem[]): void {
  for (const problem of problems) say(formatProblem(problem));
}
