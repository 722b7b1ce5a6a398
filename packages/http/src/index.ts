// @tospann/http: pure HTTP/1.1 codecs on one memory with offsets. No I/O, no clock, no allocation for a message.
export { CONTINUE_ANSWER, errorAnswer, errorHeadBytes, errorPage, reasonOf } from './answers.ts';
export { CHUNKED_DONE, ChunkedParser, ChunkResult, LAST_CHUNK, MAX_CHUNK_SIZE_BYTES, putChunkSize } from './chunked.ts';
export { CookieFinder, CookiePairs } from './cookie.ts';
export { Fault, FAULT_COUNT, faultCode, faultStatus, NEED_MORE, OK } from './fault.ts';
export { FieldId } from './field-id.ts';
export { type FieldName, fieldName, findField, isOwnField, type ParsedFields } from './field-name.ts';
export { HeadEdits } from './head-edits.ts';
export {
  DROPPED,
  FIELD_ID,
  FIELD_ID_MASK,
  FIELD_STRIDE,
  FieldTable,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from './field-table.ts';
export { isIdempotent, Method } from './method.ts';
export {
  isNormalPath,
  isPath,
  normalBytes,
  pathBegins,
  pathEnds,
  pathPattern,
  type PathPattern,
  writeNormalPath,
} from './path-match.ts';
export {
  BodyKind,
  DEFAULT_MAX_FIELDS,
  DEFAULT_MAX_HEAD_BYTES,
  type HeadLimits,
  RequestFlag,
  RequestHeadParser,
} from './request-head.ts';
export { RequestHeadWriter } from './request-writer.ts';
export { ResponseFlag, ResponseHeadParser } from './response-head.ts';
export { isAcceptOf, isWebsocketKey, WEBSOCKET_KEY_BYTES, websocketAccept } from './websocket-key.ts';
export { SimilarNames } from './similar-names.ts';
export { ConnectionChoice, isSharedCacheable, ResponseHeadWriter } from './response-writer.ts';
