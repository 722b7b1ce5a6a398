// The session cookie of a backend, worked out from the configuration: HAProxy's `cookie` and its words. What is done with
// requests is in request-cookie.ts, with answers in answer-cookie.ts.
import type { CookieConfig } from '@tospann/config';
import { CookieFinder } from '@tospann/http';
import { latin1 } from '../bytes.ts';

export const CookieMode = { INSERT: 0, REWRITE: 1, PREFIX: 2, PASSIVE: 3 } as const;

const MODES = {
  insert: CookieMode.INSERT,
  rewrite: CookieMode.REWRITE,
  prefix: CookieMode.PREFIX,
  passive: CookieMode.PASSIVE,
} as const;

export class SessionCookie {
  readonly name: Uint8Array;
  readonly finder: CookieFinder;
  /** A number of `CookieMode`. */
  readonly mode: number;
  /** The server does not see the cookie. For mode insert only: in the others it is the application's own. */
  readonly indirect: boolean;
  /** An answer that a shared cache could keep gets `Cache-control: private` with the cookie. */
  readonly nocache: boolean;
  /** A Set-Cookie of the server itself goes before ours. */
  readonly preserve: boolean;
  /** Seconds, 0: no limit. */
  readonly maxIdleS: number;
  readonly maxLifeS: number;
  /** What follows the value: `; path=/` and so on. */
  readonly attributes: Uint8Array;

  constructor(config: CookieConfig) {
    this.name = latin1(config.name);
    this.finder = new CookieFinder(this.name);
    this.mode = MODES[config.mode ?? (config.insert ? 'insert' : 'passive')];
    this.indirect = config.indirect;
    this.nocache = config.nocache;
    this.preserve = config.preserve ?? false;
    this.maxIdleS = Math.ceil((config.maxIdleMs ?? 0) / 1000);
    this.maxLifeS = Math.ceil((config.maxLifeMs ?? 0) / 1000);
    const attributes = [
      '; path=/',
      config.domain === undefined ? '' : `; domain=${config.domain}`,
      config.httponly === true ? '; HttpOnly' : '',
      config.secure === true ? '; Secure' : '',
      config.sameSite === undefined ? '' : `; SameSite=${config.sameSite}`,
    ];
    this.attributes = latin1(attributes.join(''));
  }

  /** Whether its value carries dates. */
  get isDated(): boolean {
    return this.maxIdleS > 0 || this.maxLifeS > 0;
  }

  /** The whole line that sets a server's value, with CR LF; empty where none is inserted or it changes with time. */
  lineFor(value: Uint8Array): Uint8Array {
    if (this.mode !== CookieMode.INSERT || value.length === 0 || this.isDated) return new Uint8Array(0);
    const parts = [latin1('Set-Cookie: '), this.name, latin1('='), value, this.attributes, latin1('\r\n')];
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
}
