// Results of the parsers as small numbers, and what each means: a code of the catalogue and the status that the
// client is answered. Numbers, because the hot path allocates nothing; they are not stable between versions,
// the codes are.
import { catalogue, type ErrorCode } from '@tospann/errors';

/** The head or body is not complete yet: call again with more bytes. */
export const NEED_MORE = 0;
/** The head is complete and valid. */
export const OK = 1;

/** Results above OK: why a message is refused, by its parser or by whoever counts and times. */
export const Fault = {
  BARE_LINE_END: 2,
  BAD_METHOD: 3,
  METHOD_TOO_LONG: 4,
  CONNECT_REFUSED: 5,
  BAD_TARGET: 6,
  TARGET_TOO_LONG: 7,
  BAD_VERSION: 8,
  VERSION_UNSUPPORTED: 9,
  EMPTY_LINES: 10,
  BAD_FIELD_NAME: 11,
  BAD_FIELD_VALUE: 12,
  FOLDED_FIELD: 13,
  HEAD_TOO_LARGE: 14,
  TOO_MANY_FIELDS: 15,
  HOST_MISSING: 16,
  HOST_REPEATED: 17,
  BAD_HOST: 18,
  BAD_CONTENT_LENGTH: 19,
  CONTENT_LENGTH_REPEATED: 20,
  TRANSFER_CODING: 21,
  TRANSFER_CODING_REPEATED: 22,
  TRANSFER_CODING_IN_1_0: 23,
  TWO_FRAMINGS: 24,
  BAD_CONNECTION_FIELD: 25,
  EXPECTATION_UNKNOWN: 26,
  BAD_CHUNK: 27,
  CHUNK_EXTENSIONS_TOO_LARGE: 28,
  BAD_TRAILER: 29,
  TRAILERS_TOO_LARGE: 30,
  ANSWER_STATUS_LINE: 31,
  ANSWER_FIELD: 32,
  ANSWER_TOO_LARGE: 33,
  ANSWER_FRAMING: 34,
  BODY_TOO_LARGE: 35,
  HEAD_TIMEOUT: 36,
  BODY_TIMEOUT: 37,
  REQUEST_RATE: 38,
  CONNECTION_RATE: 39,
  SOURCE_CONNECTIONS: 40,
  WEBSOCKET_KEY: 41,
} as const;

/** How many result numbers there are: for counters indexed by a fault. */
export const FAULT_COUNT = 42;

const codes: readonly ErrorCode[] = [
  'LB_INTERNAL', // NEED_MORE and OK are no faults
  'LB_INTERNAL',
  'LB_HTTP_BARE_LINE_END',
  'LB_HTTP_BAD_METHOD',
  'LB_HTTP_METHOD_TOO_LONG',
  'LB_HTTP_CONNECT_REFUSED',
  'LB_HTTP_BAD_TARGET',
  'LB_HTTP_TARGET_TOO_LONG',
  'LB_HTTP_BAD_VERSION',
  'LB_HTTP_VERSION_UNSUPPORTED',
  'LB_HTTP_EMPTY_LINES',
  'LB_HTTP_BAD_FIELD_NAME',
  'LB_HTTP_BAD_FIELD_VALUE',
  'LB_HTTP_FOLDED_FIELD',
  'LB_HTTP_HEAD_TOO_LARGE',
  'LB_HTTP_TOO_MANY_FIELDS',
  'LB_HTTP_HOST_MISSING',
  'LB_HTTP_HOST_REPEATED',
  'LB_HTTP_BAD_HOST',
  'LB_HTTP_BAD_CONTENT_LENGTH',
  'LB_HTTP_CONTENT_LENGTH_REPEATED',
  'LB_HTTP_TRANSFER_CODING',
  'LB_HTTP_TRANSFER_CODING_REPEATED',
  'LB_HTTP_TRANSFER_CODING_IN_1_0',
  'LB_HTTP_TWO_FRAMINGS',
  'LB_HTTP_BAD_CONNECTION_FIELD',
  'LB_HTTP_EXPECTATION_UNKNOWN',
  'LB_HTTP_BAD_CHUNK',
  'LB_HTTP_CHUNK_EXTENSIONS_TOO_LARGE',
  'LB_HTTP_BAD_TRAILER',
  'LB_HTTP_TRAILERS_TOO_LARGE',
  'LB_HTTP_ANSWER_STATUS_LINE',
  'LB_HTTP_ANSWER_FIELD',
  'LB_HTTP_ANSWER_TOO_LARGE',
  'LB_HTTP_ANSWER_FRAMING',
  'LB_HTTP_BODY_TOO_LARGE',
  'LB_HTTP_HEAD_TIMEOUT',
  'LB_HTTP_BODY_TIMEOUT',
  'LB_LIMIT_REQUEST_RATE',
  'LB_LIMIT_CONNECTION_RATE',
  'LB_LIMIT_CONNECTIONS',
  'LB_HTTP_WEBSOCKET_KEY',
];

const statuses = new Int32Array(codes.map((code) => catalogue[code].status));

/** The catalogue's code of a fault; `LB_INTERNAL` for a number that is none. */
export function faultCode(fault: number): ErrorCode {
  return codes[fault] ?? 'LB_INTERNAL';
}

/** The status that a fault in a request is answered with (400..505); a fault in an answer is 502. */
export function faultStatus(fault: number): number {
  return statuses[fault] ?? 500;
}
