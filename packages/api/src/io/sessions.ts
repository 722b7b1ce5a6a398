// Who may ask: the token of the cluster, and the sessions of browsers that have shown it. Sessions live in memory
// only, bounded and with an end; a restart of the admin child asks for the token again. No cookie is parsed twice.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The cookie's name: the prefix makes browsers insist on Secure, Path=/ and no Domain. */
export const sessionCookieName = '__Host-tospann';

export interface SessionsOptions {
  readonly token: string;
  /** Monotonic clock in ms. */
  readonly nowMs: () => number;
  /** @default 12 hours */
  readonly lifetimeMs?: number;
  /** Sessions at once; the oldest ends first. @default 256 */
  readonly limit?: number;
}

/** The open sessions of one node. */
export class Sessions {
  readonly #tokenDigest: Buffer;
  readonly #nowMs: () => number;
  readonly #lifetimeMs: number;
  readonly #limit: number;
  /** By digest of the identifier, so that a look-up takes the same time for every wrong one. */
  readonly #endsAtMs = new Map<string, number>();

  constructor(options: SessionsOptions) {
    this.#tokenDigest = digest(options.token);
    this.#nowMs = options.nowMs;
    this.#lifetimeMs = options.lifetimeMs ?? 12 * 3_600_000;
    this.#limit = options.limit ?? 256;
  }

  /** Compares a token in constant time. */
  isToken(candidate: string): boolean {
    return timingSafeEqual(digest(candidate), this.#tokenDigest);
  }

  /** Opens a session and returns the value of Set-Cookie. */
  open(): string {
    const identifier = randomBytes(32).toString('base64url');
    this.#forgetEnded();
    if (this.#endsAtMs.size >= this.#limit) {
      const oldest = this.#endsAtMs.keys().next();
      if (oldest.done !== true) this.#endsAtMs.delete(oldest.value);
    }
    this.#endsAtMs.set(keyOf(identifier), this.#nowMs() + this.#lifetimeMs);
    return cookie(identifier, Math.floor(this.#lifetimeMs / 1000));
  }

  /** Tells whether a Cookie field carries an open session. */
  holds(cookieField: string | undefined): boolean {
    const identifier = identifierIn(cookieField);
    return identifier !== undefined && (this.#endsAtMs.get(keyOf(identifier)) ?? -1) > this.#nowMs();
  }

  /** Ends the session of a Cookie field, if there is one, and returns a Set-Cookie that removes it. */
  close(cookieField: string | undefined): string {
    const identifier = identifierIn(cookieField);
    if (identifier !== undefined) this.#endsAtMs.delete(keyOf(identifier));
    return cookie('', 0);
  }

  #forgetEnded(): void {
    const now = this.#nowMs();
    for (const [key, endsAtMs] of this.#endsAtMs) if (endsAtMs <= now) this.#endsAtMs.delete(key);
  }
}

function cookie(value: string, maxAgeSeconds: number): string {
  return `${sessionCookieName}=${value}; Max-Age=${maxAgeSeconds}; Path=/; Secure; HttpOnly; SameSite=Strict`;
}

function identifierIn(cookieField: string | undefined): string | undefined {
  for (const part of cookieField?.split(';') ?? []) {
    const [name, value] = part.split('=', 2);
    if (name?.trim() === sessionCookieName) return value?.trim();
  }
  return undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

function keyOf(identifier: string): string {
  return digest(identifier).toString('base64');
}
