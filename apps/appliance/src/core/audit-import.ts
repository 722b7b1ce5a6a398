// Joins the audit of old sysctl files into the report of an import: their lines get the tuner's verdicts. Pure.
import type { ImportLine, ImportVerdict } from '@tospann/config';
import type { AuditLine, AuditVerdict } from '@tospann/tuner';

/** What a verdict of the audit means for the new configuration. */
const VERDICTS: Readonly<Record<AuditVerdict, ImportVerdict>> = {
  // The tuner does not write what is good already; the line may stay in /etc/sysctl.d of the new machine.
  kept: 'not-needed',
  better: 'changed',
  harmful: 'refused',
  gone: 'refused',
  'no-effect': 'refused',
  lowers: 'refused',
  unknown: 'refused',
  absent: 'refused',
  wrong: 'refused',
};

/** The report with the audit's word on every line of the sysctl files; other lines are as they were. */
export function withAudit(report: readonly ImportLine[], audit: readonly AuditLine[]): readonly ImportLine[] {
  const byPlace = new Map(audit.map((line) => [`${line.file}\n${line.line}`, line]));
  return report.map((entry) => {
    const line = byPlace.get(`${entry.file}\n${entry.line}`);
    if (line === undefined || line.text !== entry.text) return entry;
    const { verdict, why } = line;
    const word = verdict === 'kept' || verdict === 'better' ? '' : `${verdict.replace('-', ' ')}: `;
    return { ...entry, verdict: VERDICTS[verdict], why: `${word}${why}`, target: verdict === 'better' ? 'tuner' : '' };
  });
}
