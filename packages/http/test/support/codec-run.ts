// Drives the codec as an engine would, without any I/O: feeds bytes in the given pieces, collects what would be
// forwarded. Everything around the fed bytes is poisoned, so that a read outside of them changes the outcome.
import {
  BodyKind,
  CHUNKED_DONE,
  ChunkedParser,
  ConnectionChoice,
  NEED_MORE,
  OK,
  RequestFlag,
  RequestHeadParser,
  RequestHeadWriter,
  ResponseFlag,
  ResponseHeadParser,
  ResponseHeadWriter,
} from '../../src/index.ts';

/** Where fed bytes begin in the run's memory. */
const INPUT = 4096;

export interface CodecOutcome {
  /** Each forwarded message as Latin-1 text, the last perhaps without the end of its body. */
  readonly messages: readonly string[];
  /** True if the last message is complete. */
  readonly complete: boolean;
  /** A fault's number; 0 if none came. */
  readonly fault: number;
  /** True if the connection the bytes came from would be closed after the last complete message. */
  readonly closes: boolean;
  /** Bytes after the last message; -1 where nobody will read them. */
  readonly rest: number;
}

/** A memory with a codec of each kind: made once, used for many runs. */
export class CodecRun {
  readonly memory: Uint8Array;
  readonly #output: number;
  readonly #request: RequestHeadParser;
  readonly #requestWriter: RequestHeadWriter;
  readonly #response: ResponseHeadParser;
  readonly #responseWriter: ResponseHeadWriter;
  readonly #requestBody = new ChunkedParser({ refuseFramingTrailers: true });
  readonly #responseBody = new ChunkedParser();

  /** @param inputBytes The longest input. */
  constructor(inputBytes: number) {
    this.#output = INPUT + inputBytes + 4096;
    this.memory = new Uint8Array(this.#output + 65_536);
    this.#request = new RequestHeadParser(this.memory);
    this.#requestWriter = new RequestHeadWriter(this.#request);
    this.#response = new ResponseHeadParser(this.memory);
    this.#responseWriter = new ResponseHeadWriter(this.#response);
  }

  /** Feeds a client's bytes; `cuts` are the offsets where a piece ends, `poison` fills what has not come yet. */
  requests(input: Uint8Array, cuts: readonly number[], poison: number): CodecOutcome {
    return this.#run(input, cuts, { poison, chunked: this.#requestBody }, (start, end, { seen, messages }) => {
      const result = this.#request.parse(start, end, seen);
      if (result !== OK) return { result, kind: 0, next: start, length: 0, closes: false };
      const request = this.#request;
      this.#requestWriter.hostField = latin1('Host: server.test\r\n');
      this.#requestWriter.insert = latin1('X-Forwarded-For: 192.0.2.1\r\n');
      messages.push(this.#written(this.#requestWriter.write(this.#output, this.memory.length)));
      const closes = (request.flags & RequestFlag.KEEP_ALIVE) === 0;
      return { result, kind: request.bodyKind, next: request.headEnd, length: request.contentLength, closes };
    });
  }

  /** Feeds a server's bytes; the same parameters. A body without length reaches to the end of the input. */
  responses(input: Uint8Array, options: { cuts: readonly number[]; poison: number; toHead: boolean }): CodecOutcome {
    return this.#run(
      input,
      options.cuts,
      { poison: options.poison, chunked: this.#responseBody },
      (start, end, { seen, messages }) => {
        const result = this.#response.parse(start, end, seen);
        if (result !== OK) return { result, kind: 0, next: start, length: 0, closes: false };
        const response = this.#response;
        const kind = response.bodyKind(options.toHead);
        this.#responseWriter.framing = kind;
        this.#responseWriter.connection =
          kind === BodyKind.UNTIL_CLOSE ? ConnectionChoice.CLOSE : ConnectionChoice.NONE;
        this.#responseWriter.insert = latin1('Set-Cookie: SERVERID=s1; path=/\r\n');
        messages.push(this.#written(this.#responseWriter.write(this.#output, this.memory.length)));
        const reusable =
          (response.flags & (ResponseFlag.KEEP_ALIVE | ResponseFlag.NO_REUSE)) === ResponseFlag.KEEP_ALIVE;
        const closes = !reusable || kind === BodyKind.UNTIL_CLOSE || response.status === 101;
        return { result, kind, next: response.headEnd, length: response.contentLength, closes };
      },
    );
  }

  #written(end: number): string {
    if (end < 0) throw new Error('the writer found no room');
    return text(this.memory, this.#output, end);
  }

  // oxlint-disable-next-line max-params, max-lines-per-function, complexity -- long: the loop of a small engine
  #run(
    input: Uint8Array,
    cuts: readonly number[],
    side: { readonly poison: number; readonly chunked: ChunkedParser },
    head: HeadStep,
  ): CodecOutcome {
    const memory = this.memory;
    const { poison, chunked } = side;
    memory.fill(poison, 0, Math.min(this.#output, INPUT + input.length + 4096));
    const messages: string[] = [];
    let end = INPUT;
    let at = INPUT;
    let seen = 0;
    let kind: number | undefined;
    let left = 0;
    let closes = false;
    const outcome = (fault: number): CodecOutcome => ({
      messages,
      complete: kind === undefined,
      fault,
      closes,
      rest: fault > 1 || closes ? -1 : end - at,
    });
    for (const cut of [...cuts, input.length]) {
      memory.set(input.subarray(end - INPUT, cut), end);
      end = INPUT + cut;
      while (!closes || kind !== undefined) {
        if (kind === undefined) {
          const step = head(at, end, { seen, messages });
          if (step.result === NEED_MORE) {
            seen = end - at;
            break;
          }
          seen = 0;
          if (step.result !== OK) return outcome(step.result);
          ({ kind, length: left, closes } = step);
          at = step.next;
          if (kind === BodyKind.CHUNKED) chunked.reset(false);
        }
        const last = messages.length - 1;
        if (kind === BodyKind.CHUNKED) {
          const result = chunked.next(memory, at, end);
          if (result > 1) return outcome(result);
          messages[last] += text(memory, chunked.spanStart, chunked.spanEnd);
          at = chunked.position;
          if (result === 0) break;
          if (result === CHUNKED_DONE) kind = undefined;
        } else if (kind === BodyKind.NONE) kind = undefined;
        else {
          const taken = kind === BodyKind.LENGTH ? Math.min(left, end - at) : end - at;
          messages[last] += text(memory, at, at + taken);
          at += taken;
          left -= taken;
          if (kind === BodyKind.LENGTH && left === 0) kind = undefined;
          else break;
        }
        if (kind === undefined && at === end) break;
      }
    }
    if (kind === BodyKind.UNTIL_CLOSE) kind = undefined;
    return outcome(0);
  }
}

type HeadStep = (
  start: number,
  end: number,
  context: { readonly seen: number; readonly messages: string[] },
) => { result: number; kind: number; next: number; length: number; closes: boolean };

/** Latin-1 text as bytes. */
export function latin1(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}

/** Bytes as Latin-1 text. */
export function text(memory: Uint8Array, start: number, end: number): string {
  return Buffer.from(memory.buffer, memory.byteOffset + start, end - start).toString('latin1');
}
