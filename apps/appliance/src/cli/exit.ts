// Exit codes and the two streams of the command line: standard output is data, standard error is messages.

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

/** Prints data. */
export function out(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a message to the person at the terminal. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints an error with its code and its hint, each on a line. */
export function complain(error: { readonly code: string; readonly message: string; readonly hint: string }): void {
  say(`${error.code}: ${error.message}`);
  if (error.hint !== '') say(`  hint: ${error.hint}`);
}
