// What every watch of a condition is to its owner: it tells its findings until it is closed.

export interface Watch {
  /** Ends it; nothing is told any more. */
  close(): void;
}
