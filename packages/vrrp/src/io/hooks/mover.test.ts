// The mover of `announce: hook` with real programs: retried, called off in the middle, never two at a time.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, runs, until } from '../../../test/acting.ts';
import { makeMover, type Mover } from './mover.ts';

let desk: Desk;
let mover: Mover | undefined;

beforeEach(() => {
  desk = new Desk();
});
afterEach(async () => {
  await mover?.close();
  mover = undefined;
  desk[Symbol.dispose]();
});

test('vrrp and none need no mover', () => {
  const options = { node: 'lb1', group: 'g', addresses: [], report: desk.report, changed: () => undefined };
  expect(makeMover({ type: 'vrrp' }, options)).toBeUndefined();
  expect(makeMover({ type: 'none' }, options)).toBeUndefined();
});

test('the program is told what to move and with which token, is tried again, and success is an event', async () => {
  const made = start('cat >> $LOG; echo " $TOSPANN_VIP $TOSPANN_TERM" >> $LOG; [ $(wc -l < $LOG) -ge 3 ] || exit 7');
  made.taken(41);
  await until('the report', () => desk.reports.length === 1);
  expect(desk.logged()).toEqual(
    Array.from({ length: 3 }, () => {
      const body = { event: 'take-over', vip: 'public', address: '192.0.2.9', node: 'lb1', group: 'shop', term: 41 };
      return `${JSON.stringify(body)} public 41`;
    }),
  );
  expect(desk.reports[0]).toMatchObject({
    event: 'mover',
    severity: 'info',
    vip: 'public',
    group: 'shop',
    evidence: { term: 41, attempts: 3, outcome: 'done' },
  });
  expect(made.results()).toMatchObject([{ vip: 'public', outcome: 'done', term: 41, attempts: 3 }]);
});

test('what fails for good is an alarm with what the program said', async () => {
  const made = start('echo call >> $LOG; echo quota exceeded; exit 1');
  made.taken(1);
  await until('the report', () => desk.reports.length === 1);
  expect(desk.logged()).toHaveLength(4);
  expect(desk.reports[0]).toMatchObject({ severity: 'alarm', evidence: { code: 'LB_VRRP_MOVE_FAILED', attempts: 4 } });
  expect(desk.reports[0]?.text).toContain('quota exceeded');
  expect(made.results()).toMatchObject([{ outcome: 'failed', attempts: 4 }]);
});

test('a call is ended at once when the node is no longer owner, and tried no more', async () => {
  const made = start('echo $$ >> $LOG; sleep 60');
  made.taken(1);
  await until('the call', () => desk.logged().length === 1);
  made.lost();
  await until('its end', () => !runs(Number(desk.logged()[0])));
  // Longer than the wait before another attempt.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(desk.logged()).toHaveLength(1);
  expect(desk.reports).toEqual([]);
  expect(made.results()).toMatchObject([{ outcome: 'cancelled' }]);
});

test('an election that swings has one call at a time and tokens that grow', async () => {
  // A call that was called off ends late: it ignores SIGTERM for a while.
  const made = start(
    `trap '' TERM
mkdir ${desk.directory}/lock || echo two at a time >> $LOG
echo $TOSPANN_TERM >> $LOG
sleep 0.2
rmdir ${desk.directory}/lock`,
  );
  for (let term = 1; term <= 6; term++) {
    made.taken(term);
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (term < 6) made.lost();
  }
  await until('the last report', () => desk.reports.length === 1);
  expect(desk.logged()).not.toContain('two at a time');
  const terms = desk.logged().map(Number);
  expect(terms).toEqual([...terms].sort((a, b) => a - b));
  expect(terms.at(-1)).toBe(6);
  expect(desk.reports[0]).toMatchObject({ evidence: { term: 6, outcome: 'done' } });
});

function start(body: string): Mover {
  mover = makeMover(
    { type: 'hook', call: { run: [desk.script('move', body)], timeoutMs: 20_000 }, retries: 3, retryIntervalMs: 50 },
    {
      node: 'lb1',
      group: 'shop',
      addresses: [{ vip: 'public', address: '192.0.2.9' }],
      report: desk.report,
      changed: () => undefined,
    },
  );
  return mover!;
}
