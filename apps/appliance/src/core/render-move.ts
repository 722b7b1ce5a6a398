// The text of a planned move's report: pure. What moved, how long each part took, what became of connections.
import type { FailoverReport, MaintenanceReport } from '@tospann/api';

/** A line a fact, so that it can be read at a glance and pasted into a ticket. */
export function renderMove(report: FailoverReport): readonly string[] {
  const {
    from,
    to,
    vips,
    durationMs,
    detectionMs,
    firstAnswerMs,
    connections,
    notPromised = [],
    detail,
    dryRun,
  } = report;
  const what = vips.join(', ');
  // It was there already: what is told stands in the detail.
  if (from === to) return [`${detail}: nothing to move`];
  if (dryRun === true) {
    const promise = notPromised.map((sentence) => `  not promised   ${sentence}`);
    return [`Would move ${what} from ${from} to ${to}; nothing has changed`, ...promise];
  }
  const lines = [`${what} moved from ${from} to ${to} in ${round(durationMs)}`];
  if (detectionMs !== undefined) lines.push(`  detection      ${round(detectionMs)}, from the request to priority 0`);
  lines.push(`  move           ${round(durationMs)}, until ${to} was heard as owner`);
  if (detectionMs !== undefined) {
    const answered =
      firstAnswerMs === undefined ? `not told by ${to} in time` : `${round(firstAnswerMs)} after the take-over`;
    lines.push(`  first answer   ${answered}`);
  }
  if (connections !== undefined) {
    const fate = notPromised.length === 0 ? 'carried over: they run to their end, or to the drain limit' : 'under way';
    lines.push(`  connections    ${connections} ${fate}`);
  }
  for (const sentence of notPromised) lines.push(`  not promised   ${sentence}`);
  return lines;
}

/** Maintenance on or off. */
export function renderMaintenance({ node, on, changed, moved }: MaintenanceReport): readonly string[] {
  const state = on ? `${node} is in maintenance` : `Maintenance of ${node} is over`;
  const lines = [changed ? state : `${state}: it was so already`];
  if (moved !== undefined) lines.push(...renderMove(moved));
  return lines;
}

function round(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
