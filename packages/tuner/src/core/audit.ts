// What an old sysctl.conf is worth, line by line: each line gets a verdict and one sentence. Pure.
import { adviceFor } from './advice.ts';
import { entryOf } from './catalogue.ts';
import type { CatalogueEntry, Facts, Wanted } from './model.ts';
import { parseSysctl, type SysctlLine } from './sysctl-file.ts';
import { greater, isBelow, mustBe, normalise, sameValue } from './values.ts';

/**
 * kept: as good as what the tuner sets, or nothing against it. better: the tuner has a better value (`better`). harmful,
 * gone, no-effect: take the line out. lowers: less than this kernel has by itself. unknown: no such key is known and this
 * kernel has none. absent: known, but not in this kernel. wrong: not a line that sysctl can read.
 */
export type AuditVerdict =
  | 'kept'
  | 'better'
  | 'harmful'
  | 'gone'
  | 'no-effect'
  | 'lowers'
  | 'unknown'
  | 'absent'
  | 'wrong';

export interface AuditLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly key?: string;
  readonly value?: string;
  readonly verdict: AuditVerdict;
  /** What the tuner would set instead. */
  readonly better?: string;
  /** One sentence, without a period. */
  readonly why: string;
}

/** Keys that do nothing without a setting elsewhere. */
const NEEDS: Readonly<
  Record<string, { readonly without: (all: readonly SysctlLine[]) => boolean; readonly why: string }>
> = {
  'net.netfilter.nf_conntrack_max': {
    without: (all) => !all.some(({ key }) => key === 'net.netfilter.nf_conntrack_buckets'),
    why: 'without net.netfilter.nf_conntrack_buckets the chains of the table get long, and every packet looks through them',
  },
  'net.ipv4.ip_local_port_range': {
    without: (all) => !all.some(({ key }) => key === 'net.ipv4.ip_local_reserved_ports'),
    why: 'without net.ipv4.ip_local_reserved_ports outgoing connections take the ports of listeners inside the range',
  },
};

const CAPACITIES: readonly string[] = ['bytes', 'pages', 'connections', 'sockets', 'files', 'entries'];

/**
 * Judges every line of a file.
 *
 * @param source The file's name and text.
 * @param facts Of the machine that the settings are for.
 * @param wanted What the tuner is to be compared with.
 */
export function auditSysctl(
  source: { readonly file: string; readonly text: string },
  facts: Facts,
  wanted: Wanted,
): readonly AuditLine[] {
  const lines = parseSysctl(source.text);
  return lines.map((line) => {
    const { key, value } = line;
    const base = { file: source.file, line: line.line, text: line.text };
    if (key === undefined || value === undefined)
      return { ...base, verdict: 'wrong', why: 'it is not "key = value": sysctl skips it with an error' };
    const repeated = lines.findLast((other) => other.key === key && other.line > line.line);
    const judged: Judged =
      repeated === undefined
        ? judge({ key, value }, { facts, wanted, lines })
        : { verdict: 'no-effect', why: `line ${repeated.line} sets the same key again, and the last one counts` };
    return { ...base, key, value, ...judged };
  });
}

type Judged = Pick<AuditLine, 'verdict' | 'why' | 'better'>;

interface Context {
  readonly facts: Facts;
  readonly wanted: Wanted;
  readonly lines: readonly SysctlLine[];
}

function judge(setting: { readonly key: string; readonly value: string }, context: Context): Judged {
  const { facts } = context;
  const advice = adviceFor(setting, facts);
  if (advice !== undefined) return { verdict: advice.verdict, why: advice.why };
  const entry = entryOf(setting.key);
  const current = facts.values[setting.key]?.raw;
  if (entry === undefined) return judgeUnknown(setting, current);
  const must = mustBe(setting.value, entry.form);
  if (must !== undefined) return { verdict: 'wrong', why: `it must be ${must}` };
  if (current === undefined && !isHostOnly(entry, facts)) return { verdict: 'absent', why: absent(entry, facts) };
  return compare(setting.value, entry, context);
}

