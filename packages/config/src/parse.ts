// The text of a configuration file to the model, or to every problem that it has, each with its place. Never throws
// on input: a wrong file is an expected result.
import { TospannError } from '@tospann/errors';
import { buildModel } from './build.ts';
import { isRawMap, readDocument, type ConfigDocument, type DocumentReading, type Place, type Raw } from './document.ts';
import { exampleOf, findingsOf } from './issues.ts';
import { refusedFaults } from './faults-refused.ts';
import { lint } from './lint.ts';
import type { PairConfig } from './model.ts';

import { problemAt, sortProblems, type ConfigProblem, type Finding } from './problem.ts';
import { configSchema } from './schema.ts';

/** A file that can be used, with what is worth a word; or all that is wrong with it. */
export type ConfigResult =
  | { readonly ok: true; readonly config: PairConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

/**
 * Reads the text of a configuration file.
 *
 * @param text YAML 1.2, at most 1 MiB.
 * @param options.file The name that problems carry.
 * @returns The model with defaults, or every error at once in file order. Warnings come with both and keep nothing
 * from running. When the text is not YAML, only that is reported: anything else would be a guess.
 */
export function parseConfig(text: string, options: { readonly file: string }): ConfigResult {
  return parseWithPlaces(text, options).result;
}

/** As `parseConfig`, with a way to place further findings; `placed` does nothing for text that is not YAML. */
export function parseWithPlaces(
  text: string,
  options: { readonly file: string },
): { readonly result: ConfigResult; readonly placed: (findings: readonly Finding[]) => readonly ConfigProblem[] } {
  const reading = readDocument(text);
  const { document } = reading;
  return {
    result: parseReading(reading, options),
    placed: (findings) => (document === undefined ? [] : place(findings, document, options.file)),
  };
}

function parseReading(reading: DocumentReading, options: { readonly file: string }): ConfigResult {
  const { document, findings } = reading;
  const textProblems = findings.map(({ finding, place }) => problemAt(finding, { file: options.file, ...place }));
  if (document === undefined) return failure(textProblems);
  const { root } = document;
  if (!isRawMap(root)) {
    const parsed = configSchema.safeParse(root);
    return failure([...textProblems, ...place(findingsOf(parsed.error?.issues ?? [], root), document, options.file)]);
  }
  const parsed = configSchema.safeParse(root);
  const schemaFindings = parsed.success ? [] : findingsOf(parsed.error.issues, root);
  const all = place([...schemaFindings, ...required(root), ...lint(root)], document, options.file);
  const problems = [...textProblems, ...all];
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0 || !parsed.success) return failure(problems);
  const config = buildModel(parsed.data);
  const whole = [...problems, ...place(refusedFaults(config), document, options.file)];
  if (whole.some((problem) => problem.severity === 'error')) return failure(whole);
  return { ok: true, config, warnings: sortProblems(whole) };
}

// Mappings of names may be written empty; these three may not be.
function required(root: Parameters<typeof lint>[0]): Finding[] {
  const cluster = root['cluster'];
  const candidates: { readonly path: Finding['path']; readonly value: Raw | undefined }[] = [
    { path: ['cluster', 'nodes'], value: isRawMap(cluster) ? cluster['nodes'] : undefined },
    { path: ['frontends'], value: root['frontends'] },
  ];
  const backends = root['backends'];
  if (isRawMap(backends)) {
    for (const [name, backend] of Object.entries(backends)) {
      candidates.push({
        path: ['backends', name, 'servers'],
        value: isRawMap(backend) ? backend['servers'] : undefined,
      });
    }
  }
  return candidates
    .filter(({ value }) => isRawMap(value) && Object.keys(value).length === 0)
    .map(({ path }): Finding => {
      const field = path.at(-1) ?? '';
      const constraint = 'a mapping with at least one entry';
      const params = { field, constraint, value: '{}', example: exampleOf(path) };
      return { severity: 'error', code: 'LB_CONFIG_OUT_OF_RANGE', path, at: 'value', params };
    });
}

function place(findings: readonly Finding[], document: ConfigDocument, file: string): ConfigProblem[] {
  return findings.map((finding) => {
    const found: Place = document.placeOf(finding.path, finding.at);
    return problemAt(finding, { file, ...found });
  });
}

function failure(problems: readonly ConfigProblem[]): ConfigResult {
  const sorted = sortProblems(problems);
  return {
    ok: false,
    problems: sorted.filter((problem) => problem.severity === 'error'),
    warnings: sorted.filter((problem) => problem.severity === 'warning'),
  };
}

/** An error that stands for all problems of a file, for callers that need one: the first, with the number of others. */
export function configError(problems: readonly ConfigProblem[]): TospannError {
  const [first] = problems;
  const detail = first === undefined ? 'no problem was given' : `${first.file}:${first.line}: ${first.message}`;
  return new TospannError('LB_CONFIG_INVALID', { detail, count: problems.length });
}
