// @tospann/errors: the catalogue of error codes, the class that carries them, and the one way out for foreign text.
// Imports nothing (L0).
export { catalogue, type ErrorCode, type ErrorEntry, type ErrorParams } from './catalogue.ts';
export { isTospannError, TospannError, type ErrorRetry, type ErrorSource } from './error.ts';
export { FOREIGN_TEXT_LIMIT, plainData, plainJson, plainText } from './plain-text.ts';
