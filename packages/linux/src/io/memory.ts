// Anonymous memory outside the JavaScript heap whose address the kernel may be told: ring regions and buffers.
// Mapped lazily (a page costs nothing until it is touched) and never unmapped: it lives as long as its thread's ring.
import { kernelError } from './kernel-error.ts';
import { errno, libc, viewMemory } from './libc.ts';

const { mmap } = libc({ mmap: { arguments: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'i64' } });

const { madvise } = libc({ madvise: { arguments: ['u64', 'u64', 'i32'], return: 'i32' } });
const MADV_DONTNEED = 4;

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
// Not reserved: a pool larger than a small machine's memory is fine as long as it is not used.
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;

/** Mapped memory: `address` is exact (user addresses have at most 47 bits). */
export interface MappedMemory {
  readonly address: number;
  readonly buffer: ArrayBuffer;
}

/** Maps zeroed memory, page aligned. @throws {TospannError} LB_KERNEL_CALL (ENOMEM). */
export function mapMemory(bytes: number): MappedMemory {
  return map(bytes, MAP_PRIVATE_ANONYMOUS_NORESERVE, { fd: -1, offset: 0 });
}

/** Gives the pages of memory that `mapMemory` has made back to the kernel; they read as zeros, and cost nothing again. */
export function dropPages(address: number, bytes: number): void {
  const result = madvise(BigInt(address), BigInt(bytes), MADV_DONTNEED);
  if (result !== 0) throw kernelError('madvise', `give ${bytes} bytes back`, errno());
}

/** Maps a part of a descriptor, shared with the kernel. @throws {TospannError} LB_KERNEL_CALL. */
export function mapDescriptor(bytes: number, source: { readonly fd: number; readonly offset: number }): MappedMemory {
  return map(bytes, MAP_SHARED_POPULATE, source);
}

function map(bytes: number, flags: number, source: { readonly fd: number; readonly offset: number }): MappedMemory {
  const address = mmap(0n, BigInt(bytes), PROT_READ_WRITE, flags, source.fd, BigInt(source.offset));
  if (address === -1n) throw kernelError('mmap', `map ${bytes} bytes`, errno());
  return { address: Number(address), buffer: viewMemory(address, bytes) };
}
