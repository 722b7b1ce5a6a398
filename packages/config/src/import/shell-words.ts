// A command line of keepalived as a program with arguments: keepalived runs no shell but searches PATH. Pure.

/** What a shell would act on; keepalived's own reading of such lines has differed between its versions. */
const SHELL = /[|&;<>()$`*?~#\\]/;

/** What only bash understands: `&>`, `[[`, process substitution, here strings, `/dev/tcp`. */
const BASH = /&>|>&(?!\d|-)|\[\[|<\(|<<<|\/dev\/(?:tcp|udp)\//;

/** The program by absolute path, and its arguments. `/usr/bin/env` finds a program that was searched in PATH. */
export function commandWords(command: string): readonly string[] {
  if (SHELL.test(command) || BASH.test(command)) return [BASH.test(command) ? '/bin/bash' : '/bin/sh', '-c', command];
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
  return words[0]?.startsWith('/') === true ? words : ['/usr/bin/env', ...words];
}

/** Words as a shell reads them back. */
export function shellQuoted(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
