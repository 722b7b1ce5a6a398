// The only door to native code: functions of the C library through node:ffi, errno, and views on foreign memory.
// 32-bit integers and Uint8Arrays are the cheap arguments; a 64-bit one is a BigInt. Everything else in this
// package builds on this file, and nothing outside the package sees it.
import type * as NodeFfi from 'node:ffi';

const ffi: typeof NodeFfi = process.getBuiltinModule('node:ffi');

/**
 * Looks up functions of the C library. Ask again with another signature for a variadic one (`syscall`, `fcntl`).
 *
 * @param definitions C name to argument and return types; pointers take a Uint8Array, a BigInt address or null.
 * @returns The functions; -1 (or the C function's own value) means failed, `errno()` says why.
 */
export function libc<const T extends NodeFfi.FunctionDefinitions>(
  definitions: T,
): NodeFfi.WrappedFunctionsFromDefinitions<T> {
  return ffi.dlopen(null, definitions).functions;
}

const { __errno_location: errnoLocation } = libc({ __errno_location: { arguments: [], return: 'pointer' } });

// errno is thread-local; so is this module (each worker thread loads its own copy), hence one view for ever.
const errnoWord = new Int32Array(ffi.toArrayBuffer(errnoLocation(), 4, false));

/** The errno of the last failed call of this thread; read it directly after the call, before anything else. */
export function errno(): number {
  return errnoWord[0] ?? 0;
}

/** A view on `bytes` bytes of foreign memory; the caller keeps that memory mapped as long as the view lives. */
export function viewMemory(address: bigint, bytes: number): ArrayBuffer {
  return ffi.toArrayBuffer(address, bytes, false);
}

/** The address of a typed array's first byte, for structures that hold pointers. Keep the array referenced. */
export function addressOf(array: Uint8Array): bigint {
  return ffi.getRawPointer(array);
}
