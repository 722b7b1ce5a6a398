// Plays the crowd rows: many clients that each make a proxy keep something, and what a client of another frontend sees.
// Prints a table; exit 1 when Tospann leaves that client without an answer. --write puts it into docs/abuse.md.
//   node --conditions=@tospann/source infra/conformance/src/crowds.ts [--counts 100,600,2000,9500] [--targets ring,node,haproxy,nginx]
// A slow reader takes two descriptors of the proxy: `ulimit -n` must be above twice the greatest count.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type CrowdResult, crowdWays, figuresOf, isServed, playCrowd } from './abuse-crowds.ts';
import { withCrowds } from './crowd-report.ts';
import { TARGET_TITLES, type TargetName } from './targets.ts';

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '100,600,2000,9500' },
    targets: { type: 'string', default: 'ring,node,haproxy,nginx' },
    write: { type: 'boolean', default: false },
  },
});
const names = values.targets.split(',').filter((name): name is TargetName => name in TARGET_TITLES);
const counts = values.counts.split(',').map(Number);

let missed = 0;
const rows: string[] = [];
for (const way of crowdWays) {
  for (const count of counts) {
    const cells: string[] = [];
    for (const name of names) {
      const result: CrowdResult = await playCrowd(name, way, count);
      if ((name === 'ring' || name === 'node') && !isServed(result)) missed++;
      cells.push(figuresOf(result));
      process.stderr.write(`${way.threat}, ${count}, ${name}: ${cells.at(-1)}\n`);
    }
    rows.push(`| ${way.threat} | ${count} | ${cells.join(' | ')} |`);
  }
}
const table = [
  `| crowd | clients | ${names.map((name) => TARGET_TITLES[name]).join(' | ')} |`,
  `|---|---|${'---|'.repeat(names.length)}`,
  ...rows,
].join('\n');
process.stdout.write(`${table}\n\n${missed === 0 ? 'PASS' : `FAIL: ${missed} rows in which others were not served`}\n`);
if (values.write) {
  const path = fileURLToPath(new URL('../../../docs/abuse.md', import.meta.url));
  writeFileSync(path, withCrowds(readFileSync(path, 'utf8'), { counts: values.counts, table }));
}
process.exitCode = missed === 0 ? 0 : 1;
