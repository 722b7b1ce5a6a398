// Two kernel settings of an interface without which an address on `lo` would not be silent: arp_ignore 1 (answer ARP
// only for addresses of the interface itself) and arp_announce 2 (never ask with a foreign source address). Raised, not
// lowered, and put back at the end. Side effects: /proc/sys/net/ipv4/conf.
import { readFileSync, writeFileSync } from 'node:fs';

const wanted = { arp_ignore: 1, arp_announce: 2 } as const;

export class ArpManners {
  readonly #before = new Map<string, string>();

  /** Makes an interface keep quiet about addresses of others. @returns false when the kernel refuses it. */
  quiet(interfaceName: string): boolean {
    try {
      for (const [name, value] of Object.entries(wanted))
        this.#raise(`/proc/sys/net/ipv4/conf/${interfaceName}/${name}`, value);
      return true;
    } catch {
      // A read-only /proc/sys (a container) or an interface that went away: the hand-over goes on without the drain.
      return false;
    }
  }

  /** Puts back what `quiet` changed; an interface that is gone needs nothing. */
  restore(): void {
    for (const [path, value] of this.#before) {
      try {
        writeFileSync(path, value);
      } catch {
        // Gone with its interface.
      }
    }
    this.#before.clear();
  }

  #raise(path: string, value: number): void {
    const current = readFileSync(path, 'utf8').trim();
    if (Number(current) >= value) return;
    writeFileSync(path, String(value));
    if (!this.#before.has(path)) this.#before.set(path, current);
  }
}
