// Plays the importer's configurations at HAProxy and, imported, at Tospann, and prints what differs. Exit 1 when something
// differs that the report of the import does not announce.
//   node --conditions=@tospann/source infra/conformance/src/imports.ts --requests 50
//   ... --only PATTERN      those whose names match, with every difference
import { parseArgs } from 'node:util';
import { readImportCases } from './import-cases.ts';
import { ImportRunner, type Surprise } from './import-run.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '50' }, only: { type: 'string' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const cases = readImportCases().filter(({ name }) => new RegExp(values.only ?? '').test(name));

await using runner = await ImportRunner.open();
let requests = 0;
let surprises = 0;
const stale: string[] = [];
const verdicts: Record<string, number> = {};
for (const entry of cases) {
  const outcome = await runner.play(entry, Number(values.requests));
  requests += outcome.requests;
  surprises += outcome.surprises.length;
  stale.push(...entry.allowed.flatMap(({ kind }) => (outcome.allowed.has(kind) ? [] : `${entry.name}, ${kind}`)));
  for (const [verdict, count] of Object.entries(outcome.verdicts)) verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
  const shown = values.only === undefined ? firstOfEach(outcome.surprises) : outcome.surprises;
  if (shown.length > 0) say(`${entry.name}: ${outcome.surprises.length} differences`);
  for (const surprise of shown) say(`  ${describe(surprise)}`);
}
say(`${cases.length} configurations, ${requests} requests, lines: ${JSON.stringify(verdicts)}`);
if (stale.length > 0) say(`allowed and never seen: ${stale.join('; ')}`);
say(`${surprises} differences that no report announces`);
process.exitCode = surprises === 0 ? 0 : 1;

function firstOfEach(list: readonly Surprise[]): Surprise[] {
  return list.filter(({ kind }, index) => list.findIndex((other) => other.kind === kind) === index);
}

function describe({ kind, haproxy, tospann, request }: Surprise): string {
  const { listener, method, target, fields, source } = request;
  return `${kind}: HAProxy "${haproxy}", Tospann "${tospann}" for ${listener} ${source} ${method} ${target} ${JSON.stringify(fields)}`;
}
