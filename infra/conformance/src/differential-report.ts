// Prints a differential run: a line for each class of difference with its count, its reason or that it has none, and one
// example.
import type { Difference } from './compare.ts';
import type { DifferenceClass, DifferentialReport } from './differential-run.ts';

/** Prints, and tells whether the run passes. */
export function printReport(report: DifferentialReport, say: (line: string) => void): boolean {
  const { classes, transports, unrepeated, badCanaries } = report;
  const rate = Math.round(report.requests / report.seconds);
  say(
    `${report.requests} requests on ${report.cases} connections, ${report.damaged} of them with damage, in ${report.seconds.toFixed(1)} s (${rate}/s), seed ${report.seed}`,
  );
  const unlisted = classes.filter(({ reason }) => reason === undefined);
  say(`\nTospann and HAProxy: ${sum(classes)} differences in ${classes.length} classes, ${unlisted.length} not listed`);
  for (const entry of classes) printClass(entry, say);
  say(`\nring and node transport: ${sum(transports)} differences`);
  for (const entry of transports) printClass(entry, say);
  say(`\nseen once and not again: ${unrepeated.length}`);
  for (const difference of unrepeated.slice(0, 5)) printExample(difference, say);
  say(`bad canaries: ${badCanaries.length} ${badCanaries.slice(0, 5).join('; ')}`);
  const ok = unlisted.length === 0 && transports.length === 0 && badCanaries.length === 0;
  say(ok ? 'PASS' : 'FAIL');
  return ok;
}

function printClass(entry: DifferenceClass, say: (line: string) => void): void {
  say(`- ${entry.count} x we: ${entry.kind}; the message: ${entry.grammar}`);
  say(`    ${entry.reason === undefined ? 'NOT LISTED' : `allowed: ${entry.reason}`}`);
  if (entry.reason === undefined) printExample(entry.example, say);
}

function printExample({ number, text, one, other, kind }: Difference, say: (line: string) => void): void {
  say(`    case ${number} (${kind}): ${JSON.stringify(text.slice(0, 300))}`);
  say(`      we:    ${one}`);
  say(`      other: ${other}`);
}

function sum(classes: readonly DifferenceClass[]): number {
  return classes.reduce((total, { count }) => total + count, 0);
}
