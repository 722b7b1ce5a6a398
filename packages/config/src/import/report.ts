// The report of an import: one entry for every line of the old files that says something. A line that nobody
// answered is refused by name at the end, so nothing is dropped in silence. Secrets are masked on the way in.

/** What became of a line. */
export type ImportVerdict = 'taken' | 'changed' | 'refused' | 'not-needed';

/** One line of an old file, neither blank nor only a comment. */
export interface SourceLine {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** As it stands in the file, trimmed. */
  readonly text: string;
}

/** One entry of the report. */
export interface ImportLine extends SourceLine {
  readonly verdict: ImportVerdict;
  /** Why, in words; ends without a period. */
  readonly why: string;
  /** Where it went in the new file, for instance `frontends.main.bind`; empty when nowhere. */
  readonly target: string;
  /** It kept somebody out, or something private: to be decided before the new file is used. */
  readonly decide?: true;
}

/** What a handler says about a line. */
export interface Answer {
  readonly verdict: ImportVerdict;
  readonly why: string;
  readonly target?: string;
  readonly decide?: true;
}

// The worst of several answers about one line is the line's verdict.
const SEVERITY: readonly ImportVerdict[] = ['not-needed', 'taken', 'changed', 'refused'];

/** Collects answers; `finish` adds the lines that got none. */
export class ImportReport {
  readonly #lines: SourceLine[] = [];
  readonly #answers = new Map<string, ImportLine>();

  /** Makes a line known; it must be answered or will be refused. */
  register(line: SourceLine): void {
    this.#lines.push(line);
  }

  /** Answers a line; a second answer is joined to the first. */
  answer(line: SourceLine, answer: Answer): void {
    const key = keyOf(line);
    const entry = { file: line.file, line: line.line, text: maskSecrets(line.text), target: '', ...answer };
    const before = this.#answers.get(key);
    this.#answers.set(key, before === undefined ? entry : join(before, entry));
  }

  /** What was answered so far. */
  answerOf(line: SourceLine): ImportLine | undefined {
    return this.#answers.get(keyOf(line));
  }

  /** Every line in order of files and lines. */
  finish(): ImportLine[] {
    return this.#lines.map(
      (line) =>
        this.#answers.get(keyOf(line)) ?? {
          file: line.file,
          line: line.line,
          text: maskSecrets(line.text),
          verdict: 'refused',
          why: `"${maskSecrets(line.text).split(/\s/)[0] ?? ''}" has no counterpart in this version, so nothing is made of it`,
          target: '',
        },
    );
  }
}

function keyOf(line: SourceLine): string {
  return `${line.file}\n${line.line}`;
}

function join(first: ImportLine, second: ImportLine): ImportLine {
  const worse = SEVERITY.indexOf(second.verdict) > SEVERITY.indexOf(first.verdict) ? second : first;
  const why = first.why.includes(second.why) ? first.why : `${first.why}; ${second.why}`;
  const targets = [first.target, second.target].flatMap((target) => (target === '' ? [] : target.split(', ')));
  const decide = first.decide === true || second.decide === true ? { decide: true as const } : {};
  return { ...first, ...decide, verdict: worse.verdict, why, target: [...new Set(targets)].join(', ') };
}

/** Replaces passwords by `***`: a report is printed and kept. */
export function maskSecrets(text: string): string {
  return text
    .replace(/(\bstats\s+auth\s+[^\s:]+:).*/i, '$1***')
    .replace(/(\bauth_(?:pass|hmac\w*)\s+)[^{}\s].*/i, '$1***')
    .replace(/(\bhex:)[\da-f]+/gi, '$1***')
    .replace(/^((?:auth_)?(?:key|secret)\s+).*/i, '$1***')
    .replace(/(\b(?:insecure-)?password\s+)\S+/i, '$1***')
    .replace(/(\bauthorization:?\\?\s+(?:basic|bearer)\\?\s+)[^\s\\"]+/gi, '$1***');
}

/** Writes a report for people: first what must be decided, then each line with its verdict, what it became and why. */
export function formatImportReport(report: readonly ImportLine[]): string {
  const decide = report.filter((entry) => entry.decide === true);
  if (decide.length === 0) return report.map(formatLine).join('\n');
  const head = `To be decided first: what kept somebody out, or something private, and could not be taken (${decide.length})`;
  return [head, ...decide.map(formatLine), '', 'Every line:', ...report.map(formatLine)].join('\n');
}

function formatLine(entry: ImportLine): string {
  const target = entry.target === '' ? '' : `${entry.target}: `;
  return `${entry.file}:${entry.line}: ${entry.verdict.padEnd(10)} ${entry.text}\n    ${target}${entry.why}`;
}
