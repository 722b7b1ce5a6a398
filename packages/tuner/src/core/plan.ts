// From facts and wishes to a plan: pure. A plan names every key of the catalogue and what becomes of it; applying its
// changes and planning again gives no changes.
import { adviceFor } from './advice.ts';
import { canonicalKey, catalogue, entryOf } from './catalogue.ts';
import type { CatalogueEntry, Facts, FoundValue, Plan, PlanItem, Wanted } from './model.ts';
import { nicItems } from './nic.ts';
import { SYSCTL_FILE } from './persist.ts';
import { greater, isBelow, mustBe, normalise, sameValue } from './values.ts';

/** Order of keys that have none of their own. */
const ORDER = 50;
const OUR_FILE_NAME = SYSCTL_FILE.slice(SYSCTL_FILE.lastIndexOf('/') + 1);
const DRIFTED = 'Somebody changed it after the tuner had set it: left alone ("tune revert" forgets that).';

/**
 * Decides what becomes of each key.
 *
 * @param facts What was found on the machine.
 * @param wanted What the configuration asks for.
 * @returns All keys of the catalogue, the overrides that are in none, advice for the interfaces; `changesOf` gives those to write.
 */
export function makePlan(facts: Facts, wanted: Wanted): Plan {
  const overrides = new Map(Object.entries(wanted.overrides).map(([key, value]) => [canonicalKey(key), value]));
  const known = catalogue.map((entry) => {
    const override = overrides.get(entry.key);
    return override === undefined ? planEntry(entry, facts, wanted) : planOverride(entry.key, override, facts);
  });
  const others = [...overrides].filter(([key]) => entryOf(key) === undefined);
  return {
    profile: wanted.profile,
    items: [...known, ...others.map(([key, value]) => planOverride(key, value, facts)), ...nicItems(facts)],
  };
}

/** What is to be written, in the order in which the kernel wants it. */
export function changesOf(plan: Plan): readonly (PlanItem & { readonly current: string; readonly proposed: string })[] {
  return plan.items
    .flatMap((item) => (item.action === 'write' && hasBoth(item) ? [item] : []))
    .sort((a, b) => a.order - b.order);
}

function hasBoth(item: PlanItem): item is PlanItem & { readonly current: string; readonly proposed: string } {
  return item.current !== undefined && item.proposed !== undefined;
}

function planEntry(entry: CatalogueEntry, facts: Facts, wanted: Wanted): PlanItem {
  const found = facts.values[entry.key];
  const base = baseOf(entry, facts);
  if (found === undefined) return { ...base, action: 'show', why: absence(entry, facts) };
  const proposed = wanted.profile === 'off' ? undefined : proposal(entry, facts, wanted);
  if (facts.drifted?.includes(entry.key) === true) return { ...base, action: 'yours', why: DRIFTED };
  if (proposed === undefined) return { ...base, action: entry.policy === 'watch' ? 'show' : 'keep' };
  if (sameValue(found.raw, proposed, entry.form)) return { ...base, action: 'keep', proposed };
  if (entry.policy === 'advise') return { ...base, action: 'advise', proposed };
  return {
    ...base,
    ...writable(base, found, facts),
    proposed,
    ...winsAtBoot(entry.key, proposed, facts),
  };
}

function proposal(entry: CatalogueEntry, facts: Facts, wanted: Wanted): string | undefined {
  const value = entry.propose?.(facts, wanted);
  const current = facts.values[entry.key]?.raw;
  if (value === undefined || current === undefined) return undefined;
  if (entry.policy === 'raise') return greater(current, value);
  // Nothing is ever made smaller than the kernel made it, unless the catalogue says why.
  return entry.mayLower === undefined && entry.form.type === 'number' && isBelow(value, current)
    ? lowered(entry, value)
    : value;
}

// Switches whose harmful value is the greater one (tcp_syncookies=2, tcp_abort_on_overflow=1) are choices, not capacities.
function lowered(entry: CatalogueEntry, value: string): string | undefined {
  return entry.unit === 'flag' || entry.unit === 'choice' ? value : undefined;
}

