// Planned hand-overs under load as a command, with a line for each move and a verdict:
//   node --conditions=@tospann/source infra/lab/src/hand-overs.ts [--times 20] [--pause 3000]
// Exit 0: nothing failed, nothing was corrupted, no long-lived connection broke.
import { handOverUnderLoad, type HandOverRunReport } from './hand-over-run.ts';
import { Pair } from './pair.ts';
import { numberOf, readArguments } from './tools/arguments.ts';

const options = readArguments(process.argv.slice(2));
const times = numberOf(options, 'times', 20);
const pauseMs = numberOf(options, 'pause', 3000);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function spread(values: readonly number[]): string {
  const ordered = values.toSorted((one, other) => one - other);
  const at = (part: number): string => (ordered[Math.floor((ordered.length - 1) * part)] ?? NaN).toFixed(1);
  return `${at(0)} / ${at(0.5)} / ${at(1)} ms`;
}

function summary({ moves, fresh, kept, longLived }: HandOverRunReport): readonly string[] {
  return [
    `${moves.length} moves, least / median / most`,
    `  detection     ${spread(moves.map(({ detectionMs }) => detectionMs))}`,
    `  move          ${spread(moves.map(({ durationMs }) => durationMs))}`,
    `  first answer  ${spread(moves.flatMap(({ firstAnswerMs }) => firstAnswerMs ?? []))}`,
    `  without owner ${spread(moves.map(({ ownerlessMs }) => ownerlessMs))}`,
    `  carried over  ${moves.map(({ connections }) => connections).join(' ')}`,
    `new connections   ${fresh.sent} requests, ${fresh.failed} failed ${JSON.stringify(fresh.failures)}, slowest ${fresh.maxMs} ms`,
    `kept connections  ${kept.sent} requests, ${kept.failed} failed ${JSON.stringify(kept.failures)}, slowest ${kept.maxMs} ms`,
    `upgraded          ${longLived.tunnels}, ${longLived.echoed} lines back, broken ${JSON.stringify(longLived.broken)}`,
    `downloads         ${longLived.downloads}, ${longLived.bytes} bytes, bad ${JSON.stringify(longLived.bad)}`,
  ];
}

await using pair = await Pair.create({ configure: (yaml) => yaml.replace(/, preferred: lb1/, '') });
await pair.start();
const report = await handOverUnderLoad(pair, {
  times,
  pauseMs,
  onMove: ({ from, to, durationMs, connections }) =>
    print(`${from} -> ${to}  ${durationMs.toFixed(1)} ms  ${connections} connections`),
});
for (const line of summary(report)) print(line);
const { fresh, kept, longLived } = report;
const lost = fresh.failed + kept.failed + longLived.broken.length + longLived.bad.length;
print(lost === 0 ? 'PASS' : `FAIL: ${lost} lost`);
process.exitCode = lost === 0 ? 0 : 1;
