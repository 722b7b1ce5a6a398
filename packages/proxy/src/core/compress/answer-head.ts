// The head of an answer that may be compressed: whether it is, and what changes in it. The rules are those of RFC 9110
// (codings, validators, Vary) and of what HAProxy and nginx leave alone. It only asks for edits; the writer makes them.
import {
  FIELD_ID,
  FIELD_ID_MASK,
  FIELD_STRIDE,
  FieldId,
  fieldName,
  type HeadEdits,
  NAME_END,
  NAME_START,
  type ResponseHeadParser,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import { latin1 } from '../bytes.ts';
import { Coding } from './coding.ts';
import type { CompressionPlan } from './compression-plan.ts';
import { hasMember, isName } from './names.ts';

const CONTENT_TYPE = latin1('content-type');
const CONTENT_ENCODING = latin1('content-encoding');
const CONTENT_RANGE = latin1('content-range');
const ETAG = latin1('etag');
const VARY = latin1('vary');
const NO_TRANSFORM = latin1('no-transform');
const ACCEPT_ENCODING = latin1('accept-encoding');
const STAR = latin1('*');
/** HAProxy compresses 200 to 203, nginx 200, 403 and 404. Never 206: its ranges are of the plain bytes. */
const STATUSES: readonly number[] = [200, 201, 202, 203, 403, 404];

const ENCODING_NAME = fieldName('Content-Encoding');
const ETAG_NAME = fieldName('ETag');
const VARY_NAME = fieldName('Vary');
/** Fields that are true of the plain bytes only. */
const OF_PLAIN_BYTES = ['Accept-Ranges', 'Content-MD5', 'Digest', 'Content-Digest', 'Repr-Digest'].map(fieldName);
const VARY_VALUE = latin1('Accept-Encoding');
const VARY_REST = latin1(', Accept-Encoding');
const WEAK = latin1('W/');
const ENCODINGS: readonly Uint8Array[] = [new Uint8Array(0), latin1('gzip'), latin1('br')];
/** Longer values than anybody sends: the answer is then left as it is (ETag), or gets a second line (Vary). */
const MAX_VALUE_BYTES = 1024;

/** Judges the answer heads of one parser, and asks for the edits; made once. */
export class AnswerHeadEditor {
  readonly #head: ResponseHeadParser;
  // Entries of the fields that matter, or -1.
  #vary = -1;
  #varies = 0;
  #etag = -1;
  #type = -1;
  #variesByEncoding = false;

  constructor(head: ResponseHeadParser) {
    this.#head = head;
  }

  /**
   * Whether an answer of this kind is compressed for clients that take it. Then Vary says so, also to those that do
   * not.
   *
   * @param knownBytes Length of the body; -1: not known.
   */
  isCompressible(plan: CompressionPlan, knownBytes: number): boolean {
    const head = this.#head;
    if (!STATUSES.includes(head.status)) return false;
    if (knownBytes >= 0 && (knownBytes < plan.minBytes || knownBytes === 0)) return false;
    return this.#noteAll() && this.#type >= 0 && this.#takesType(plan);
  }

  /**
   * Whether a 304 may be about an answer that is compressed for clients that take it. It rarely says of which type that
   * is; then it may.
   */
  isAboutCompressible(plan: CompressionPlan): boolean {
    return this.#noteAll() && (this.#type < 0 || this.#takesType(plan));
  }

  #noteAll(): boolean {
    const { fields } = this.#head;
    this.#vary = -1;
    this.#varies = 0;
    this.#etag = -1;
    this.#variesByEncoding = false;
    this.#type = -1;
    for (let entry = 0; entry < fields.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if (!this.#note(entry)) return false;
    }
    return true;
  }

  #takesType(plan: CompressionPlan): boolean {
    const { memory, fields } = this.#head;
    return plan.takesType(memory, fields.entries[this.#type + VALUE_START]!, fields.entries[this.#type + VALUE_END]!);
  }

  /** Asks for what changes in the head that `isCompressible` has just judged, for this coding. NONE: only Vary. */
  edit(edits: HeadEdits, coding: number): void {
    if (!this.#variesByEncoding) this.#addVary(edits);
    if (coding === Coding.NONE) return;
    for (const name of OF_PLAIN_BYTES) edits.remove(name);
    edits.set(ENCODING_NAME, ENCODINGS[coding]!);
    this.#weaken(edits);
  }

  /**
   * Asks for what the answer to the same request with a body would have had (RFC 9110 section 15.4.5): Vary, and the weak
   * tag. A weak tag finds what was stored with the strong one as well (RFC 9111 section 4.3.4).
   */
  editNotModified(edits: HeadEdits, coding: number): void {
    if (!this.#variesByEncoding) this.#addVary(edits);
    if (coding === Coding.NONE) return;
    for (const name of OF_PLAIN_BYTES) edits.remove(name);
    this.#weaken(edits);
  }

  #weaken(edits: HeadEdits): void {
    if (this.#etag < 0) return;
    const { memory, fields } = this.#head;
    const start = fields.entries[this.#etag + VALUE_START]!;
    if (memory[start] === 87) return; // weak already
    if (!edits.beginSet(ETAG_NAME)) return;
    edits.put(WEAK);
    edits.put(memory, start, fields.entries[this.#etag + VALUE_END]);
    edits.end();
  }

  /** Remembers a field that matters; false if the answer is left as it is because of it. */
  #note(entry: number): boolean {
    const { entries } = this.#head.fields;
    switch (entries[entry + NAME_END]! - entries[entry + NAME_START]!) {
      case 4:
        if (this.#is(entry, VARY)) this.#noteVary(entry);
        if (!this.#is(entry, ETAG)) return true;
        if (this.#etag >= 0 || !this.#isEtag(entry)) return false; // which one would be right?
        this.#etag = entry;
        return true;
      case 12:
        if (!this.#is(entry, CONTENT_TYPE)) return true;
        if (this.#type >= 0) return false;
        this.#type = entry;
        return true;
      case 16:
        return !this.#is(entry, CONTENT_ENCODING);
      default:
        return !this.#forbids(entry);
    }
  }

  #is(entry: number, name: Uint8Array): boolean {
    const entries = this.#head.fields.entries;
    return isName(this.#head.memory, entries[entry + NAME_START]!, entries[entry + NAME_END]!, name);
  }

  #noteVary(entry: number): void {
    const entries = this.#head.fields.entries;
    const start = entries[entry + VALUE_START]!;
    const end = entries[entry + VALUE_END]!;
    const { memory } = this.#head;
    this.#vary = entry;
    this.#varies++;
    if (hasMember(memory, start, end, ACCEPT_ENCODING) || hasMember(memory, start, end, STAR)) {
      this.#variesByEncoding = true;
    }
  }

  /** A strong or weak entity tag (RFC 9110 section 8.8.3) that has room in the lines. */
  #isEtag(entry: number): boolean {
    const { memory, fields } = this.#head;
    let p = fields.entries[entry + VALUE_START]!;
    const end = fields.entries[entry + VALUE_END]!;
    if (memory[p] === 87 && memory[p + 1] === 47) p += 2;
    if (end - p < 2 || end - p > MAX_VALUE_BYTES || memory[p] !== 34 || memory[end - 1] !== 34) return false;
    for (let i = p + 1; i < end - 1; i++) if (memory[i] === 34) return false;
    return true;
  }

  /** Fields because of which the answer is left as it is. */
  #forbids(entry: number): boolean {
    const { memory, fields } = this.#head;
    const entries = fields.entries;
    const id = entries[entry + FIELD_ID]! & FIELD_ID_MASK;
    if (id === FieldId.CACHE_CONTROL) {
      return hasMember(memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!, NO_TRANSFORM);
    }
    // Its trailers may be about the plain bytes, and would be lost.
    return id === FieldId.TRAILER || this.#is(entry, CONTENT_RANGE);
  }

  /** One line of all that was there, if that is one line; else a line of its own. */
  #addVary(edits: HeadEdits): void {
    const { memory, fields } = this.#head;
    const start = this.#varies === 1 ? fields.entries[this.#vary + VALUE_START]! : 0;
    const end = this.#varies === 1 ? fields.entries[this.#vary + VALUE_END]! : 0;
    if (end === start || end - start > MAX_VALUE_BYTES) {
      edits.add(VARY_NAME, VARY_VALUE);
      return;
    }
    if (!edits.beginSet(VARY_NAME)) return;
    edits.put(memory, start, end);
    edits.put(VARY_REST);
    edits.end();
  }
}
