// Reads the processor times of this machine now. Side effects: /proc/stat.
import { readFileSync } from 'node:fs';
import { decodeCpuTimes, type CpuTimes } from '../core/cpu-times.ts';

/** The times of now; undefined where the kernel does not say. */
export function readCpuTimes(): CpuTimes | undefined {
  try {
    return decodeCpuTimes(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return undefined;
  }
}
