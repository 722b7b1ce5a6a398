// What a rule of the old file does, as an action of the new one, or why there is none.
import type { RuleDraft } from './pair-draft.ts';

/** An action of the new file, or why there is none. */
export type Action =
  | { readonly ok: true; readonly action: RuleDraft; readonly remark?: string; readonly after?: RuleDraft }
  | { readonly ok: false; readonly why: string };

export function done(action: RuleDraft, remark?: string): Action {
  return remark === undefined ? { ok: true, action } : { ok: true, action, remark };
}

export function no(why: string): Action {
  return { ok: false, why };
}
