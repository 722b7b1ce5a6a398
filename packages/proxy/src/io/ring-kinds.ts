// Kinds of operations on the ring transport's ring, as they stand in the user data, and their flags. Data only.
import { EntryFlag, IoPriority, RingOp } from '@tospann/linux';

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

/** Heads of receive entries: the kernel picks the buffer. */
export const RECEIVE_ONCE = RingOp.RECV | (EntryFlag.BUFFER_SELECT << 8);
export const RECEIVE_MANY = RECEIVE_ONCE | (IoPriority.RECV_MULTISHOT << 16);

/** MSG_NOSIGNAL | MSG_WAITALL; with MSG_MORE when further bytes follow at once. */
export const SendFlag = { LAST: 0x4100, MORE: 0xc100 } as const;
