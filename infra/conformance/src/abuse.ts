// Plays the abuse table against Tospann, HAProxy and nginx with equal time-outs and prints it: what each did, the bar,
// and the verdict on Tospann. Exit 1 when Tospann is outside of a bar. --write also writes docs/abuse.md.
//   node --conditions=@tospann/source infra/conformance/src/abuse.ts [--connections 50] [--targets ring,node,haproxy,nginx]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type PlayedRow, playAbuse } from './abuse-run.ts';
import { abuseRows } from './abuse-rows.ts';
import { crowdsOf } from './crowd-report.ts';
import { peerVersion, TARGET_TITLES, type TargetName } from './targets.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '50' },
    targets: { type: 'string', default: 'ring,node,haproxy,nginx' },
    write: { type: 'boolean', default: false },
  },
});
const names = values.targets.split(',').filter((name): name is TargetName => name in TARGET_TITLES);

const results = new Map<TargetName, readonly PlayedRow[]>();
for (const name of names) {
  process.stderr.write(`${TARGET_TITLES[name]} ...\n`);
  results.set(name, await playAbuse(name, { connections: Number(values.connections) }));
}
const verdicts = abuseRows.map((_, i) =>
  names
    .filter((name) => name === 'ring' || name === 'node')
    .every((name) => {
      const played = results.get(name)?.[i];
      return played?.outcome === true && played.inside;
    }),
);
const missed = verdicts.filter((inside) => !inside).length;
const table = [
  `| threat | bar | ${names.map((name) => TARGET_TITLES[name]).join(' | ')} | verdict |`,
  `|---|---|${'---|'.repeat(names.length)}---|`,
  ...abuseRows.map(({ threat, bar }, i) => {
    const cells = names.map((name) => {
      const played = results.get(name)?.[i];
      return `${played?.figures}; CPU ${played?.cpuMs.toFixed(0)} ms`;
    });
    return `| ${threat} | ${bar} | ${cells.join(' | ')} | ${verdicts[i] ? 'inside' : 'OUTSIDE'} |`;
  }),
];
process.stdout.write(`${table.join('\n')}\n\n${missed === 0 ? 'PASS' : `FAIL: ${missed} rows outside`}\n`);
if (values.write) {
  const path = fileURLToPath(new URL('../../../docs/abuse.md', import.meta.url));
  writeFileSync(
    path,
    `# Abuse, beside HAProxy and nginx

Written by \`node --conditions=@tospann/source infra/conformance/src/abuse.ts --write\`, which plays each row against the
built executable and against Debian's ${peerVersion('haproxy')} and ${peerVersion('nginx')}: one worker each, all time-outs 2 s,
${values.connections} connections at once where memory is measured (Pss of the processes that serve, after a warm-up that touches
every buffer). CPU is the run time of all threads during the row. \`infra/conformance/test/abuse.test.ts\` plays the rows
in every run of the tests. The rows of HTTP/2 (rapid reset, CONTINUATION, SETTINGS, PING and empty frames) do not apply:
this release has no HTTP/2.

${table.join('\n')}

${crowdsOf(readFileSync(path, 'utf8'))}`,
  );
}
process.exitCode = missed === 0 ? 0 : 1;
