// The client programs of the HTTP benchmark, as command lines and as readers of what they print: wrk asks as fast as
// it gets answers, h2load asks at a fixed rate. Pure; bench.ts runs them.

/** What the client does for some seconds. */
export interface LoadOptions {
  readonly seconds: number;
  readonly connections: number;
  readonly path: string;
  /** A new connection for each request. */
  readonly close?: boolean;
  /** Says that gzip is taken. */
  readonly compress?: boolean;
  /** Requests a second, evenly over all connections; absent: as fast as answers come. */
  readonly rate?: number;
}

/** What a client saw. Latencies in microseconds. */
export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  /** Failed connections, reads, writes, time-outs, and answers that were not 2xx or 3xx. */
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** A Lua script for wrk that prints its figures as one line of JSON. */
export const WRK_REPORT = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d,"p999":%d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`;

export function wrkCommand(url: string, options: LoadOptions, script: string): string[] {
  const load = ['-t1', `-c${options.connections}`, `-d${options.seconds}s`, '--timeout', '5s', '-s', script];
  const headers = [
    ...(options.close === true ? ['-H', 'Connection: close'] : []),
    ...(options.compress === true ? ['-H', 'Accept-Encoding: gzip'] : []),
  ];
  return ['wrk', ...load, ...headers, url];
}

/** Reads the line that WRK_REPORT prints. */
export function readWrk(line: Readonly<Record<string, unknown>>): LoadReport {
  const { microseconds, ...rest } = line as unknown as LoadReport & { readonly microseconds: number };
  return { ...rest, seconds: microseconds / 1e6 };
}

/** h2load with HTTP/1.1; it writes a line a request into `logFile`. */
export function h2loadCommand(url: string, options: LoadOptions, logFile: string): string[] {
  const perConnection = (options.rate ?? 0) / options.connections;
  const load = ['-c', String(options.connections), '-D', String(options.seconds), '--rps', perConnection.toFixed(3)];
  return ['h2load', '--h1', ...load, `--log-file=${logFile}`, url];
}

/** Reads h2load's log: start in microseconds, status, microseconds until the end of the answer, by tabs. */
export function readH2load(log: string, seconds: number): LoadReport {
  const rows = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t').map(Number));
  const took = rows.map((row) => row[2] ?? NaN).toSorted((one, other) => one - other);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? NaN;
  const errors = rows.filter(([, status = 0]) => status < 200 || status >= 400).length;
  return { requests: rows.length, seconds, errors, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
