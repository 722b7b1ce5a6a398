// Runs the checks of scripts/test one after another and counts: each static check is one, each test case is one.
// Prints what failed as it fails; the last line is "N passed, N failed[, N skipped]". Exit code 0 or 1.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const statics: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'oxfmt', '--check', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['boundaries', 'node', 'scripts/lib/check-boundaries.ts'],
  ['documents', 'node', '--conditions=@tospann/source', 'scripts/lib/generate-docs.ts', '--check'],
  ['types', 'tsc', '-p', '.'],
  ['types of the console', 'tsc', '-p', 'apps/console'],
];

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const only = process.argv[2] ?? 'all';

for (const [name, command, ...args] of statics) runStatic(name, command, args);
runVitest('unit', 'sockets');
if (only === 'all') runVitest('system');

const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
print(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exit(tally.failed === 0 ? 0 : 1);

function runStatic(name: string, command: string, args: readonly string[]): void {
  const begun = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  const ok = status === 0;
  tally[ok ? 'passed' : 'failed'] += 1;
  print(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds(begun)})`);
  if (!ok) print(`${stdout}${stderr}`.trimEnd());
}

function runVitest(...projects: readonly string[]): void {
  const begun = process.hrtime.bigint();
  const dir = mkdtempSync(join(tmpdir(), 'tospann-checks-'));
  const report = join(dir, 'report.json');
  const chosen = projects.flatMap((project) => ['--project', project]);
  const args = ['run', ...chosen, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync('vitest', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  count(report, status === 0);
  rmSync(dir, { recursive: true, force: true });
  print(`${status === 0 ? 'ok  ' : 'FAIL'} ${projects.join(' and ')} tests (${seconds(begun)})`);
}

/** Adds a vitest report; a run that failed without a failed case (a file that does not load) counts as one. */
function count(report: string, ok: boolean): void {
  let failed = 0;
  try {
    const read = JSON.parse(readFileSync(report, 'utf8')) as Record<
      'numPassedTests' | 'numFailedTests' | 'numPendingTests',
      number
    >;
    tally.passed += read.numPassedTests;
    tally.skipped += read.numPendingTests;
    failed = read.numFailedTests;
  } catch (error) {
    print(`No report of the tests: ${String(error)}`);
  }
  tally.failed += ok ? failed : Math.max(1, failed);
}

function seconds(begun: bigint): string {
  return `${Number((process.hrtime.bigint() - begun) / 1_000_000n) / 1000} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
