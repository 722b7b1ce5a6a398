// Writes a plan into the kernel: journal first, then the key, then a look at what the kernel made of it. A key that is
// refused is named and the rest goes on. Side effects: /proc/sys, /etc/sysctl.d, /etc/modules-load.d, the journal.
import { randomUUID } from 'node:crypto';
import { isTospannError, TospannError } from '@tospann/errors';
import { heldKeys, stateOf, unconfirmed } from '../core/journal.ts';
import type { Plan, PlanItem, Profile } from '../core/model.ts';
import { entryOf } from '../core/catalogue.ts';
import type { NotrackFlows } from '../core/notrack.ts';
import { MODULES_FILE, modulesFileText, SYSCTL_FILE, sysctlFileText } from '../core/persist.ts';
import { changesOf } from '../core/plan.ts';
import { normalise, sameValue } from '../core/values.ts';
import { Journal } from './journal.ts';
import { readKey, writeKey } from './kernel-keys.ts';
import { checkNotrack, hasNotrack, loadNotrack } from './nft.ts';
import { bootNow, settleExpired, undoLast } from './revert.ts';
import type { SystemRoot } from './system-root.ts';
import { lockTuner } from './tuner-lock.ts';

/** How one key came out. */
export interface KeyOutcome {
  readonly key: string;
  /** set: as wanted. adjusted: the kernel took it and made something else of it. refused: it is as it was. */
  readonly outcome: 'set' | 'adjusted' | 'refused';
  readonly before: string;
  readonly wanted: string;
  /** As read back. */
  readonly now: string;
  readonly detail: string;
}

export interface ApplyReport {
  readonly outcomes: readonly KeyOutcome[];
  /** The rules against tracking were loaded; they do not last over a restart of the machine. */
  readonly notrack: boolean;
  /** Files that make it last; none while it waits to be confirmed. */
  readonly files: readonly string[];
  /** Seconds until it is put back unless it is confirmed. */
  readonly confirmWithinSeconds?: number;
}

export interface TunerPlace {
  readonly root: SystemRoot;
  /** The tuner's own directory. */
  readonly directory: string;
  readonly version: string;
}

export interface ApplyOptions extends TunerPlace {
  /** Asked for under the lock, so that nobody changes what it is made of. */
  readonly plan: () => Plan;
  readonly conntrackIsModule: boolean;
  /** ISO time for people. */
  readonly at: string;
  /** Puts everything back after so many seconds unless it is confirmed. */
  readonly confirmWithinSeconds?: number;
  /** Connections to take out of tracking; absent: none. */
  readonly notrack?: NotrackFlows;
  /** Starts the process that does that; resolves when it watches. Needed with `confirmWithinSeconds`. */
  readonly startGuard?: () => Promise<void>;
  /** Called at every point where a crash would leave something behind; for tests. */
  readonly onStep?: (step: string) => void;
}

/**
 * Applies a plan. What was applied before and never confirmed in time is put back first.
 *
 * @throws {TospannError} LB_TUNER_BUSY, LB_TUNER_UNCONFIRMED, LB_TUNER_READ_ONLY, LB_TUNER_NO_GUARD,
 * LB_TUNER_NOTRACK_REFUSED: nothing was changed.
 * LB_TUNER_JOURNAL: what had been changed is put back.
 */
export async function applyPlan(options: ApplyOptions): Promise<ApplyReport> {
  using _lock = lockTuner(options.directory, 'tune apply');
  const journal = new Journal(options.directory);
  settleExpired(options);
  refuseWhilePending(journal, options);
  const plan = options.plan();
  const changes = changesOf(plan);
  const rules = options.notrack === undefined || hasNotrack() ? undefined : checkNotrack(options.notrack, options.root);
  if (changes.length === 0 && rules === undefined) {
    refuseReadOnly(plan);
    return { outcomes: [], files: [], notrack: false };
  }
  const seconds = options.confirmWithinSeconds;
  beginJournal(journal, plan.profile, options);
  try {
    if (seconds !== undefined) await startGuard(journal, options);
    const outcomes = changes.map((change) => writeOne(change, journal, options));
    if (rules !== undefined) {
      journal.append({ type: 'notrack', rules });
      loadNotrack(rules);
    }
    const files = seconds === undefined ? persist(journal, plan.profile, options) : [];
    journal.append({ type: 'end' });
    return {
      outcomes,
      files,
      notrack: rules !== undefined,
      ...(seconds === undefined ? {} : { confirmWithinSeconds: seconds }),
    };
  } catch (error) {
    if (isTospannError(error)) undoLast(options, `apply failed: ${error.code}`);
    throw error;
  }
}

/**
 * Keeps what was applied with a time limit: from now on it lasts.
 *
 * @throws {TospannError} LB_TUNER_BUSY, LB_TUNER_NOTHING_TO_CONFIRM.
 */
