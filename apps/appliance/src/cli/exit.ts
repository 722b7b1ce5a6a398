// Exit codes and the two streams of the command line: standard output is data, standard error is messages. Whatever goes
// to a terminal goes through here, and nothing of it may act on the terminal (ways-out.test.ts finds what would not).
import { plainJson, plainText } from '@tospann/errors';

/** What a command's exit code means to scripts. */
export const Exit = {
  ok: 0,
  failed: 1,
  usage: 2,
  configInvalid: 3,
  degraded: 4,
  notReachable: 5,
  refused: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof Exit)[keyof typeof Exit];

/** One line, or several: only the program begins a new line, never a text that it shows. */
export type Lines = string | readonly string[];

/** Prints data. */
export function out(lines: Lines): void {
  process.stdout.write(asText(lines));
}

/** Prints data as one line of JSON. */
export function outJson(value: unknown): void {
  process.stdout.write(`${plainJson(JSON.stringify(value))}\n`);
}

/** Prints a message to the person at the terminal. */
export function say(lines: Lines): void {
  process.stderr.write(asText(lines));
}

/** Prints an error with its code and its hint, each on a line. */
export function complain(error: { readonly code: string; readonly message: string; readonly hint: string }): void {
  // A report of several checks has a line for each: those are of the other end of the control socket, which is this node.
  say(`${error.code}: ${error.message}`.split('\n'));
  if (error.hint !== '') say(`  hint: ${error.hint}`);
}

function asText(lines: Lines): string {
  return (typeof lines === 'string' ? [lines] : lines).map((line) => `${plainText(line)}\n`).join('');
}

/**
 * Ends the program when nobody can read what it prints: quietly when the reader has read enough (`tospann events | head`),
 * with an error when the output cannot be kept.
 *
 * @param failed Told why the output cannot be written.
 */
export function guardOutput(failed: (error: Error) => ExitCode): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? Exit.ok : failed(error)),
  );
  process.stderr.on('error', () => process.exit(Exit.failed));
}
