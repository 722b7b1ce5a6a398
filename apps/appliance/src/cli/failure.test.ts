import { TospannError } from '@tospann/errors';
import { afterEach, expect, test, vi } from 'vitest';
import { Exit } from './exit.ts';
import { failWith } from './failure.ts';

afterEach(() => void vi.restoreAllMocks());

function said(error: unknown): { readonly code: number; readonly text: string } {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => ((text += String(part)), true));
  const code = failWith(error);
  vi.restoreAllMocks();
  return { code, text };
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code, syscall: 'open', errno: -1 });
}

test('failWith() says what the system said, in words, and never where in the program it was', () => {
  const { code, text } = said(systemError('ENOSPC', "no space left on device, open '/x'"));
  expect(code).toBe(Exit.failed);
  expect(text).toMatch(/^LB_OPERATION_SYSTEM: .*"no space left on device \(open '\/x'\)"\n {2}hint: .+\n$/);
  const unknown = said(new RangeError('no server in slot 3'));
  expect(unknown.text).toMatch(/^LB_OPERATION_UNFORESEEN: .*no server in slot 3\n {2}hint: .*TOSPANN_TRACE=1/);
  expect(unknown.text).not.toMatch(/^ +at /m);
});

test('failWith() finds a refusal of the system at the root of any error, and says who may', () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  const cause = systemError('EACCES', "permission denied, open '/x'");
  const journal = new TospannError('LB_TUNER_JOURNAL', { file: '/x', detail: 'y' }, { cause });
  const line = said(new TospannError('LB_API_STATE_FILE', { file: '/x', detail: 'z' }, { cause: journal })).text;
  expect(line).toContain('hint: Run the command with sudo');
  expect(line).not.toContain('state directory');
  const free = new TospannError('LB_TUNER_JOURNAL', { file: '/x', detail: 'y' });
  expect(said(free).text).toContain('hint: Nothing has been changed; free space');
});

test('failWith() keeps the exit codes that scripts know', () => {
  expect(said(new TospannError('LB_CONFIG_UNREADABLE', { file: 'f', detail: 'd' })).code).toBe(Exit.configInvalid);
  expect(said(new TospannError('LB_OPERATION_NOT_REACHABLE', { socket: 's', detail: 'd' })).code).toBe(
    Exit.notReachable,
  );
});
