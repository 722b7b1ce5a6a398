// Which boot of this machine it is: what was kept in the state directory may be of an earlier one.
import { readFileSync } from 'node:fs';

/** Empty when the kernel does not tell. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
