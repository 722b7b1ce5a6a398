// Keeps the trailers of a chunked body that may be passed on (RFC 9110 section 6.5): those that neither frame, route,
// authenticate nor control the message, since whoever merges trailers into the head must not be led astray by them.
// Trailers are rare, so this may allocate; how much is bounded by the parser that feeds it.

/** Never passed on: RFC 9110 section 6.5.1, the fields of a hop, cookies, and (with all X-Forwarded-*) what only proxies
 * may say of the client. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'allow',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'forwarded',
  'host',
  'keep-alive',
  'last-modified',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
  'x-real-ip',
]);

const FIRST_BYTES = 256;

/** Collects trailer lines byte by byte. */
export class TrailerKeeper {
  /** The lines that are passed on, each with its CR LF; after `finish` also the empty line. */
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  #lineStart = 0;
  #forbidden = false;

  reset(): void {
    this.length = 0;
    this.#lineStart = 0;
    this.#forbidden = false;
  }

  /** Takes the next byte of a line. */
  push(byte: number): void {
    if (this.length === this.bytes.length) {
      const grown = new Uint8Array(Math.max(FIRST_BYTES, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.length++] = byte;
  }

  /** The name of the line is complete: all pushed bytes since the last line. */
  nameEnds(): void {
    const name = String.fromCharCode(
      ...this.bytes.subarray(this.#lineStart, Math.min(this.length, this.#lineStart + 64)),
    );
    // Some servers take every sign of a name for the same.
    const lower = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
    this.#forbidden = FORBIDDEN.has(lower) || lower.startsWith('x-forwarded-');
  }

  /** The line is complete, with its CR LF. */
  lineEnds(): void {
    if (this.#forbidden) this.length = this.#lineStart;
    this.#forbidden = false;
    this.#lineStart = this.length;
  }
}
