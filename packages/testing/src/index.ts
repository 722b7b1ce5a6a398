// @tospann/testing: what tests of several packages share: the corpus of hostile messages, seeded and damaged requests,
// and an independent strict reader of HTTP/1.1. Imported by tests only.
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
export { generatedCase, type GeneratedCase, validRequest } from './generated.ts';
export { mutate, mutations, type Mutation } from './mutations.ts';
export { SeededRandom } from './random.ts';
export { readRequest, readResponse, type StrictMessage, type StrictResult } from './strict-reader.ts';
