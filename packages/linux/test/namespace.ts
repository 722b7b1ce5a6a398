// A network namespace of the test's own: made by unshare for this thread only, so it has no name, meets no other
// test and is gone with the thread. Commands that the test starts are inside too. Needs root.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { libc } from '../src/io/libc.ts';

const { unshare, setns } = libc({
  unshare: { arguments: ['i32'], return: 'i32' },
  setns: { arguments: ['i32', 'i32'], return: 'i32' },
});

const CLONE_NEWNET = 0x40000000;

/** Moves this thread into a fresh namespace with `lo` up; call the result to go back. */
export function enterNamespace(): () => void {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  if (unshare(CLONE_NEWNET) !== 0) throw new Error('unshare failed: these tests need root');
  run('ip link set lo up');
  return () => {
    setns(home, CLONE_NEWNET);
    closeSync(home);
  };
}

/** Runs a command (words separated by spaces) and returns what it printed. */
export function run(command: string): string {
  const [file = '', ...words] = command.split(' ');
  return execFileSync(file, words, { encoding: 'utf8' });
}
