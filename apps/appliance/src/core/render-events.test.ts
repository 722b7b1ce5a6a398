import { expect, test } from 'vitest';
import { renderEvent } from './render-events.ts';

const clock = (timeMs: number): string => `T+${timeMs}`;
const event = { seq: 7, node: 'lb2', timeMs: 12, monotonicMs: 3, event: 'vrrp-state', severity: 'warning' } as const;

test('renderEvent() says when, how bad, where, what, and what it rests on without repeating the sentence', () => {
  const evidence = {
    from: 'backup',
    to: 'master',
    reason: 'silent',
    heardAgeMs: 3204.123_456,
    peer: 'lb1 (link)',
    why: '',
  };
  const lines = [
    { ...event, text: 'lb2 owns public now: the owner fell silent', evidence },
    { ...event, severity: 'info' as const, text: 'no evidence' },
    {
      ...event,
      severity: 'alarm' as const,
      text: 'two\nlines\u001b[31m and a colour',
      evidence: { detail: 'x', code: 'a\tb' },
    },
    { event: 'gap' as const, node: 'lb2', from: 3, to: 9 },
    { event: 'gap' as const, node: 'lb2', from: 3, to: 3 },
  ].map((line) => renderEvent(line, clock));
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    T+12 warning lb2 lb2 owns public now: the owner fell silent  [heardAgeMs=3204.123 peer="lb1 (link)"]
    T+12 info    lb2 no evidence
    T+12 alarm   lb2 two lines�[31m and a colour  [code="a\\tb"]
    lb2: events 3 to 9 are not held any more
    lb2: event 3 is not held any more
    "
  `);
});
