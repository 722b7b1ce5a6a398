// The one error class of the product. A TospannError carries a code of the catalogue; text, status and hint
// come from there, so that every surface (CLI, log, API) says the same thing about the same fault.
import { catalogue, type ErrorCode, type ErrorEntry, type ErrorParams } from './catalogue.ts';

/** Whose fault an error is: it decides who is told and which counter moves. */
export type ErrorSource = 'client' | 'upstream' | 'peer' | 'config' | 'kernel' | 'internal';

/** When the failed action may be tried again: `reused-only` means only if it failed on a reused connection. */
export type ErrorRetry = 'never' | 'always' | 'reused-only';

/**
 * An error with a code of the catalogue. Match on `code`, never on the message or with `instanceof`.
 *
 * @see docs/errors.md
 */
export class TospannError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'TospannError';
  readonly code: C;
  readonly params: ErrorParams;

  constructor(code: C, params: ErrorParams = {}, options: { readonly cause?: unknown } = {}) {
    super(fillIn(entryOf(code).message, params), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.params = params;
  }

  get source(): ErrorSource {
    return entryOf(this.code).source;
  }

  get retry(): ErrorRetry {
    return entryOf(this.code).retry;
  }

  /** HTTP status (100..599) that the error has on an HTTP surface. */
  get status(): number {
    return entryOf(this.code).status;
  }

  /** One imperative sentence: what the operator can do about it. */
  get hint(): string {
    return fillIn(entryOf(this.code).hint, this.params);
  }
}

/** Tells whether a value is a TospannError, also one that crossed a bundle boundary. */
export function isTospannError(value: unknown): value is TospannError {
  return value instanceof Error && value.name === 'TospannError' && 'code' in value;
}

/** Replaces `{name}` by the quoted or numeric parameter; a missing parameter stays visible as `{name}`. */
function fillIn(template: string, params: ErrorParams): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => {
    const value = params[key];
    return value === undefined ? whole : String(value);
  });
}

function entryOf(code: ErrorCode): ErrorEntry {
  return catalogue[code];
}
