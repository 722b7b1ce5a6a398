// Guards of an old file: lines that keep somebody out. One that cannot be taken leaves a rule that "validate" refuses
// until a person has decided, so that no import opens a door.
import type { HaproxyContext } from './haproxy-context.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { RuleDraft } from './pair-draft.ts';
import { maskSecrets } from './report.ts';

/** Beginning of what a person must write. */
export const FILL_IN = 'FILL-IN';

const HTTP_GUARDS: readonly string[] = ['deny', 'auth', 'tarpit', 'reject', 'silent-drop', 'allow', 'redirect'];
const TCP_GUARDS: readonly string[] = ['reject', 'silent-drop', 'accept'];

/** Whether a rule keeps somebody out, or lets somebody in past others: a redirect keeps a request from the servers, too. */
export function isGuard(words: readonly string[]): boolean {
  const [keyword = '', second = '', third = ''] = words;
  if (keyword === 'http-request') return HTTP_GUARDS.includes(second) || isRefusal(words);
  if (keyword === 'tcp-request') return TCP_GUARDS.includes(third);
  return keyword === 'redirect' || keyword === 'block' || /^reqi?(?:deny|tarpit|allow|pass)$/.test(keyword);
}

function isRefusal(words: readonly string[]): boolean {
  const status = Number(words[words.indexOf('status') + 1]);
  return words[1] === 'return' && words.includes('status') && status >= 400;
}

/** What the rule did, where its own action cannot be had. */
function actionOf(words: readonly string[], mode: 'http' | 'tcp'): RuleDraft {
  if (mode === 'tcp' || words[0] === 'tcp-request') return { silentDrop: true };
  return words[1] === 'auth' ? { deny: 401 } : { deny: true };
}

export interface RefusedGuard {
  readonly line: HaproxyLine;
  readonly mode: 'http' | 'tcp';
  readonly why: string;
  /** The action where it could be read. */
  readonly action?: RuleDraft;
  readonly target: string;
}

/** Answers a guard that could not be taken; the rule that stands in its place. */
export function refuseGuard(context: HaproxyContext, guard: RefusedGuard): RuleDraft {
  const { line, why, target, mode } = guard;
  const what = 'a rule with FILL-IN stands in its place, which "validate" refuses until you have decided';
  context.report.answer(line, { verdict: 'refused', why: `${why}; ${what}`, target, decide: true });
  return { '#': remarkOf(line), if: FILL_IN, ...(guard.action ?? actionOf(line.words, mode)) };
}

/** A line of the old file, for a comment of the new one. */
export function remarkOf(line: HaproxyLine): string {
  return `${line.file}:${line.line}: ${maskSecrets(line.text)}`;
}