export function confirmApply(options: TunerPlace & { readonly conntrackIsModule: boolean; readonly at: string }): {
  readonly files: readonly string[];
} {
  using _lock = lockTuner(options.directory, 'tune confirm');
  const journal = new Journal(options.directory);
  const settled = settleExpired(options);
  if (settled !== undefined)
    throw new TospannError('LB_TUNER_NOTHING_TO_CONFIRM', { detail: 'the time was over, and they have been put back' });
  const pending = unconfirmed(journal.applies());
  if (pending === undefined)
    throw new TospannError('LB_TUNER_NOTHING_TO_CONFIRM', { detail: 'none wait to be confirmed' });
  // First the word, then the files: whoever dies in between leaves settings that count and do not last, which status shows.
  journal.append({ type: 'confirmed' });
  return { files: persist(journal, pending.profile, options) };
}

function refuseWhilePending(journal: Journal, { root }: TunerPlace): void {
  const pending = unconfirmed(journal.applies());
  if (pending === undefined) return;
  const left = (pending.deadlineUptime ?? 0) - bootNow(root).uptimeSeconds;
  throw new TospannError('LB_TUNER_UNCONFIRMED', { seconds: Math.max(0, Math.ceil(left)) });
}

function refuseReadOnly(plan: Plan): void {
  const impossible = plan.items.filter(({ action }) => action === 'impossible');
  if (impossible.some(({ why }) => why.includes('read-only'))) throw new TospannError('LB_TUNER_READ_ONLY');
}

function beginJournal(journal: Journal, profile: Profile, options: ApplyOptions): void {
  const { bootId, uptimeSeconds } = bootNow(options.root);
  const seconds = options.confirmWithinSeconds;
  const deadline = seconds === undefined ? {} : { deadlineUptime: uptimeSeconds + seconds };
  const begin = { type: 'begin', id: randomUUID(), bootId, at: options.at, pid: process.pid, profile } as const;
  journal.append({ ...begin, ...deadline });
  options.onStep?.('begun');
}

/** The guard watches before the first key is written: whatever dies from here on, somebody puts things back. */
async function startGuard(journal: Journal, options: ApplyOptions): Promise<void> {
  try {
    await options.startGuard?.();
  } catch (error) {
    journal.append({ type: 'undone', why: 'no guard' });
    const detail = error instanceof Error ? error.message : String(error);
    throw new TospannError('LB_TUNER_NO_GUARD', { detail }, { cause: error });
  }
}

type Change = PlanItem & { readonly current: string; readonly proposed: string };

function writeOne({ key, proposed, why }: Change, journal: Journal, options: ApplyOptions): KeyOutcome {
  const { root, onStep } = options;
  const old = readKey(root, key) ?? '';
  journal.append({ type: 'key', key, old, new: proposed, why });
  onStep?.(`announced ${key}`);
  const base = { key, before: normalise(old), wanted: proposed };
  try {
    writeKey(root, key, proposed);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    journal.append({ type: 'failed', key, reason: code });
    return { ...base, outcome: 'refused', now: normalise(readKey(root, key) ?? ''), detail: refusal(code) };
  }
  onStep?.(`written ${key}`);
  const readBack = readKey(root, key) ?? '';
  journal.append({ type: 'result', key, readBack });
  onStep?.(`journaled ${key}`);
  const now = normalise(readBack);
  if (sameValue(readBack, proposed, entryOf(key)?.form)) return { ...base, outcome: 'set', now, detail: '' };
  if (readBack === old) {
    return { ...base, outcome: 'refused', now, detail: 'the kernel took the write and left the value as it was' };
  }
  return { ...base, outcome: 'adjusted', now, detail: 'the kernel made this of it' };
}

function refusal(code: string): string {
  if (code === 'EINVAL') return 'the kernel does not accept this value (EINVAL)';
  if (code === 'EACCES' || code === 'EPERM') return `this process may not write it (${code})`;
  if (code === 'EROFS') return '/proc/sys is mounted read-only (EROFS)';
  if (code === 'ENOENT') return 'it has disappeared (ENOENT): was its module unloaded?';
  return code;
}

/** Writes the files for all keys that are held now; journals what they replace. */
function persist(
  journal: Journal,
  profile: Profile,
  options: TunerPlace & Pick<ApplyOptions, 'conntrackIsModule' | 'at' | 'onStep'>,
): readonly string[] {
  const applies = journal.applies();
  const keys = heldKeys(applies).flatMap((held) => {
    const current = readKey(options.root, held.key);
    if (stateOf(held, current) !== 'in-force' || current === undefined) return [];
    return [{ key: held.key, value: normalise(current), before: normalise(held.original), why: held.why }];
  });
  const texts = [
    [MODULES_FILE, modulesFileText(keys, options.conntrackIsModule)],
    [SYSCTL_FILE, sysctlFileText(keys, { profile, at: options.at, version: options.version })],
  ] as const;
  const files = texts.flatMap(([path, text]) => (text === undefined ? [] : [{ path, text }]));
  for (const file of files) writeFile(file, journal, options);
  return files.map(({ path }) => path);
}

function writeFile(
  { path, text }: { readonly path: string; readonly text: string },
  journal: Journal,
  options: TunerPlace & Pick<ApplyOptions, 'onStep'>,
): void {
  const before = options.root.read(path) ?? null;
  journal.append({ type: 'file', path, before, after: text });
  options.onStep?.(`announced ${path}`);
  try {
    options.root.replace(path, text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TospannError('LB_TUNER_JOURNAL', { file: path, detail }, { cause: error });
  }
  options.onStep?.(`written ${path}`);
}
