// A short differential run: a few thousand seeded requests to HAProxy, to the ring and to the node transport. The seed
// stands, so that a run that fails fails again; TOSPANN_SEED and TOSPANN_REQUESTS make other and longer runs.
import { expect, it } from 'vitest';
import { Differential, printReport, startAll } from '../src/index.ts';

const seed = Number(process.env['TOSPANN_SEED'] ?? '20261122');
const requests = Number(process.env['TOSPANN_REQUESTS'] ?? '4000');

it(`forwards and refuses as HAProxy does but for listed reasons, and alike on both transports (seed ${seed})`, async () => {
  await using targets = await startAll(12);
  const report = await new Differential(targets, { seed, requests }).play();
  const lines: string[] = [];
  const passed = printReport(report, (line) => lines.push(line));
  expect(report.requests).toBeGreaterThanOrEqual(requests);
  // A run that finds nothing to allow has compared nothing: damaged requests always differ somewhere.
  expect(report.classes.length).toBeGreaterThan(5);
  expect(passed, lines.join('\n')).toBe(true);
});
