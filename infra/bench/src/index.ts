// The benchmark's names for other tools.
export { Bench, BENCH_ADDRESS, type RunResult } from './bench.ts';
export type { LoadOptions, LoadReport } from './clients.ts';
export { haproxy, httpProxy, nginx, tospann, type Contender, type HaproxyLog, type Site } from './contenders.ts';
export { compareRuns, median, type RatioSummary } from './statistics.ts';
export { renderTable } from './table.ts';
