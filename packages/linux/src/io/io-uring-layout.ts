// Numbers of the io_uring interface (linux/io_uring.h) that Tospann uses. Data only.

/** Operations: `IORING_OP_*`. */
export const RingOp = {
  NOP: 0,
  POLL_ADD: 6,
  TIMEOUT: 11,
  ACCEPT: 13,
  ASYNC_CANCEL: 14,
  CONNECT: 16,
  CLOSE: 19,
  READ: 22,
  SEND: 26,
  RECV: 27,
} as const;

/** Bits of an entry's flags byte: `IOSQE_*`. */
export const EntryFlag = { BUFFER_SELECT: 1 << 5 } as const;

/** Bits of an entry's ioprio for accept, receive and send. */
export const IoPriority = {
  ACCEPT_MULTISHOT: 1,
  RECV_MULTISHOT: 2,
  POLL_FIRST: 1,
  RECVSEND_BUNDLE: 16,
} as const;

/** Bits of a completion's flags: `IORING_CQE_F_*`; with BUFFER the upper 16 bits are the buffer's number. */
export const CompletionFlag = { BUFFER: 1, MORE: 2, SOCK_NONEMPTY: 4 } as const;

/** Bits of an ASYNC_CANCEL's operation flags. */
export const CancelFlag = { ALL: 1, FD: 2 } as const;

export const Setup = {
  CQSIZE: 1 << 3,
  CLAMP: 1 << 4,
  SUBMIT_ALL: 1 << 7,
  COOP_TASKRUN: 1 << 8,
  SINGLE_ISSUER: 1 << 12,
  DEFER_TASKRUN: 1 << 13,
} as const;

export const Enter = { GETEVENTS: 1, REGISTERED_RING: 1 << 4 } as const;

export const Register = { PROBE: 8, RING_FDS: 20, UNREGISTER_RING_FDS: 21, PBUF_RING: 22 } as const;

/** Places in struct io_uring_params (120 bytes). */
export const Params = { SQ_ENTRIES: 0, CQ_ENTRIES: 4, FLAGS: 8, SQ_OFF: 40, CQ_OFF: 80, BYTES: 120 } as const;

export const SQES_OFFSET = 0x10000000;
