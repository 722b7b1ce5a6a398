// Kinds of operations on the ring transport's ring, as they stand in the user data. Data only.

/** What a completion belongs to; in the low byte of the upper user-data word, the generation above it. */
export const CompletionKind = {
  ACCEPT: 1,
  RECEIVE: 2,
  SEND: 3,
  CONNECT: 4,
  CANCEL: 5,
  CLOSE: 6,
  TICK: 7,
  WAKE: 8,
  /** A connect that failed before it began: told on the next turn. */
  CONNECT_FAILED: 9,
  /** The cancellation of an accept: its result does not matter. */
  IGNORED: 10,
  AGAIN: 11,
  /** A relay's socket has bytes; takes bytes. */
  RELAY_IN: 12,
  RELAY_OUT: 13,
} as const;
