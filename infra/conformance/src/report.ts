// Writes docs/conformance.md from the verdicts of all proxies on the same run: a summary, what Tospann misses, what the
// peers miss, and one line for each case. Pure but for the peers' versions: text in, text out.
import type { RequestCase, ResponseCase } from '@tospann/testing';
import { corpus, type CorpusResults } from './corpus-run.ts';
import { acceptedMisses } from './gates.ts';
import { peerVersion, TARGET_TITLES, type TargetName } from './targets.ts';

type Case = RequestCase | ResponseCase;
type Results = ReadonlyMap<TargetName, CorpusResults>;

const severities = ['control', 'desync', 'rfc-must', 'rfc-should', 'policy-limit'] as const;
const own = ['ring', 'node'] as const;
const peers = ['haproxy', 'nginx'] as const;

const passes = (results: Results, name: TargetName, c: Case): boolean =>
  results.get(name)?.get(c.id)?.complaints.length === 0;

/** The whole document. */
export function conformanceReport(results: Results): string {
  return [
    '# Conformance of the HTTP/1.1 data plane',
    '',
    'Written by `infra/conformance/src/corpus.ts`, which plays every case of `packages/testing/src/cases/` against the',
    `built executable and against Debian's ${peerVersion('haproxy')} and ${peerVersion('nginx')}, with equal time-outs: raw bytes from a`,
    'client or a server, a strict reader at both ends, a canary after each case. `!` marks an outcome that the case does',
    'not allow. `infra/conformance/test/corpus.test.ts` asserts the gates: control, desync and rfc-must without a miss, 95',
    'in 100 of the others. The reader at the server is stricter than the grammar in one thing: a Content-Length has no',
    'leading zeros. HTTP/2 is not in this release.',
    '',
    '## Cases met',
    '',
    ...summary(results),
    '',
    '## Misses of Tospann',
    '',
    ...ownMisses(results),
    '',
    '## Misses of the peers',
    '',
    ...peerMisses(results),
    '',
    '## Every case',
    '',
    '| case | kind | Tospann | HAProxy | nginx | what it is |',
    '|---|---|---|---|---|---|',
    ...corpus.map((c) => caseLine(c, results)),
    '',
  ].join('\n');
}

function summary(results: Results): string[] {
  const names = [...own, ...peers];
  const count = (cases: readonly Case[], name: TargetName): number =>
    cases.filter((c) => passes(results, name, c)).length;
  const row = (title: string, cases: readonly Case[]): string =>
    `| ${title} | ${cases.length} | ${names.map((name) => count(cases, name)).join(' | ')} |`;
  return [
    `| kind | cases | ${names.map((name) => TARGET_TITLES[name]).join(' | ')} |`,
    `|---|---|${'---|'.repeat(names.length)}`,
    ...severities.map((severity) =>
      row(
        severity,
        corpus.filter((c) => c.severity === severity),
      ),
    ),
    row(
      'all requests',
      corpus.filter((c) => !('origin' in c)),
    ),
    row(
      'all responses',
      corpus.filter((c) => 'origin' in c),
    ),
  ];
}

function ownMisses(results: Results): string[] {
  const lines = own.flatMap((name) =>
    corpus
      .filter((c) => !passes(results, name, c))
      .map((c) => `- \`${c.id}\` (${name}): ${complaints(results, name, c)}. ${acceptedMisses[c.id] ?? ''}`.trimEnd()),
  );
  return lines.length === 0 ? ['None.'] : lines;
}

function peerMisses(results: Results): string[] {
  return peers.flatMap((name) => {
    const missed = corpus.filter((c) => !passes(results, name, c));
    return [
      `${TARGET_TITLES[name]} misses ${missed.length} of ${corpus.length}:`,
      '',
      ...missed.map(
        (c) => `- \`${c.id}\` (${c.severity}): ${escape(c.why || c.title)}: ${complaints(results, name, c)}`,
      ),
      '',
    ];
  });
}

function complaints(results: Results, name: TargetName, c: Case): string {
  return escape(results.get(name)?.get(c.id)?.complaints.join('; ') ?? 'not played');
}

function caseLine(c: Case, results: Results): string {
  const cell = (name: TargetName): string => {
    const result = results.get(name)?.get(c.id);
    if (result === undefined) return 'not played';
    return `${result.verdict} ${shortStatuses(result.statuses)}${result.complaints.length > 0 ? ' !' : ''}`.trim();
  };
  const [ring, node] = own.map(cell);
  const ours = ring === node ? ring : `${ring} / ${node}`;
  return `| \`${c.id}\` | ${c.severity} | ${ours} | ${cell('haproxy')} | ${cell('nginx')} | ${escape(c.title)} |`;
}

function shortStatuses(statuses: readonly number[]): string {
  return statuses.length > 3 ? `${statuses.slice(0, 2).join(', ')}, … (${statuses.length})` : statuses.join(', ');
}

function escape(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]/g, (character) =>
      character === '§' ? 'section ' : `\\x${character.charCodeAt(0).toString(16)}`,
    )
    .replaceAll('|', '\\|')
    .slice(0, 160);
}
