// The journal of what was changed: records in the order in which things happened, and what follows from them. Each record
// of a change is on disk before the change is made, so that whatever dies at any point, the way back is known. Pure.
import type { Profile } from './model.ts';
import { normalise } from './values.ts';

/** One line of the journal. Values of keys are all bytes that the kernel gave. */
export type JournalRecord =
  | {
      readonly type: 'begin';
      readonly id: string;
      readonly bootId: string;
      /** For people; nothing is decided by it. */
      readonly at: string;
      readonly pid: number;
      readonly profile: Profile;
      /** Seconds since boot at which everything is put back, unless confirmed before. */
      readonly deadlineUptime?: number;
    }
  | { readonly type: 'key'; readonly key: string; readonly old: string; readonly new: string; readonly why: string }
  | { readonly type: 'result'; readonly key: string; readonly readBack: string }
  | { readonly type: 'failed'; readonly key: string; readonly reason: string }
  /** `before` null: the file was not there. */
  | { readonly type: 'file'; readonly path: string; readonly before: string | null; readonly after: string }
  | { readonly type: 'notrack'; readonly rules: string }
  | { readonly type: 'end' }
  | { readonly type: 'confirmed' }
  /** The last apply was put back. */
  | { readonly type: 'undone'; readonly why: string }
  /** All was put back. */
  | { readonly type: 'reverted' };

/** A key as one apply changed it. */
export interface ChangedKey {
  readonly key: string;
  readonly old: string;
  readonly wanted: string;
  readonly why: string;
  /** What the kernel made of it. Absent: whoever wrote it died before he could look. */
  readonly readBack?: string;
}

export interface ChangedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
}

/** One apply that still counts. */
export interface AppliedChange {
  readonly id: string;
  readonly bootId: string;
  readonly at: string;
  readonly profile: Profile;
  readonly deadlineUptime?: number;
  readonly confirmed: boolean;
  /** It came to its end. */
  readonly complete: boolean;
  readonly keys: readonly ChangedKey[];
  readonly files: readonly ChangedFile[];
  readonly notrack: boolean;
}

/** What is to be put back, and how to tell whether it is still ours. */
export interface HeldKey {
  readonly key: string;
  readonly original: string;
  readonly ours?: string;
  readonly wanted: string;
  readonly why: string;
  readonly bootId: string;
}

/** The lines of a journal; a last line that was cut off by a power loss does not count: what it announced was not done. */
export function parseJournal(text: string): { readonly records: readonly JournalRecord[]; readonly damaged: number } {
  const records: JournalRecord[] = [];
  let damaged = 0;
  const lines = text.split('\n');
  const isCut = lines.at(-1) !== '';
  for (const [index, line] of lines.entries()) {
    if (line === '' || (isCut && index === lines.length - 1)) continue;
    try {
      records.push(JSON.parse(line) as JournalRecord); // written by us only, and each field is checked where it is used
    } catch {
      damaged++;
    }
  }
  return { records, damaged };
}

/** The applies that still count, in order: those that changed something. */
export function appliedChanges(records: readonly JournalRecord[]): readonly AppliedChange[] {
  return begunApplies(records).filter((apply) => apply.keys.length > 0 || apply.files.length > 0 || apply.notrack);
}

/** Those that have begun and were not undone, also before their first change. */
export function begunApplies(records: readonly JournalRecord[]): readonly AppliedChange[] {
  let applies: AppliedChange[] = [];
  for (const record of records) {
    if (record.type === 'begin') {
      const { type: _, pid: _pid, ...rest } = record;
      applies.push({ ...rest, confirmed: false, complete: false, keys: [], files: [], notrack: false });
    } else if (record.type === 'reverted') applies = [];
    else if (record.type === 'undone') applies.pop();
    else {
      const last = applies.pop();
      if (last !== undefined) applies.push(changeOf(last, record));
    }
  }
  return applies;
}

type Detail = Exclude<JournalRecord, { readonly type: 'begin' | 'reverted' | 'undone' }>;

// Types make it exhaustive.
// oxlint-disable-next-line typescript/consistent-return
function changeOf(apply: AppliedChange, record: Detail): AppliedChange {
  switch (record.type) {
    case 'key': {
      const { key, old, new: wanted, why } = record;
      return { ...apply, keys: [...apply.keys, { key, old, wanted, why }] };
    }
    case 'result': {
      const { key, readBack } = record;
      return { ...apply, keys: apply.keys.map((one) => (one.key === key ? { ...one, readBack } : one)) };
    }
    case 'failed':
      return { ...apply, keys: apply.keys.filter(({ key }) => key !== record.key) };
    case 'file': {
      const { path, before, after } = record;
      return { ...apply, files: [...apply.files, { path, before, after }] };
    }
    case 'notrack':
      return { ...apply, notrack: true };
    case 'end':
      return { ...apply, complete: true };
    case 'confirmed':
      return { ...apply, confirmed: true };
  }
}

/**
 * Keys that these applies hold, each with the value from before the first of them. Where somebody else wrote a key between
 * two applies, what he wrote is the original.
 */
export function heldKeys(applies: readonly AppliedChange[]): readonly HeldKey[] {
  const held = new Map<string, HeldKey>();
  for (const { keys, bootId } of applies) {
    for (const { key, old, wanted, why, readBack } of keys) {
      const before = held.get(key);
      const isOurs = before !== undefined && (before.ours ?? before.wanted).trim() === old.trim();
      // A later write stands later in the order of putting back.
      held.delete(key);
      const original = isOurs ? before.original : old;
      held.set(key, { key, original, wanted, why, bootId, ...(readBack === undefined ? {} : { ours: readBack }) });
    }
  }
  return [...held.values()];
}

/** Files as these applies hold them: what they have now, and what was there before the first of them. */
export function heldFiles(applies: readonly AppliedChange[]): readonly ChangedFile[] {
  const held = new Map<string, ChangedFile>();
  for (const { files } of applies) {
    for (const file of files) {
      const before = held.get(file.path);
      held.set(file.path, before?.after === file.before ? { ...file, before: before.before } : file);
    }
  }
  return [...held.values()];
}

/** The apply that waits to be confirmed, if there is one. */
export function unconfirmed(applies: readonly AppliedChange[]): AppliedChange | undefined {
  const last = applies.at(-1);
  return last?.deadlineUptime !== undefined && !last.confirmed ? last : undefined;
}

/** Whether the time to confirm is over: after a restart of the machine it always is, since the values went back with it. */
export function isExpired(
  apply: AppliedChange,
  now: { readonly bootId: string; readonly uptimeSeconds: number },
): boolean {
  return apply.bootId !== now.bootId || now.uptimeSeconds >= (apply.deadlineUptime ?? Number.POSITIVE_INFINITY);
}

/** How a held key is now. */
export type KeyState = 'in-force' | 'changed' | 'as-before' | 'absent';

/** Compares a held key with what the kernel says; of one whose writer died in between only the wanted value is known. */
export function stateOf(held: HeldKey, current: string | undefined): KeyState {
  if (current === undefined) return 'absent';
  if (held.ours !== undefined) {
    if (current === held.ours) return 'in-force';
    return current === held.original ? 'as-before' : 'changed';
  }
  if (current === held.original) return 'as-before';
  // The table of connection tracking is rounded to pages; everything else is taken as it is written, or not at all.
  return normalise(current) === held.wanted || held.key.endsWith('_buckets') ? 'in-force' : 'changed';
}
