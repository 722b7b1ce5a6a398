// A lazy timer wheel: one deadline a connection handle. Pushing a deadline back is one store; the entry is looked at
// when its old slot comes round and then moves. Only an earlier deadline relinks at once. No objects, no allocation
// but when the number of handles doubles. Knows no clock: `advance` is told the time.

const SLOT_MS = 32;
const SLOTS = 2048;
const UNLINKED = -1;

/** Who is told that a deadline has passed. */
export interface TimerOwner {
  expired(handle: number): void;
}

export class TimerWheel {
  #deadline = new Float64Array(64).fill(Infinity);
  #slot = new Int32Array(64).fill(UNLINKED);
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  readonly #first = new Int32Array(SLOTS).fill(UNLINKED);
  #position: number;

  constructor(nowMs: number) {
    this.#position = Math.floor(nowMs / SLOT_MS);
  }

  /** Sets the handle's one deadline (monotonic ms); `Infinity` means none. */
  set(handle: number, deadlineMs: number): void {
    if (handle >= this.#deadline.length) this.#grow(handle);
    this.#deadline[handle] = deadlineMs;
    if (deadlineMs === Infinity) return;
    const slot = this.#slot[handle]!;
    if (slot === UNLINKED) this.#link(handle);
    else if (deadlineMs < this.#slotTime(slot)) {
      this.#unlink(handle);
      this.#link(handle);
    }
  }

  /** Forgets the handle: to be called before its number is used again. */
  remove(handle: number): void {
    if (handle >= this.#deadline.length) return;
    this.#deadline[handle] = Infinity;
    if (this.#slot[handle] !== UNLINKED) this.#unlink(handle);
  }

  /** Tells `owner` every deadline that has passed, in slot order. The owner may set and remove meanwhile. */
  advance(nowMs: number, owner: TimerOwner): void {
    const target = Math.floor(nowMs / SLOT_MS);
    // After a freeze longer than the wheel, one full turn looks at every entry.
    if (target - this.#position > SLOTS) this.#position = target - SLOTS;
    while (this.#position < target) {
      const slot = this.#position & (SLOTS - 1);
      this.#position++; // first, so that what is set meanwhile goes to a slot that is still to come
      this.#drain(slot, nowMs, owner);
    }
  }

  #drain(slot: number, nowMs: number, owner: TimerOwner): void {
    let handle = this.#first[slot]!;
    this.#first[slot] = UNLINKED;
    // The list is detached first, so that entries set meanwhile go to new places and are not seen twice.
    for (let h = handle; h !== UNLINKED; h = this.#next[h]!) this.#slot[h] = UNLINKED;
    let batch = 0;
    const handles: number[] = [];
    for (; handle !== UNLINKED; handle = this.#next[handle]!) handles[batch++] = handle;
    for (const due of handles) {
      const deadline = this.#deadline[due]!;
      if (deadline === Infinity || this.#slot[due] !== UNLINKED) continue;
      if (deadline > nowMs) this.#link(due);
      else {
        this.#deadline[due] = Infinity;
        owner.expired(due);
      }
    }
  }

  /** The time at which the slot is next looked at. */
  #slotTime(slot: number): number {
    const ahead = (slot - this.#position) & (SLOTS - 1);
    return (this.#position + ahead + 1) * SLOT_MS;
  }

  #link(handle: number): void {
    let turn = Math.floor(this.#deadline[handle]! / SLOT_MS);
    if (turn < this.#position) turn = this.#position;
    if (turn >= this.#position + SLOTS) turn = this.#position + SLOTS - 1;
    const slot = turn & (SLOTS - 1);
    const first = this.#first[slot]!;
    this.#slot[handle] = slot;
    this.#previous[handle] = UNLINKED;
    this.#next[handle] = first;
    if (first !== UNLINKED) this.#previous[first] = handle;
    this.#first[slot] = handle;
  }

  #unlink(handle: number): void {
    const slot = this.#slot[handle]!;
    const next = this.#next[handle]!;
    const previous = this.#previous[handle]!;
    if (previous === UNLINKED) this.#first[slot] = next;
    else this.#next[previous] = next;
    if (next !== UNLINKED) this.#previous[next] = previous;
    this.#slot[handle] = UNLINKED;
  }

  #grow(handle: number): void {
    let size = this.#deadline.length;
    while (size <= handle) size *= 2;
    const deadline = new Float64Array(size).fill(Infinity);
    const slot = new Int32Array(size).fill(UNLINKED);
    const next = new Int32Array(size);
    const previous = new Int32Array(size);
    deadline.set(this.#deadline);
    slot.set(this.#slot);
    next.set(this.#next);
    previous.set(this.#previous);
    this.#deadline = deadline;
    this.#slot = slot;
    this.#next = next;
    this.#previous = previous;
  }
}