function judgeUnknown(setting: { readonly key: string; readonly value: string }, current: string | undefined): Judged {
  if (setting.key.includes('*'))
    return { verdict: 'kept', why: 'a pattern: the tuner does not touch what it matches, so it may stay' };
  if (current === undefined)
    return {
      verdict: 'unknown',
      why: 'this kernel has no such key, and none that is known here had it: check the spelling',
    };
  return { verdict: 'kept', why: 'the tuner does not touch it, so it may stay in /etc/sysctl.d' };
}

function compare(value: string, entry: CatalogueEntry, context: Context): Judged {
  const { facts, wanted, lines } = context;
  const reason = sentence(entry.why);
  const normal = kernelsOwn(value, entry, facts);
  if (normal !== undefined) return { verdict: 'lowers', better: normal, why: `this kernel has ${normal}: ${reason}` };
  const without = NEEDS[entry.key];
  const missing = without?.without(lines) === true ? without.why : undefined;
  const proposed = proposalOf(entry, facts, wanted);
  if (proposed !== undefined && !asGood(value, proposed, entry))
    return { verdict: 'better', better: proposed, why: `${proposed} is better: ${missing ?? reason}` };
  if (missing !== undefined) return { verdict: 'no-effect', why: missing };
  if (proposed !== undefined) return { verdict: 'kept', why: `the tuner wants the same: ${reason}` };
  const current = facts.values[entry.key]?.raw;
  const isSame = current !== undefined && sameValue(value, current, entry.form);
  return { verdict: 'kept', why: `${isSame ? 'it is what this machine has now' : 'the tuner leaves it'}: ${reason}` };
}

/** The kernel's own value of a capacity, where the line has less. */
function kernelsOwn(value: string, entry: CatalogueEntry, facts: Facts): string | undefined {
  const current = facts.values[entry.key]?.raw;
  if (current === undefined || !isBelow(value, current) || isOwn(current, entry, facts)) return undefined;
  const isCapacity = entry.policy === 'raise' || (entry.policy === 'watch' && CAPACITIES.includes(entry.unit));
  return isCapacity ? normalise(current) : undefined;
}

/** What the tuner would have there; for raise-only keys what the kernel has is compared elsewhere. */
function proposalOf(entry: CatalogueEntry, facts: Facts, wanted: Wanted): string | undefined {
  if (wanted.profile === 'off') return undefined;
  const value = entry.propose?.(facts, wanted);
  const current = facts.values[entry.key]?.raw;
  if (value === undefined) return undefined;
  return entry.policy === 'raise' && current !== undefined && !isOwn(current, entry, facts)
    ? greater(current, value)
    : value;
}

/** True when what the kernel has comes from a file: then it says nothing of the kernel's own value. */
function isOwn(value: string, entry: CatalogueEntry, facts: Facts): boolean {
  return (facts.setBy[entry.key] ?? []).some((line) => sameValue(line.value, value, entry.form));
}

function asGood(value: string, proposed: string, entry: CatalogueEntry): boolean {
  if (sameValue(value, proposed, entry.form)) return true;
  return entry.policy === 'raise' && !isBelow(value, proposed);
}

function isHostOnly(entry: CatalogueEntry, facts: Facts): boolean {
  return entry.scope === 'host' && !facts.initialNetns;
}

function absent(entry: CatalogueEntry, facts: Facts): string {
  if (entry.module !== undefined && !facts.conntrack.available)
    return 'connection tracking is not loaded here, so the line fails; the key comes with the module nf_conntrack';
  const since = entry.since === undefined ? '' : `; it came with Linux ${entry.since.join('.')}`;
  return `this kernel (${facts.kernel.release}) does not have it${since}`;
}

/** A sentence of the catalogue within another one. */
function sentence(why: string): string {
  const bare = why.replace(/\.$/, '');
  return /^[A-Z][a-z]/.test(bare) ? `${bare.charAt(0).toLowerCase()}${bare.slice(1)}` : bare;
}
