// Sends the same seeded requests, valid and damaged, to HAProxy and to Tospann in front of strict servers, and prints
// each class of difference with its count and one example. Exit 1 when a difference is not in allowed.ts, or when the
// ring and the node transport differ at all.
//   node --conditions=@tospann/source infra/conformance/src/differential.ts --requests 100000 --seed 1
//   ... --only NUMBER      one case, with both outcomes in full
import { parseArgs } from 'node:util';
import { generatedCase } from '@tospann/testing';
import { printReport } from './differential-report.ts';
import { Differential, startAll } from './differential-run.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '24' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

await using targets = await startAll(Number(values.lanes));
const run = new Differential(targets, { seed, requests: Number(values.requests) });
if (values.only === undefined) {
  say(`seed ${seed}`);
  const report = await run.play((done) => process.stderr.write(`${done} requests\r`));
  process.exitCode = printReport(report, say) ? 0 : 1;
} else {
  const number = Number(values.only);
  say(JSON.stringify(generatedCase(seed, number), null, 1));
  for (const [name, outcome] of await run.playOne(number)) say(`${name}: ${JSON.stringify(outcome, null, 1)}`);
}
