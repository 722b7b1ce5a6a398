// What frontends and backends have in common: `acl` lines, and ACLs that no rule names.
import { addAclLine, addRefusedLine, readAcl } from './haproxy-condition.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import type { RuleWork } from './haproxy-rules.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import { aclsOfRule } from './write-yaml.ts';

/** Answers an `acl` line. */
export function answerAcl(context: HaproxyContext, line: HaproxyLine, work: RuleWork): void {
  const [, name = '', ...words] = line.words;
  const target = `${work.target}.acls.${name}`;
  const reading = line.fault === undefined ? readAcl(work, words) : ({ ok: false, why: line.fault } as const);
  if (!reading.ok) {
    addRefusedLine(work, name);
    context.report.answer(line, { verdict: 'refused', why: reading.why, target });
    return;
  }
  const part = addAclLine(work, name, reading);
  if (reading.constant !== undefined) {
    const why = reading.remark ?? (reading.constant ? 'it is always true' : 'it is never true');
    context.report.answer(line, { verdict: reading.remark === undefined ? 'taken' : 'changed', why, target });
    return;
  }
  const keys = [...Object.keys(reading.lists), ...(reading.match === undefined ? [] : [reading.match.kind])];
  const remarks = [...(reading.remark === undefined ? [] : [reading.remark]), ...nameRemarks(work, name, part)];
  context.report.answer(line, {
    verdict: remarks.length === 0 ? 'taken' : 'changed',
    why: remarks.length === 0 ? 'a condition' : remarks.join('; '),
    target: `${work.target}.acls.${part}.${keys.join(', ')}`,
  });
}

function nameRemarks(work: RuleWork, name: string, part: string): string[] {
  if (part === name) return [];
  const isFirst = work.acls.get(name)?.parts[0] === part;
  return [
    isFirst ? `it is called "${part}" here` : `it compares otherwise than the lines above, so it is the ACL "${part}"`,
  ];
}

/** Says of ACLs that no rule names why they are kept; run when the section is complete. */
export function answerUnusedAcls(context: HaproxyContext, lines: readonly HaproxyLine[], work: RuleWork): void {
  const used = new Set(work.owner.rules.flatMap((rule) => aclsOfRule(rule)));
  for (const line of lines) {
    const name = line.words[1] ?? '';
    const parts = work.acls.get(name)?.parts ?? [];
    const names = parts.filter((part) => typeof part === 'string');
    if (line.words[0] !== 'acl' || names.length === 0 || names.some((part) => used.has(part))) continue;
    if (context.report.answerOf(line)?.verdict !== 'taken') continue;
    const usedBefore = lines.some(
      ({ words }) => words[0] !== 'acl' && words.some((word) => word.replace('!', '') === name),
    );
    const why = usedBefore
      ? 'kept although the rules that used it were refused'
      : 'kept although no rule uses it: requests for it went to the default backend before, too';
    context.report.answer(line, { verdict: 'taken', why });
  }
}
