// Codes about requests: what a client or a server sent that cannot be forwarded, and why. `status` is what the
// client is answered. Faults of a request have source "client", faults of an answer "upstream".
import type { ErrorEntry } from '../catalogue.ts';

const client = { source: 'client', retry: 'never' } as const;
const upstream = { source: 'upstream', retry: 'never', status: 502 } as const;

export const trafficErrors = {
  LB_HTTP_BARE_LINE_END: {
    ...client,
    status: 400,
    message: 'Cannot read the request: a CR or LF stands alone',
    hint: 'End every line of the head with CR LF.',
  },
  LB_HTTP_BAD_METHOD: {
    ...client,
    status: 400,
    message: 'Cannot read the request line: the method is not a token followed by one space',
    hint: 'Send "METHOD target HTTP/1.1"; a TLS client needs a listener with a certificate.',
  },
  LB_HTTP_METHOD_TOO_LONG: {
    ...client,
    status: 501,
    message: 'Cannot forward the request as the method must be at most 32 bytes',
    hint: 'Use a shorter method name.',
  },
  LB_HTTP_CONNECT_REFUSED: {
    ...client,
    status: 501,
    message: 'Cannot forward the request: CONNECT asks for a tunnel',
    hint: 'Use a forward proxy for tunnels.',
  },
  LB_HTTP_BAD_TARGET: {
    ...client,
    status: 400,
    message: 'Cannot read the request target: it has a forbidden byte or form',
    hint: 'Percent-encode spaces, controls and bytes above 126, leave out the fragment, begin with "/".',
  },
  LB_HTTP_TARGET_TOO_LONG: {
    ...client,
    status: 414,
    message: 'Cannot read the request target: it is longer than the head may be',
    hint: 'Send long data in the body.',
  },
  LB_HTTP_BAD_VERSION: {
    ...client,
    status: 400,
    message: 'Cannot read the request line: it does not end with "HTTP/1.1" and CR LF',
    hint: 'Send HTTP/1.1 or HTTP/1.0.',
  },
  LB_HTTP_VERSION_UNSUPPORTED: {
    ...client,
    status: 505,
    message: 'Cannot forward the request: its HTTP version is neither 1.0 nor 1.1',
    hint: 'Send HTTP/1.1 or HTTP/1.0.',
  },
  LB_HTTP_EMPTY_LINES: {
    ...client,
    status: 400,
    message: 'Cannot read the request: too many empty lines stand before it',
    hint: 'Send the request line first.',
  },
  LB_HTTP_BAD_FIELD_NAME: {
    ...client,
    status: 400,
    message: 'Cannot read a header field: its name is not a token followed at once by a colon',
    hint: 'Remove spaces and special characters from the field name.',
  },
  LB_HTTP_BAD_FIELD_VALUE: {
    ...client,
    status: 400,
    message: 'Cannot read a header field: its value has a NUL or another control character',
    hint: 'Remove control characters from the field value.',
  },
  LB_HTTP_FOLDED_FIELD: {
    ...client,
    status: 400,
    message: 'Cannot read a header field: it is continued on a second line',
    hint: 'Send each field on one line.',
  },
  LB_HTTP_HEAD_TOO_LARGE: {
    ...client,
    status: 431,
    message: 'Cannot read the head: it has more bytes than allowed',
    hint: 'Send smaller cookies and fewer fields.',
  },
  LB_HTTP_TOO_MANY_FIELDS: {
    ...client,
    status: 431,
    message: 'Cannot read the head: it has more fields than allowed',
    hint: 'Send fewer fields.',
  },
  LB_HTTP_HOST_MISSING: {
    ...client,
    status: 400,
    message: 'Cannot forward the request: HTTP/1.1 needs a Host field',
    hint: 'Send one Host field.',
  },
  LB_HTTP_HOST_REPEATED: {
    ...client,
    status: 400,
    message: 'Cannot forward the request: it has more than one Host field',
    hint: 'Send one Host field.',
  },
  LB_HTTP_BAD_HOST: {
    ...client,
    status: 400,
    message: 'Cannot forward the request: its host is not a name or address with an optional port',
    hint: 'Send "Host: name" or "Host: name:port".',
  },
  LB_HTTP_BAD_CONTENT_LENGTH: {
    ...client,
    status: 400,
    message: 'Cannot read the body: Content-Length is not one decimal number in range',
    hint: 'Send Content-Length once, with digits only.',
  },
  LB_HTTP_CONTENT_LENGTH_REPEATED: {
    ...client,
    status: 400,
    message: 'Cannot read the body: Content-Length is given more than once',
    hint: 'Send Content-Length once.',
  },
  LB_HTTP_TRANSFER_CODING: {
    ...client,
    status: 501,
    message: 'Cannot read the body: Transfer-Encoding is something else than "chunked"',
    hint: 'Send "Transfer-Encoding: chunked" or a Content-Length.',
  },
  LB_HTTP_TRANSFER_CODING_REPEATED: {
    ...client,
    status: 400,
    message: 'Cannot read the body: Transfer-Encoding is given more than once',
    hint: 'Send Transfer-Encoding once.',
  },
  LB_HTTP_TRANSFER_CODING_IN_1_0: {
    ...client,
    status: 400,
    message: 'Cannot read the body: Transfer-Encoding does not exist in HTTP/1.0',
    hint: 'Send HTTP/1.1, or a Content-Length.',
  },
  LB_HTTP_TWO_FRAMINGS: {
    ...client,
    status: 400,
    message: 'Cannot read the body: both Content-Length and Transfer-Encoding are given',
    hint: 'Send one of the two.',
  },
  LB_HTTP_BAD_CONNECTION_FIELD: {
    ...client,
    status: 400,
    message: 'Cannot read the Connection field: it is not a list of at most 32 tokens',
    hint: 'Name only fields that the message has.',
  },
  LB_HTTP_EXPECTATION_UNKNOWN: {
    ...client,
    status: 417,
    message: 'Cannot meet the expectation: only "100-continue" is known',
    hint: 'Leave out the Expect field.',
  },
  LB_HTTP_WEBSOCKET_KEY: {
    ...client,
    status: 400,
    message: 'Cannot pass on the upgrade to websocket: it does not have one Sec-WebSocket-Key of 16 bytes in base64',
    hint: 'Make the handshake of RFC 6455 section 4.1; a probe can ask for the page without Upgrade.',
  },
  LB_HTTP_BAD_CHUNK: {
    ...client,
    status: 400,
    message: 'Cannot read the chunked body: a chunk does not follow the grammar',
    hint: 'Send the size in at most 13 hexadecimal digits, CR LF, the data, CR LF.',
  },
  LB_HTTP_CHUNK_EXTENSIONS_TOO_LARGE: {
    ...client,
    status: 413,
    message: 'Cannot read the chunked body: its extensions have more than 16 KiB',
    hint: 'Leave out chunk extensions.',
  },
  LB_HTTP_BAD_TRAILER: {
    ...client,
    status: 400,
    message: 'Cannot read the trailers: a line is not a header field',
    hint: 'Send trailers as "Name: value", each on one line.',
  },
  LB_HTTP_TRAILERS_TOO_LARGE: {
    ...client,
    status: 431,
    message: 'Cannot read the trailers: they have more than 16 KiB',
    hint: 'Send the data in the body.',
  },
  LB_HTTP_BODY_TOO_LARGE: {
    ...client,
    status: 413,
    message: 'Cannot forward the request: its body has more bytes than the frontend allows',
    hint: 'Send less at once, or raise limits.maxBody of the frontend.',
  },
  LB_HTTP_HEAD_TIMEOUT: {
    ...client,
    status: 408,
    message: 'Cannot read the head: it did not end in time',
    hint: 'Send the head at once; see timeouts.httpRequest.',
  },
  LB_HTTP_BODY_TIMEOUT: {
    ...client,
    status: 408,
    message: 'Cannot read the body: it came too slowly',
    hint: 'Send the body without pauses; see timeouts.client.',
  },
  LB_LIMIT_REQUEST_RATE: {
    ...client,
    status: 429,
    message: 'Cannot take the request: its source has sent more than the frontend allows in the period',
    hint: 'Wait as long as Retry-After says, or raise limits.requestRate of the frontend.',
  },
  LB_LIMIT_CONNECTION_RATE: {
    ...client,
    status: 429,
    message: 'Cannot take the connection: its source has opened more than the frontend allows in the period',
    hint: 'Keep connections open between requests, or raise limits.connectionRate of the frontend.',
  },
  LB_LIMIT_CONNECTIONS: {
    ...client,
    status: 429,
    message: 'Cannot take the connection: its source has as many as the frontend allows',
    hint: 'Close idle connections, or raise limits.connectionsPerSource of the frontend.',
  },
  LB_HTTP_ANSWER_STATUS_LINE: {
    ...upstream,
    message: 'Cannot use the answer of the server: its status line does not follow HTTP/1.1',
    hint: 'Check that the port of the server speaks HTTP/1.1 in clear text.',
  },
  LB_HTTP_ANSWER_FIELD: {
    ...upstream,
    message: 'Cannot use the answer of the server: a header field does not follow the grammar',
    hint: 'Correct the application that sets this field.',
  },
  LB_HTTP_ANSWER_TOO_LARGE: {
    ...upstream,
    message: 'Cannot use the answer of the server: its head has more bytes or fields than allowed',
    hint: 'Send fewer or smaller fields from the application.',
  },
  LB_HTTP_ANSWER_FRAMING: {
    ...upstream,
    message: 'Cannot use the answer of the server: the length of its body is ambiguous',
    hint: 'Correct the Content-Length or Transfer-Encoding that the server sends.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
