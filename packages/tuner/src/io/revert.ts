// The way back: each key as it was, byte for byte, if it is still ours; what somebody else changed since is his. It can be
// run again at any time, also after it was killed. Side effects: /proc/sys, the tuner's files, the journal.
import { entryOf } from '../core/catalogue.ts';
import {
  heldFiles,
  heldKeys,
  isExpired,
  stateOf,
  unconfirmed,
  type AppliedChange,
  type ChangedFile,
  type HeldKey,
} from '../core/journal.ts';
import { sameValue } from '../core/values.ts';
import type { TunerPlace } from './apply.ts';
import { Journal } from './journal.ts';
import { readKey, writeKey } from './kernel-keys.ts';
import { removeNotrack } from './nft.ts';
import type { SystemRoot } from './system-root.ts';
import { lockTuner } from './tuner-lock.ts';

/** What became of one thing that was to be put back. */
export interface RevertOutcome {
  /** A key, or the path of a file. */
  readonly what: string;
  /** restored: as before. already: nobody had to do anything. left: somebody else changed it. failed: see `detail`. */
  readonly outcome: 'restored' | 'already' | 'left' | 'failed';
  readonly detail: string;
}

/** This boot of the machine, and how old it is. */
export function bootNow(root: SystemRoot): { readonly bootId: string; readonly uptimeSeconds: number } {
  const bootId = (root.read('/proc/sys/kernel/random/boot_id') ?? '').trim();
  return { bootId, uptimeSeconds: Number((root.read('/proc/uptime') ?? '0').split(' ')[0]) };
}

/** Puts back everything that counts. @throws {TospannError} LB_TUNER_BUSY, LB_TUNER_JOURNAL. */
export function revertAll(place: TunerPlace & { readonly onStep?: (step: string) => void }): readonly RevertOutcome[] {
  using _lock = lockTuner(place.directory, 'tune revert');
  const journal = new Journal(place.directory);
  const outcomes = putBack(journal.applies(), place);
  if (outcomes.length === 0 || outcomes.some(({ outcome }) => outcome === 'failed')) return outcomes;
  journal.append({ type: 'reverted' });
  journal.retire();
  return outcomes;
}

/** Puts back the last apply only; the caller has the lock. */
export function undoLast(place: TunerPlace, why: string): readonly RevertOutcome[] {
  const journal = new Journal(place.directory);
  const outcomes = putBack(journal.applies().slice(-1), place);
  // What failed stays in the journal, so that the next one tries again.
  if (outcomes.some(({ outcome }) => outcome === 'failed')) return outcomes;
  journal.append({ type: 'undone', why });
  journal.retire();
  return outcomes;
}

/** Puts back what nobody confirmed in time; undefined when there was nothing. The caller has the lock. */
export function settleExpired(place: TunerPlace): readonly RevertOutcome[] | undefined {
  const pending = unconfirmed(new Journal(place.directory).applies());
  if (pending === undefined || !isExpired(pending, bootNow(place.root))) return undefined;
  return undoLast(place, 'nobody confirmed');
}

/** As `settleExpired`, for whoever has no lock; undefined also when somebody else is at work, who will do it. */
export function settleIfExpired(place: TunerPlace): readonly RevertOutcome[] | undefined {
  const pending = unconfirmed(new Journal(place.directory).applies());
  if (pending === undefined || !isExpired(pending, bootNow(place.root))) return undefined;
  using _lock = lockTuner(place.directory, 'putting back what nobody confirmed');
  return settleExpired(place);
}

function putBack(
  applies: readonly AppliedChange[],
  place: TunerPlace & { readonly onStep?: (step: string) => void },
): readonly RevertOutcome[] {
  const files = heldFiles(applies).toReversed();
  const keys = heldKeys(applies).toReversed();
  const rules = applies.some(({ notrack }) => notrack) ? [removeNotrack(place.root)] : [];
  return [...rules, ...files.map((file) => restoreFile(file, place)), ...keys.map((held) => restoreKey(held, place))];
}

function restoreKey(
  held: HeldKey,
  { root, onStep }: TunerPlace & { readonly onStep?: (step: string) => void },
): RevertOutcome {
  const what = held.key;
  const current = readKey(root, what);
  switch (stateOf(held, current)) {
    case 'absent':
      return { what, outcome: 'already', detail: 'this kernel does not have it any more' };
    case 'as-before':
      return { what, outcome: 'already', detail: 'it is as before' };
    case 'changed':
      return { what, outcome: 'left', detail: `changed by someone else to ${(current ?? '').trim()}, left alone` };
    case 'in-force':
      break;
  }
  try {
    writeKey(root, what, held.original);
    onStep?.(`restored ${what}`);
  } catch (error) {
    return { what, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
  const now = readKey(root, what) ?? '';
  if (now === held.original) return { what, outcome: 'restored', detail: '' };
  const same = sameValue(now, held.original, entryOf(what)?.form);
  return same
    ? { what, outcome: 'restored', detail: 'the kernel writes it differently' }
    : { what, outcome: 'failed', detail: `the kernel made ${now.trim()} of ${held.original.trim()}` };
}

function restoreFile(
  file: ChangedFile,
  { root, onStep }: TunerPlace & { readonly onStep?: (step: string) => void },
): RevertOutcome {
  const what = file.path;
  const current = root.read(what) ?? null;
  if (current === file.before) {
    root.remove(`${what}.new`);
    return { what, outcome: 'already', detail: 'it is as before' };
  }
  if (current !== file.after) return { what, outcome: 'left', detail: 'changed by someone else, left alone' };
  try {
    if (file.before === null) root.remove(what);
    else root.replace(what, file.before);
    onStep?.(`restored ${what}`);
    return { what, outcome: 'restored', detail: file.before === null ? 'removed' : '' };
  } catch (error) {
    return { what, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}