function planOverride(key: string, value: string | null, facts: Facts): PlanItem {
  const entry = entryOf(key);
  const found = facts.values[key];
  const base = entry === undefined ? unknownBase(key, facts) : baseOf(entry, facts);
  if (value === null) return { ...base, action: 'yours', why: 'tuner.overrides says to leave it alone.' };
  const asked = { ...base, policy: 'override' as const, proposed: normalise(value), why: 'Given by tuner.overrides.' };
  const refused = (why: string): PlanItem => ({ ...asked, action: 'refused', why });
  const advice = adviceFor({ key, value }, facts);
  if (advice !== undefined) return refused(`Refused: ${advice.why}.`);
  if (found === undefined) return refused(entry === undefined ? 'This kernel has no such key.' : absence(entry, facts));
  const must = entry === undefined ? undefined : mustBe(value, entry.form);
  if (must !== undefined) return refused(`Refused: it must be ${must}.`);
  if (/^net\.ipv[46]\.(?:conf|neigh)\.(?!all\.|default\.)/.test(key))
    return refused('Refused: keys of one interface belong to the configuration of that interface.');
  if (sameValue(found.raw, value, entry?.form)) return { ...asked, action: 'keep' };
  if (facts.drifted?.includes(key) === true) return { ...asked, action: 'yours', why: DRIFTED };
  const risk = isBelow(value, found.raw) ? 'It is less than this kernel has by itself' : asked.risk;
  return { ...asked, ...writable(asked, found, facts), risk, ...winsAtBoot(key, value, facts) };
}

function writable(
  { scope, why }: Pick<PlanItem, 'scope' | 'why'>,
  found: FoundValue,
  facts: Facts,
): Pick<PlanItem, 'action' | 'why'> {
  const no = (reason: string): Pick<PlanItem, 'action' | 'why'> => ({ action: 'impossible', why: reason });
  if (found.writable === 'read-only') return no('It is mounted read-only here: set it on the host.');
  if (scope === 'host' && !facts.initialNetns)
    return no(
      'It is one value for the whole machine, and this is not its first network namespace: set it on the host.',
    );
  if (found.writable === 'not-permitted') return no('The kernel does not let this process write it.');
  return { action: 'write', why };
}

function absence(entry: CatalogueEntry, facts: Facts): string {
  const { since, removed, module } = entry;
  if (module !== undefined && !facts.conntrack.available) return 'Connection tracking is not loaded: nothing to do.';
  if (since !== undefined) return `Not in this kernel (${facts.kernel.release}): it came with ${since.join('.')}.`;
  if (removed !== undefined) return `Not in this kernel (${facts.kernel.release}): it went with ${removed.join('.')}.`;
  if (entry.scope === 'host' && !facts.initialNetns)
    return 'Only the first network namespace of the machine has it: set it on the host.';
  return `Not in this kernel (${facts.kernel.release}).`;
}

function baseOf(entry: CatalogueEntry, facts: Facts): Omit<PlanItem, 'action'> {
  const found = facts.values[entry.key];
  return {
    key: entry.key,
    policy: entry.policy,
    scope: entry.scope,
    unit: entry.unit,
    ...(found === undefined ? {} : { current: normalise(found.raw) }),
    ...setBy(entry.key, facts),
    why: entry.why,
    risk: entry.risk,
    evidence: entry.evidence,
    order: entry.order ?? ORDER,
  };
}

function unknownBase(key: string, facts: Facts): Omit<PlanItem, 'action'> {
  const found = facts.values[key];
  // What is not under net, or has no copy in each namespace, counts for the whole machine.
  const scope = key.startsWith('net.') ? 'netns' : 'host';
  return {
    key,
    policy: 'override',
    scope,
    unit: '',
    ...(found === undefined ? {} : { current: normalise(found.raw) }),
    ...setBy(key, facts),
    why: 'Not in the catalogue.',
    risk: 'not known',
    evidence: [],
    order: ORDER,
  };
}

/** Files are applied in the order of their names: one after ours that says something else has the last word. */
function winsAtBoot(key: string, proposed: string, facts: Facts): Pick<PlanItem, 'winsAtBoot'> {
  const last = facts.setBy[key]?.at(-1);
  if (last === undefined || sameValue(last.value, proposed, entryOf(key)?.form)) return {};
  const name = last.file.slice(last.file.lastIndexOf('/') + 1);
  return last.file === '/etc/sysctl.conf' || name > OUR_FILE_NAME ? { winsAtBoot: last } : {};
}

function setBy(key: string, facts: Facts): Pick<PlanItem, 'setBy'> {
  const winner = facts.setBy[key]?.at(-1);
  return winner === undefined ? {} : { setBy: winner };
}
