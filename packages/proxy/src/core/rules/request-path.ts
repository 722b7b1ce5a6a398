// The path of the request under way: as it came, as rules have left it, and, for conditions and map keys, in normal
// form. One for each engine; only what is written by rules or must be normalised is copied.
import { isNormalPath, writeNormalPath } from '@tospann/http';
import { latin1 } from '../bytes.ts';
import type { Engine } from '../engine.ts';
import type { Span } from './spans.ts';
import { TextBuffer } from './text-buffer.ts';

const ROOT = latin1('/');
/** No request has a longer head. */
const MAX_PATH_BYTES = 16_384;

export class RequestPath {
  readonly #engine: Engine;
  /** What rules have written, if `#isOwn`. */
  readonly #own = new TextBuffer();
  #isOwn = false;
  readonly #normal = new Uint8Array(MAX_PATH_BYTES + 1);
  #normalLength = -1;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A new request: its path is that of the head. */
  reset(): void {
    this.#isOwn = false;
    this.#normalLength = -1;
  }

  /** A rule writes another path; a slash goes before it if it has none. False: it has become too long. */
  replace(text: TextBuffer): boolean {
    const own = this.#own;
    own.clear();
    if (text.length === 0 || text.bytes[0] !== ROOT[0]) own.bytes[own.length++] = ROOT[0]!;
    own.put(text.bytes, 0, text.length);
    if (text.overflowed || own.overflowed) return false;
    this.#isOwn = true;
    this.#normalLength = -1;
    this.#engine.requestWriter.replacePath(own.bytes, own.length);
    return true;
  }

  /** The path as it will be passed on. An absolute-form target may have none: it means "/". */
  find(span: Span): void {
    const head = this.#engine.requestHead;
    if (this.#isOwn) span.set(this.#own.bytes, 0, this.#own.length);
    else if (head.pathEnd === head.pathStart) span.set(ROOT, 0, 1);
    else span.set(head.memory, head.pathStart, head.pathEnd);
  }

  /** The path in normal form. */
  findNormal(span: Span): void {
    this.find(span);
    if (this.#normalLength < 0) {
      if (isNormalPath(span.bytes, span.from, span.to)) return;
      this.#normalLength = writeNormalPath(span.bytes, span.from, span.to, this.#normal);
    }
    span.set(this.#normal, 0, this.#normalLength);
  }
}
