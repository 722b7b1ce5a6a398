// Typed errors on their way between the agent's threads: code and parameters, which is all that makes one.
import { isTospannError, TospannError } from '@tospann/errors';
import type { PlainError } from './messages.ts';

export function plainError(error: unknown): PlainError {
  if (isTospannError(error)) return { code: error.code, params: error.params };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'LB_INTERNAL', params: { detail } };
}

export function reviveError(plain: PlainError): TospannError {
  return new TospannError(plain.code, plain.params);
}
