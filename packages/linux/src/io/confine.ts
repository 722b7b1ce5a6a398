// Gives up, for all threads of this process, what a data plane and a console never need: new rights by execve
// (PR_SET_NO_NEW_PRIVS) and the system calls by which a process that was taken over reaches further (seccomp(2)). A denied call
// fails with EPERM and ends nothing. What goes through io_uring passes no filter: a ring has no execve, no ptrace and no mount.
import { errnoName } from './kernel-error.ts';
import { addressOf, errno, libc } from './libc.ts';

const { prctl } = libc({ prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' } });
const { syscall } = libc({ syscall: { arguments: ['i64', 'u32', 'u32', 'pointer'], return: 'i64' } });

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
/**
 * All threads (TSYNC), those too that Node has started before any of our code ran, which get no new rights either; and without
 * the slower speculation that kernels before 5.16 add (SPEC_ALLOW).
 */
const SECCOMP_FLAGS = 1 | 4;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_EPERM = 0x0005_0001;
// Offsets in struct seccomp_data, and the three instructions that are used, as in linux/bpf_common.h.
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_NOT_LESS = 0x35;
const RETURN = 0x06;
/** Numbers from here on are of the x32 ABI: the same calls once more. */
const X32_BIT = 0x4000_0000;

interface Machine {
  readonly architecture: number;
  readonly seccomp: bigint;
  /** By name, for the reader. */
  readonly denied: Readonly<Record<string, number>>;
}

const machines: Readonly<Record<string, Machine>> = {
  x64: {
    architecture: 0xc000_003e,
    seccomp: 317n,
    denied: {
      execve: 59,
      ptrace: 101,
      personality: 135,
      pivot_root: 155,
      adjtimex: 159,
      chroot: 161,
      acct: 163,
      settimeofday: 164,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      sethostname: 170,
      setdomainname: 171,
      iopl: 172,
      ioperm: 173,
      init_module: 175,
      delete_module: 176,
      quotactl: 179,
      clock_settime: 227,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      name_to_handle_at: 303,
      open_by_handle_at: 304,
      clock_adjtime: 305,
      setns: 308,
      process_vm_readv: 310,
      process_vm_writev: 311,
      kcmp: 312,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      execveat: 322,
      userfaultfd: 323,
      open_tree: 428,
      move_mount: 429,
      fsopen: 430,
      fsconfig: 431,
      fsmount: 432,
      fspick: 433,
      pidfd_getfd: 438,
      mount_setattr: 442,
    },
  },
};

/** Confines this process for good. Call it when nothing is to be started any more. Returns why it is not; empty: it is. */
export function confineProcess(): string {
  const machine = machines[process.arch];
  if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) return `prctl: ${errnoName(errno())}`;
  if (machine === undefined) return `there is no filter for ${process.arch}`;
  const filter = filterFor(machine);
  const program = new Uint8Array(new ArrayBuffer(128));
  const view = new DataView(program.buffer);
  view.setUint16(0, filter.length / 8, true);
  view.setBigUint64(8, addressOf(filter), true);
  const result = syscall(machine.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FLAGS, program);
  if (result === 0n) return '';
  return result > 0n ? `seccomp: thread ${result} has another filter` : `seccomp: ${errnoName(errno())}`;
}

function filterFor({ architecture, denied }: Machine): Uint8Array {
  const numbers = Object.values(denied);
  // The last instruction denies, the one before allows: jumps count from the next instruction.
  const end = numbers.length + 5;
  const rows: (readonly [code: number, jumpTrue: number, jumpFalse: number, value: number])[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE_AT],
    [JUMP_IF_EQUAL, 0, end - 2, architecture],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    [JUMP_IF_NOT_LESS, end - 4, 0, X32_BIT],
    ...numbers.map((number, i) => [JUMP_IF_EQUAL, end - 5 - i, 0, number] as const),
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
    [RETURN, 0, 0, SECCOMP_RET_EPERM],
  ];
  const bytes = new Uint8Array(new ArrayBuffer(rows.length * 8));
  const view = new DataView(bytes.buffer);
  for (const [i, [code, jumpTrue, jumpFalse, value]] of rows.entries()) {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jumpTrue);
    view.setUint8(i * 8 + 3, jumpFalse);
    view.setUint32(i * 8 + 4, value, true);
  }
  return bytes;
}
