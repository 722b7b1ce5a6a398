// The benchmark's results as a Markdown table. Pure.
import type { RunResult } from './bench.ts';
import { compareRuns, median } from './statistics.ts';

const REFERENCE = 'haproxy';

/** One row a contender: medians over its runs, and the CPU ratio to HAProxy pair by pair (median, least - greatest). */
export function renderTable(results: readonly RunResult[], description: string): string {
  const names = [...new Set(results.map((result) => result.contender))];
  const runsOf = (name: string): RunResult[] => results.filter((result) => result.contender === name);
  const reference = runsOf(REFERENCE).map((run) => run.cpuMicrosecondsPerRequest);
  const rows = names.map((name) => row(name, runsOf(name), reference));
  return [
    `${description}:`,
    '',
    '| proxy | CPU µs a request | ratio to HAProxy | requests/s | p50 ms | p99 ms | p99.9 ms | errors |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function row(name: string, runs: readonly RunResult[], reference: readonly number[]): string {
  const middle = (pick: (run: RunResult) => number): number => median(runs.map(pick));
  const cpu = runs.map((run) => run.cpuMicrosecondsPerRequest);
  const ratio = compareRuns(cpu, reference);
  const ratioText =
    ratio.pairs === 0 || name === REFERENCE
      ? ''
      : `**${two(ratio.median)}** (${two(ratio.least)} - ${two(ratio.greatest)})`;
  const cells = [
    name,
    `${two(median(cpu))} (${two(Math.min(...cpu))} - ${two(Math.max(...cpu))})`,
    ratioText,
    String(Math.round(middle((run) => run.requestsPerSecond))),
    two(middle((run) => run.p50) / 1000),
    two(middle((run) => run.p99) / 1000),
    two(middle((run) => run.p999) / 1000),
    String(runs.reduce((sum, run) => sum + run.errors, 0)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function two(value: number): string {
  return value.toFixed(2);
}
