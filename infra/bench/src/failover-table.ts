// The failover table out of the results' file: one row for each event and interval, both systems beside each other, with
// the bars met or missed. Pure.
import { barsOf, type FailoverResult } from './failover-result.ts';
import { median } from './statistics.ts';

/** Titles in the order of the table. */
export const eventTitles: Readonly<Record<string, string>> = {
  crash: 'node gone from the network',
  'agent-kill': 'failover agent killed (SIGKILL), its supervisor lives',
  'node-kill': 'all processes of the node killed (SIGKILL)',
  'node-stop': 'all processes of the node stopped (SIGSTOP)',
  graceful: 'node ends on purpose (SIGTERM)',
  'link-down': 'link down',
  'one-way': "owner's packets do not reach the other node",
  'loss-10': '10 % loss between the nodes',
  'loss-20': '20 % loss between the nodes',
  'loss-30': '30 % loss between the nodes',
  'loss-20-long': '20 % loss between the nodes, three minutes',
  'loss-30-long': '30 % loss between the nodes, three minutes',
  split: 'full split, from the moment it heals',
  freeze: '6 s freeze, from the moment of resuming',
  address: 'address removed by hand',
  mismatch: 'the nodes list different addresses',
  'loss-long': '30 % loss for a long time, 10 adverts missed',
};

/** Renders the rows of all events that were measured. */
export function renderFailover(results: readonly FailoverResult[]): string {
  const intervals = [...new Set(results.map(({ advertMs }) => advertMs))].toSorted((a, b) => b - a);
  const lines = [
    '| event | adverts | pair | n | datagrams lost | outage, ms | connections failed | outage, ms | two owners, ms | take-overs | open ones broken | bar |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  for (const [event, title] of Object.entries(eventTitles)) {
    for (const advertMs of intervals) {
      for (const system of ['tospann', 'keepalived'] as const) {
        const runs = results.filter((run) => run.event === event && run.advertMs === advertMs && run.system === system);
        if (runs.length > 0) lines.push(row(title, runs));
      }
    }
  }
  return lines.join('\n');
}

function row(title: string, runs: readonly FailoverResult[]): string {
  const [first] = runs;
  const of = (pick: (run: FailoverResult) => number): string => summary(runs.map(pick));
  const cells = [
    title,
    `${String(first?.advertMs)} ms`,
    first?.system ?? '',
    String(runs.length),
    of(({ udpLost }) => udpLost),
    of(({ udpOutageMs }) => udpOutageMs),
    of(({ httpFailed }) => httpFailed),
    of(({ httpOutageMs }) => httpOutageMs),
    of(({ twoOwnersMs }) => twoOwnersMs),
    of(({ takeOvers }) => takeOvers),
    brokenText(runs),
    barText(runs),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Of the repetitions that counted them. */
function brokenText(runs: readonly FailoverResult[]): string {
  const counted = runs.flatMap(({ open }) => open ?? []);
  const [first] = counted;
  return first === undefined ? '' : `${summary(counted.map(({ broken }) => broken))} of ${first.count}`;
}

function barText(runs: readonly FailoverResult[]): string {
  const bars = barsOf(runs[0]?.event ?? '', runs[0]?.advertMs ?? 0);
  const texts = bars.map(({ text, value, most }) => {
    const met = runs.filter((run) => value(run) <= most).length;
    return met === runs.length ? `${text}: met` : `${text}: **missed** ${runs.length - met} of ${runs.length}`;
  });
  return texts.join('; ');
}

/** Least, median and most; one number when they are the same. */
function summary(numbers: readonly number[]): string {
  const [least = 0, middle = 0, most = 0] = [Math.min(...numbers), median(numbers), Math.max(...numbers)].map(
    Math.round,
  );
  return least === most ? String(least) : `${least} / ${middle} / ${most}`;
}

/**
 * Puts a table between the markers of a document.
 *
 * @throws {Error} When the document lacks a marker.
 */
export function placeTable(document: string, table: string): string {
  const [begin, end] = ['<!-- failover table: begin -->', '<!-- failover table: end -->'];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`Cannot place the table: "${begin}" or "${end}" is missing`);
  return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`;
}
