// What a process that replaces its own program (execve) needs: descriptors that stay open, a file without a name that the
// next program reads, the call itself, and the end of children that the program before it started. Side effects: descriptors
// of this process, its program, its children's exit states.
import { fstatSync, readSync, writeSync } from 'node:fs';
import { kernelError } from './kernel-error.ts';
import { addressOf, errno, libc } from './libc.ts';
import { closeFd } from './sockets.ts';

const calls = libc({
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  memfd_create: { arguments: ['pointer', 'u32'], return: 'i32' },
  execve: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
});

const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const MFD_CLOEXEC = 1;
const WNOHANG = 1;
const status = new Uint8Array(new ArrayBuffer(64));

/** Says whether a descriptor stays open when this process replaces its program. @throws {TospannError} LB_KERNEL_CALL. */
export function keepOnExec(fd: number, kept: boolean): void {
  if (calls.fcntl(fd, F_SETFD, kept ? 0 : FD_CLOEXEC) < 0) {
    throw kernelError('fcntl', `set what becomes of descriptor ${fd}`, errno());
  }
}

/**
 * Puts text in a file that is in memory only and has no name: of any length, which an environment string is not.
 *
 * @param name For /proc only.
 * @returns Its descriptor, close-on-exec; `readMemoryFile` reads it, also in the next program.
 * @throws {TospannError} LB_KERNEL_CALL, and what a write says.
 */
export function makeMemoryFile(name: string, text: string): number {
  const fd = calls.memfd_create(cString(name), MFD_CLOEXEC);
  if (fd < 0) throw kernelError('memfd_create', 'make a file in memory', errno());
  const bytes = Buffer.from(text, 'utf8');
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/** Reads a file that `makeMemoryFile` has made, from its beginning. @throws What the system says. */
export function readMemoryFile(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  for (let at = 0; at < bytes.length;) {
    const got = readSync(fd, bytes, at, bytes.length - at, at);
    if (got === 0) break;
    at += got;
  }
  return bytes.toString('utf8');
}

export interface NextProgram {
  readonly file: string;
  /** All arguments; the first is the program's name. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Replaces the program of this process. Standard input, output and error stay open. `process.execve` would end the process
 * when the kernel refuses; this goes on as if nothing had been asked.
 *
 * @throws {TospannError} LB_KERNEL_CALL: the program was not replaced. It never returns.
 */
export function replaceProgram({ file, args, env }: NextProgram): never {
  const kept = [0, 1, 2].map((fd) => ({ fd, flags: calls.fcntl(fd, F_GETFD, 0) }));
  for (const { fd } of kept) calls.fcntl(fd, F_SETFD, 0);
  const argv = stringList(args);
  const envp = stringList(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
  );
  calls.execve(cString(file), argv.bytes, envp.bytes);
  const refused = errno();
  for (const { fd, flags } of kept) if (flags >= 0) calls.fcntl(fd, F_SETFD, flags);
  // The strings are alive until here: the kernel has read them.
  throw kernelError(
    'execve',
    `replace this program by "${file}" (${argv.strings.length + envp.strings.length} strings)`,
    refused,
  );
}

/**
 * Takes the exit state of a child that this program did not start itself, so that no zombie stays.
 *
 * @returns False while it lives; true when it has ended, or is no child of this process.
 */
export function reapChild(pid: number): boolean {
  return calls.waitpid(pid, status, WNOHANG) !== 0;
}

function cString(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const ended = new Uint8Array(new ArrayBuffer(bytes.length + 64)); // above what V8 keeps inside its heap, where it moves
  ended.set(bytes);
  return ended;
}

/** An array of pointers to strings with a null pointer at its end; the strings live as long as the result. */
function stringList(texts: readonly string[]): { readonly bytes: Uint8Array; readonly strings: readonly Uint8Array[] } {
  const strings = texts.map(cString);
  const pointers = new BigUint64Array(strings.length + 9);
  strings.forEach((string, i) => (pointers[i] = addressOf(string)));
  return { bytes: new Uint8Array(pointers.buffer), strings };
}
