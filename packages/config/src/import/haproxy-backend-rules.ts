// Rules that stand in a backend of the old file. Here rules stand in frontends: each goes before every rule that sends
// requests to the backend, with the condition of that rule, and behind all rules where it is the default backend.
import { readRule, type RuleReading } from './haproxy-rules.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { FlowValue, RuleDraft } from './pair-draft.ts';
import type { RuleWork } from './haproxy-rules.ts';

/** A rule of a backend, kept until all frontends are known. */
export interface BackendRule {
  readonly backend: string;
  readonly line: HaproxyLine;
}

/** Places the rules of backends; run when all sections are read. */
export function placeBackendRules(context: HaproxyContext): void {
  for (const { backend, line } of context.backendRules) {
    const taken = context.draft.backends.some(({ name }) => name === backend);
    const works = taken ? context.frontends.filter((work) => uses(work, backend)) : [];
    if (works.length === 0) {
      context.report.answer(line, { verdict: 'refused', why: `no rule of a frontend sends requests to "${backend}"` });
      continue;
    }
    for (const work of works) place(context, work, { backend, line });
  }
}

function uses({ frontend }: RuleWork, backend: string): boolean {
  return frontend.defaultBackend === backend || frontend.rules.some((rule) => rule['use'] === backend);
}

function place(context: HaproxyContext, work: RuleWork, rule: BackendRule): void {
  const target = `frontends.${work.frontend.name}.rules`;
  const reading: RuleReading | undefined = readRule(context, rule.line, work);
  if (reading === undefined || !reading.ok) {
    const why = reading === undefined ? 'it is no rule of a frontend' : reading.why;
    context.report.answer(rule.line, { verdict: 'refused', why, target });
    return;
  }
  const { rules } = work.frontend;
  const joined = rules.flatMap((known) =>
    known['use'] === rule.backend
      ? [...reading.rules.map((added) => withCondition(added, known['if'])), known]
      : [known],
  );
  if (work.frontend.defaultBackend === rule.backend) joined.push(...reading.rules);
  rules.splice(0, rules.length, ...joined);
  const maps = rules.some((known) => typeof known['use'] === 'object');
  const remarks = [...reading.remarks, ...(maps ? ['not for requests that a map sends there'] : [])];
  const why = [`in the frontend, for what goes to "${rule.backend}"`, ...remarks].join('; ');
  context.report.answer(rule.line, { verdict: 'changed', why, target });
}

/** The rule under a further condition, which is asked first. */
function withCondition(rule: RuleDraft, outer: FlowValue | undefined): RuleDraft {
  if (outer === undefined) return rule;
  const { if: own, ...action } = rule;
  return { if: own === undefined ? outer : { all: [outer, own] }, ...action };
}
