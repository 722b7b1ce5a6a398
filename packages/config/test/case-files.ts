// Golden cases as data: a `.case` file is an input, a line of dashes, and what must come out. Adding a case adds no
// code.
import { readdirSync, readFileSync } from 'node:fs';

export interface CaseFile {
  readonly name: string;
  readonly input: string;
  readonly expected: string;
}

const DASHES = '----------\n';

/** Reads every `.case` file of a folder beside this file. */
export function readCases(folder: string): CaseFile[] {
  const directory = new URL(`./${folder}/`, import.meta.url);
  return readdirSync(directory)
    .filter((file) => file.endsWith('.case'))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, directory), 'utf8');
      const at = text.startsWith(DASHES) ? 0 : text.indexOf(`\n${DASHES}`) + 1;
      return {
        name: file.replace(/\.case$/, ''),
        input: text.slice(0, at),
        expected: text.slice(at + DASHES.length),
      };
    });
}

/** Reads a file beside this one. */
export function readFixture(path: string): string {
  return readFileSync(new URL(`./${path}`, import.meta.url), 'utf8');
}
