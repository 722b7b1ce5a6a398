// Runs a command as a container with Docker's default seccomp profile does: io_uring_setup, _enter and _register
// answer EPERM, as they also do under kernel.io_uring_disabled=2, but only for this process and its children.
//   node without-io-uring.ts COMMAND ARGUMENT...
// A seccomp filter is put on, then execve replaces this process. x86-64 only.
import { dlopen, getRawPointer } from 'node:ffi';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const PR_SET_NO_NEW_PRIVS = 38;
const SYS_SECCOMP = 317n;
const SECCOMP_SET_MODE_FILTER = 1n;
const SECCOMP_FILTER_FLAG_TSYNC = 1n;
const FIRST_IO_URING_CALL = 425;
const LAST_IO_URING_CALL = 427;
const EPERM = 1;
const F_SETFD = 2;

/** BPF program of struct sock_filter {u16 code; u8 jt; u8 jf; u32 k}: offset 0 of seccomp_data is the call's number. */
function filterProgram(): Buffer {
  const instructions = [
    [0x20, 0, 0, 0],
    [0x35, 0, 2, FIRST_IO_URING_CALL],
    [0x25, 1, 0, LAST_IO_URING_CALL],
    [0x06, 0, 0, 0x00050000 | EPERM],
    [0x06, 0, 0, 0x7fff0000],
  ] as const;
  const program = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jumpTrue, index * 8 + 2);
    program.writeUInt8(jumpFalse, index * 8 + 3);
    program.writeUInt32LE(value, index * 8 + 4);
  });
  return program;
}

function find(command: string): string {
  if (command.includes('/')) return command;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return join(folder, command);
    } catch {
      // Not in this folder of PATH.
    }
  }
  throw new Error(`Cannot find command "${command}": it is not in PATH`);
}

/** A NULL-ended array of C strings; `keep` holds the bytes it points to and must live as long as it. */
function cStrings(texts: readonly string[]): { readonly array: Buffer; readonly keep: readonly Buffer[] } {
  const keep = texts.map((text) => Buffer.from(`${text}\0`));
  const array = Buffer.alloc((texts.length + 1) * 8);
  keep.forEach((buffer, index) => array.writeBigUInt64LE(getRawPointer(buffer), index * 8));
  return { array, keep };
}

/** Puts the filter on this process and becomes the command; returns only by throwing. */
function become(command: readonly string[]): never {
  const libc = dlopen(null, {
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    syscall: { arguments: ['i64', 'u64', 'u64', 'pointer'], return: 'i64' },
    fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    execve: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  }).functions;
  const program = filterProgram();
  // struct sock_fprog { unsigned short len; struct sock_filter *filter }
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length / 8, 0);
  header.writeBigUInt64LE(getRawPointer(program), 8);
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error('Cannot set no_new_privs: prctl failed');
  const filtered = libc.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, header);
  if (filtered !== 0n) throw new Error('Cannot put on the seccomp filter: seccomp failed');
  const argv = cStrings(command);
  const environment = cStrings(Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`));
  // Node marks the descriptors that it was given close-on-exec: the command needs them.
  for (const descriptor of [0, 1, 2, 3]) libc.fcntl(descriptor, F_SETFD, 0);
  libc.execve(Buffer.from(`${find(command[0] ?? '')}\0`), argv.array, environment.array);
  throw new Error(`Cannot start "${command[0] ?? ''}": execve failed`);
}

become(process.argv.slice(2));
