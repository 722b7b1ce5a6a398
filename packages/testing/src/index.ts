// @tospann/testing: what tests of several packages share: the corpus of hostile messages and an independent strict
// reader of HTTP/1.1. Imported by tests only.
export {
  expand,
  type Piece,
  type RequestCase,
  requestCases,
  type ResponseCase,
  responseCases,
  type Segment,
  wholeText,
} from './corpus.ts';
export { readRequest, readResponse, type StrictMessage, type StrictResult } from './strict-reader.ts';
