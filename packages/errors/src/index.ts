// @tospann/errors: the catalogue of error codes and the class that carries them. Imports nothing (L0).
export { catalogue, type ErrorCode, type ErrorEntry, type ErrorParams } from './catalogue.ts';
export { isTospannError, TospannError, type ErrorRetry, type ErrorSource } from './error.ts';
