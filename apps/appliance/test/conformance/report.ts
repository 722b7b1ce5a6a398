// Writes docs/conformance.md from the results of the conformance test: a summary, what differs from the peers, and
// one line for each case. Pure: text in, text out.
import { type RequestCase, requestCases, type ResponseCase, responseCases } from '@tospann/testing';
import type { Verdict } from './judge.ts';

export interface EngineResults {
  readonly engine: string;
  readonly results: ReadonlyMap<string, Verdict>;
}

type Case = RequestCase | ResponseCase;

const severities = ['control', 'desync', 'rfc-must', 'rfc-should', 'policy-limit'] as const;

const passes = ({ results }: EngineResults, c: Case): boolean => results.get(c.id)?.complaints.length === 0;
const peerPasses = (peer: 'haproxy' | 'nginx', c: Case): boolean => !c.peers[peer].includes('not as expected');

/** The whole document. */
export function conformanceReport(
  engines: readonly EngineResults[],
  accepted: Readonly<Record<string, string>>,
): string {
  const cases: readonly Case[] = [...requestCases(), ...responseCases()];
  return [
    '# Conformance of the HTTP/1.1 data plane',
    '',
    'Written by `apps/appliance/test/conformance.test.ts` (`TOSPANN_WRITE_CONFORMANCE=1`), which plays every case of',
    '`packages/testing/src/cases/` against the built executable: raw bytes from a client or a server, a strict reader at',
    'both ends, a canary after each case. The columns of the peers are HAProxy 2.6.12 and nginx 1.22.1 on the same',
    'cases; `!` marks an outcome that the case does not allow. HTTP/2 is not in this release.',
    '',
    '## Cases met',
    '',
    ...summary(cases, engines),
    '',
    '## Misses',
    '',
    ...misses(cases, engines, accepted),
    '',
    '## Where a peer does otherwise',
    '',
    ...differences(cases, engines),
    '',
    '## Every case',
    '',
    '| case | kind | Tospann | HAProxy | nginx | what it is |',
    '|---|---|---|---|---|---|',
    ...cases.map((c) => line(c, engines)),
    '',
  ].join('\n');
}

function summary(cases: readonly Case[], engines: readonly EngineResults[]): string[] {
  const columns = [...engines.map(({ engine }) => `Tospann, ${engine}`), 'HAProxy', 'nginx'];
  const rows = severities.map((severity) => {
    const of = cases.filter((c) => c.severity === severity);
    const met = [
      ...engines.map((engine) => of.filter((c) => passes(engine, c)).length),
      of.filter((c) => peerPasses('haproxy', c)).length,
      of.filter((c) => peerPasses('nginx', c)).length,
    ];
    return `| ${severity} | ${of.length} | ${met.join(' | ')} |`;
  });
  return [`| kind | cases | ${columns.join(' | ')} |`, `|---|---|${'---|'.repeat(columns.length)}`, ...rows];
}

function misses(
  cases: readonly Case[],
  engines: readonly EngineResults[],
  accepted: Readonly<Record<string, string>>,
): string[] {
  const lines = engines.flatMap((engine) =>
    cases
      .filter((c) => !passes(engine, c))
      .map((c) => {
        const complaints = engine.results.get(c.id)?.complaints.join('; ') ?? 'not run';
        return `- ${c.id} (${engine.engine}): ${complaints}. ${accepted[c.id] ?? ''}`;
      }),
  );
  return lines.length === 0 ? ['None.'] : lines;
}

function differences(cases: readonly Case[], engines: readonly EngineResults[]): string[] {
  const first = engines[0];
  if (first === undefined) return [];
  const differing = cases.filter((c) => passes(first, c) && !(peerPasses('haproxy', c) && peerPasses('nginx', c)));
  return [
    `${differing.length} cases that Tospann meets and HAProxy or nginx does not:`,
    '',
    ...differing.map((c) => {
      const who = [peerPasses('haproxy', c) ? '' : 'HAProxy', peerPasses('nginx', c) ? '' : 'nginx'].filter(Boolean);
      return `- \`${c.id}\` (${who.join(', ')}): ${escape(c.why || c.title)}`;
    }),
  ];
}

function line(c: Case, engines: readonly EngineResults[]): string {
  const own = engines.map(({ results }) => {
    const result = results.get(c.id);
    if (result === undefined) return 'not run';
    return `${result.verdict} ${shortStatuses(result.statuses)}${result.complaints.length > 0 ? ' !' : ''}`.trim();
  });
  const cell = new Set(own).size === 1 ? own[0] : own.join(' / ');
  const peer = (text: string): string => text.replace(' (not as expected)', ' !');
  return `| \`${c.id}\` | ${c.severity} | ${cell} | ${peer(c.peers.haproxy)} | ${peer(c.peers.nginx)} | ${escape(c.title)} |`;
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
