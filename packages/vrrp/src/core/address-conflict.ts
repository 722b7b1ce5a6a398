// Somebody else announces an address that this node owns (RFC 5227 section 2.4, and the same for IPv6): when the owner defends
// it, and what is found for the operator. The owner keeps the address whatever happens, so it defends at once, and again
// at the end of each ten seconds in which it was announced (section 2.4 (c), and its bound against a storm of two that
// both defend). The last word of a span is the owner's. Not the sockets (io/address-watch.ts). Pure; times are monotonic ms.

/** DEFEND_INTERVAL. */
const defendEveryMs = 10_000;
/** Hosts announce themselves once a minute or so: what was not seen for longer has ended. */
const standsMs = 75_000;
/** Each is an alarm of its own; a segment has few. */
const mostKept = 64;

/** One host that announced one VIP. */
export interface Conflict {
  readonly vip: string;
  readonly mac: string;
  readonly seenMs: number;
}

export class AddressConflicts {
  #conflicts: readonly Conflict[] = [];
  /** By VIP: when it was defended last, and what is still to be answered. */
  readonly #defended = new Map<string, { readonly atMs: number; readonly pending: boolean }>();

  /** Another host was seen to announce a VIP that this node owns. */
  note(conflict: Conflict): void {
    const { vip, mac } = conflict;
    const others = this.#conflicts.filter((known) => known.vip !== vip || known.mac !== mac);
    this.#conflicts = [...others, conflict].slice(-mostKept);
    this.#defended.set(vip, { atMs: this.#defended.get(vip)?.atMs ?? -Infinity, pending: true });
  }

  /** This node owns the VIP no more: there is nothing to defend. */
  forget(vip: string): void {
    this.#conflicts = this.#conflicts.filter((known) => known.vip !== vip);
    this.#defended.delete(vip);
  }

  /** The VIPs to announce now. */
  takeDue(nowMs: number): readonly string[] {
    const due = [...this.#defended].filter(([, { atMs, pending }]) => pending && nowMs - atMs >= defendEveryMs);
    for (const [vip] of due) this.#defended.set(vip, { atMs: nowMs, pending: false });
    return due.map(([vip]) => vip);
  }

  /** What stands now. */
  standing(nowMs: number): readonly Conflict[] {
    this.#conflicts = this.#conflicts.filter(({ seenMs }) => nowMs - seenMs < standsMs);
    return this.#conflicts;
  }
}
