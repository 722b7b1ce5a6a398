// Plays the corpus against Tospann on both transports and against Debian's HAProxy and nginx, one after another, and
// writes docs/conformance.md. Exit 1 when Tospann misses its gates.
//   node --conditions=@tospann/source infra/conformance/src/corpus.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CorpusResults, playCorpus } from './corpus-run.ts';
import { gateFaults } from './gates.ts';
import { conformanceReport } from './report.ts';
import { TARGET_TITLES, type TargetName } from './targets.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const results = new Map<TargetName, CorpusResults>();
for (const name of ['ring', 'node', 'haproxy', 'nginx'] as const) {
  const played = await playCorpus(name);
  const met = [...played.values()].filter(({ complaints }) => complaints.length === 0).length;
  say(`${TARGET_TITLES[name]}: ${met} of ${played.size} cases met`);
  results.set(name, played);
}
const file = fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url));
writeFileSync(file, conformanceReport(results));
const faults = (['ring', 'node'] as const).flatMap((name) =>
  gateFaults(results.get(name)!).map((fault) => `${name}: ${fault}`),
);
for (const fault of faults) say(fault);
say(faults.length === 0 ? 'PASS' : 'FAIL');
process.exitCode = faults.length === 0 ? 0 : 1;
