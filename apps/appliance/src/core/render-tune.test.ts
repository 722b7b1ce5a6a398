// The texts of `tospann tune` on whatever machine this is: within 100 columns, with every change and its reason; and the
// audit's verdicts in the report of an import.
import { auditSysctl, changesOf, makePlan, readFacts, USUAL_WISHES, type Facts } from '@tospann/tuner';
import { expect, test } from 'vitest';
import { withAudit } from './audit-import.ts';
import { renderApplied, renderPlan, renderReverted, renderTunerStatus, wrap } from './render-tune.ts';

const facts: Facts = {
  ...readFacts(),
  virtualisation: { kind: 'container', name: 'docker', evidence: '/.dockerenv', limits: ['word '.repeat(50).trim()] },
};

test.each(['balanced', 'high-connections', 'latency'] as const)(
  'renderPlan() of %s is within 100 columns',
  (profile) => {
    const plan = makePlan(facts, { ...USUAL_WISHES, profile, connections: 2_000_000 });
    const text = renderPlan(plan, facts);
    for (const line of text) expect(line.length, line).toBeLessThanOrEqual(100);
    for (const { key } of changesOf(plan)) expect(text.join('\n')).toContain(`  ${key}  `);
  },
);

test('wrap() breaks between words only, and keeps a word that is too long whole', () => {
  expect(wrap('a b')).toEqual(['    a b']);
  const long = 'x'.repeat(120);
  expect(wrap(`a ${long} b`)).toEqual(['    a', `    ${long}`, '    b']);
});

test('renderApplied(), renderReverted() and renderTunerStatus() name what did not go as wanted', () => {
  const outcome = { key: 'net.core.somaxconn', before: '4096', wanted: '9000', now: '4096', detail: 'EINVAL' };
  const applied = { outcomes: [{ ...outcome, outcome: 'refused' as const }], files: ['/x'], notrack: false };
  expect(renderApplied({ ...applied, confirmWithinSeconds: 60 }).join('\n')).toMatch(
    /refused[^]*EINVAL[^]*60 s unless you run/,
  );
  expect(renderReverted([{ what: 'k', outcome: 'left', detail: 'changed by someone else' }]).join('\n')).toMatch(
    /left +k +changed/,
  );
  expect(renderReverted([])).toEqual([expect.stringMatching(/changed nothing/)]);
  expect(renderTunerStatus({ applied: [], keys: [], files: [] })).toEqual([expect.stringMatching(/changed nothing/)]);
});

test('withAudit() puts the verdicts on the lines of the sysctl files and leaves others', () => {
  const text = 'net.ipv4.tcp_tw_recycle = 1';
  const audit = auditSysctl({ file: 'sysctl.conf', text }, facts, USUAL_WISHES);
  const entry = { line: 1, text, verdict: 'refused' as const, why: 'thin', target: '' };
  const other = { ...entry, file: 'haproxy.cfg', text: 'global' };
  const [first, second] = withAudit([{ ...entry, file: 'sysctl.conf' }, other], audit);
  expect(first?.why).toMatch(/^gone: left the kernel in Linux 4\.12/);
  expect(second).toEqual(other);
});
