// What the tuner holds, and what became of it: read only, without the lock.
import {
  heldFiles,
  heldKeys,
  stateOf,
  unconfirmed,
  type AppliedChange,
  type HeldKey,
  type KeyState,
} from '../core/journal.ts';
import { normalise } from '../core/values.ts';
import type { TunerPlace } from './apply.ts';
import { Journal } from './journal.ts';
import { readKey } from './kernel-keys.ts';
import { hasNotrack } from './nft.ts';
import { bootNow } from './revert.ts';

/** A key that the tuner set. Values with single blanks. */
export interface KeyStatus {
  readonly key: string;
  readonly before: string;
  readonly ours: string;
  readonly now: string;
  /** lost: a restart of the machine put it back, because no file made it last. */
  readonly state: KeyState | 'lost';
}

export interface TunerStatus {
  readonly applied: readonly {
    readonly at: string;
    readonly profile: string;
    readonly confirmed: boolean;
    readonly complete: boolean;
  }[];
  /** Seconds until everything is put back unless it is confirmed; 0 or less: the time is over. */
  readonly confirmWithinSeconds?: number;
  readonly keys: readonly KeyStatus[];
  readonly files: readonly { readonly path: string; readonly state: 'in-force' | 'changed' | 'absent' }[];
  /** Absent: never asked for. */
  readonly notrack?: 'in-force' | 'absent';
}

/** Reads journal, keys and files. @throws {TospannError} LB_TUNER_JOURNAL. */
export function readTunerStatus(place: TunerPlace): TunerStatus {
  const applies = new Journal(place.directory).applies();
  const now = bootNow(place.root);
  const pending = unconfirmed(applies);
  const left = pending === undefined ? undefined : (pending.deadlineUptime ?? 0) - now.uptimeSeconds;
  return {
    applied: applies.map(({ at, profile, confirmed, complete, deadlineUptime }) => {
      return { at, profile, confirmed: confirmed || deadlineUptime === undefined, complete };
    }),
    ...(left === undefined ? {} : { confirmWithinSeconds: pending?.bootId === now.bootId ? Math.ceil(left) : 0 }),
    keys: heldKeys(applies).map((held) => keyStatus(held, place, now.bootId)),
    files: heldFiles(applies).map(({ path, after }) => {
      const text = place.root.read(path);
      return { path, state: text === undefined ? 'absent' : text === after ? 'in-force' : 'changed' };
    }),
    ...notrackStatus(applies, place),
  };
}

/** Keys that somebody else changed after the tuner had set them. Files only: nothing is started. */
export function readDriftedKeys(place: TunerPlace): readonly string[] {
  const { bootId } = bootNow(place.root);
  const keys = heldKeys(new Journal(place.directory).applies()).map((held) => keyStatus(held, place, bootId));
  return keys.flatMap(({ key, state }) => (state === 'changed' || state === 'as-before' ? [key] : []));
}

function keyStatus(held: HeldKey, { root }: TunerPlace, bootId: string): KeyStatus {
  const current = readKey(root, held.key);
  const state = stateOf(held, current);
  return {
    key: held.key,
    before: normalise(held.original),
    ours: normalise(held.ours ?? held.wanted),
    now: normalise(current ?? ''),
    state: state === 'as-before' && held.bootId !== bootId ? 'lost' : state,
  };
}

function notrackStatus(applies: readonly AppliedChange[], { root }: TunerPlace): Pick<TunerStatus, 'notrack'> {
  if (!applies.some(({ notrack }) => notrack)) return {};
  return { notrack: root.isMachine && hasNotrack() ? 'in-force' : 'absent' };
}
