// The chunked body: a streaming, strict parser (RFC 9112 section 7.1) that takes any split and copies nothing. It
// hands out spans of the bytes as they lie: either the whole valid chunk stream without extensions and trailers
// (to pass on), or the data alone (for an HTTP/1.0 client). Extensions and trailers are checked and
// bounded; extensions are dropped, trailers too unless they are asked for (trailers.ts says which may pass).
import { ascii, COLON, CR, HEX, LF, SPACE, TAB, TOKEN } from './bytes.ts';
import { Fault } from './fault.ts';
import { FieldId, identifyField } from './field-id.ts';
import { TrailerKeeper } from './trailers.ts';
import { wordsOf } from './words.ts';

/** Results of `ChunkedParser.next` below the faults. */
export const ChunkResult = {
  /** All bytes were taken; the body goes on. */
  MORE: 0,
  /** A span is ready and bytes are left: call again from `position`. */
  SPAN: 1,
} as const;
/** The body has ended at `position`. A negative number, so that it is no `Fault`. */
export const CHUNKED_DONE = -1;

/** Extensions in one message; trailers in one message. */
const MAX_EXTENSION_BYTES = 16_384;
const MAX_TRAILER_BYTES = 16_384;
/** 13 hexadecimal digits stay below 2^52. */
const MAX_SIZE_DIGITS = 13;

const State = {
  SIZE: 0,
  EXTENSION: 1,
  SIZE_LF: 2,
  DATA: 3,
  DATA_CR: 4,
  DATA_LF: 5,
  TRAILER_START: 6,
  TRAILER_NAME: 7,
  TRAILER_VALUE: 8,
  TRAILER_LF: 9,
  LAST_LF: 10,
  DONE: 11,
} as const;

const SEMICOLON = 59;
/** As long as the longest name that is refused, "transfer-encoding". */
const NAME_BYTES = 17;
/** Words are read from it: one more than the name fills. */
const NAME_BUFFER_BYTES = 24;

/** Parses one chunked body after another; one for each connection, since it keeps its place between buffers. */
export class ChunkedParser {
  /** Where the next call goes on after SPAN; where the next message begins after CHUNKED_DONE. */
  position = 0;
  /** The span to send, empty if both are equal. */
  spanStart = 0;
  spanEnd = 0;
  /** Bytes of data seen so far in this body. */
  dataBytes = 0;
  /** True: spans hold data only. False: spans hold a chunk stream that can be sent as it is. */
  decode = false;
  #state: number = State.SIZE;
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #extensionBegun = false;
  #trailerBytes = 0;
  #nameLength = 0;
  /** The begin of the trailer's name, since a name may come in pieces; longer ones are none that matter. */
  readonly #name = new Uint8Array(NAME_BUFFER_BYTES);
  readonly #nameWords = wordsOf(this.#name);
  readonly #refuseFraming: boolean;
  readonly #keeper: TrailerKeeper | null;

  /**
   * @param options.keepTrailers Trailers that may be passed on are collected in `trailers`. @default false
   * @param options.refuseFramingTrailers A trailer named Content-Length, Transfer-Encoding or Host is a fault and
   * not only dropped: for requests, where nobody sends it for an honest reason. @default false
   */
  constructor(options: { readonly keepTrailers?: boolean; readonly refuseFramingTrailers?: boolean } = {}) {
    this.#refuseFraming = options.refuseFramingTrailers ?? false;
    this.#keeper = options.keepTrailers === true ? new TrailerKeeper() : null;
  }

  /** Bytes of `trailers` to send after the last span; 0 nearly always: then the spans hold the whole end. */
  get trailerLength(): number {
    return this.#keeper?.length ?? 0;
  }

  /** After CHUNKED_DONE: the trailers that are passed on and the empty line, in its first `trailerLength` bytes. */
  get trailers(): Uint8Array {
    return this.#keeper?.bytes ?? this.#name;
  }

  /** Begins a new body. */
  reset(decode: boolean): void {
    this.decode = decode;
    this.dataBytes = 0;
    this.#state = State.SIZE;
    this.#left = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#keeper?.reset();
  }

  /** True after CHUNKED_DONE until `reset`. */
  get done(): boolean {
    return this.#state === State.DONE;
  }

  /**
   * Takes bytes [start, end) of the body.
   *
   * @returns MORE, SPAN or CHUNKED_DONE: in all three, first send the span if it is not empty. A number of
   * `Fault`: the body is broken; send nothing more of it, answer 400 (or abort) and close.
   */
  next(memory: Uint8Array, start: number, end: number): number {
    let p = start;
    let fault = 0;
    while (p < end && fault === 0 && this.#isSkipped(memory[p]!)) fault = this.#step(memory[p++]!);
    const spanStart = p;
    while (p < end && fault === 0 && this.#isKept(memory[p]!)) {
      if (this.#state !== State.DATA) {
        fault = this.#step(memory[p++]!);
        continue;
      }
      const taken = this.#left < end - p ? this.#left : end - p;
      p += taken;
      this.#left -= taken;
      this.dataBytes += taken;
      if (this.#left === 0) this.#state = State.DATA_CR;
    }
    this.position = p;
    this.spanStart = fault === 0 ? spanStart : p;
    this.spanEnd = p;
    if (fault !== 0) return fault;
    if (this.#state === State.DONE) return CHUNKED_DONE;
    return p < end ? ChunkResult.SPAN : ChunkResult.MORE;
  }

  #isSkipped(byte: number): boolean {
    return this.#state !== State.DONE && !this.#isKept(byte);
  }

  /** Whether a byte that comes in this state belongs to the spans. */
  #isKept(byte: number): boolean {
    const state = this.#state;
    if (state === State.DATA) return true;
    if (this.decode || state === State.DONE) return false;
    switch (state) {
      case State.SIZE:
        return HEX[byte]! < 16 || byte === CR;
      case State.EXTENSION:
        return byte === CR;
      case State.TRAILER_START:
        return byte === CR && this.trailerLength === 0;
      case State.LAST_LF:
        return this.trailerLength === 0;
      case State.TRAILER_NAME:
      case State.TRAILER_VALUE:
      case State.TRAILER_LF:
        return false;
      default:
        return true;
    }
  }

  /** Takes one byte that is not data; 0 or a fault. */
  #step(byte: number): number {
    switch (this.#state) {
      case State.SIZE:
        return this.#sizeByte(byte);
      case State.EXTENSION:
        return this.#extensionByte(byte);
      case State.SIZE_LF:
        this.#state = this.#left === 0 ? State.TRAILER_START : State.DATA;
        this.#digits = 0;
        return byte === LF ? 0 : Fault.BAD_CHUNK;
      case State.DATA_CR:
        this.#state = State.DATA_LF;
        return byte === CR ? 0 : Fault.BAD_CHUNK;
      case State.DATA_LF:
        this.#state = State.SIZE;
        return byte === LF ? 0 : Fault.BAD_CHUNK;
      case State.LAST_LF:
        this.#state = State.DONE;
        if (this.trailerLength > 0) this.#keep(byte);
        return byte === LF ? 0 : Fault.BAD_TRAILER;
      default:
        return this.#trailerByte(byte);
    }
  }

  #sizeByte(byte: number): number {
    const digit = HEX[byte]!;
    if (digit < 16) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits > MAX_SIZE_DIGITS ? Fault.BAD_CHUNK : 0;
    }
    if (this.#digits === 0) return Fault.BAD_CHUNK;
    if (byte === CR) {
      this.#state = State.SIZE_LF;
      return 0;
    }
    this.#state = State.EXTENSION;
    this.#extensionBegun = false;
    return this.#extensionByte(byte);
  }

  /** White space may stand before the first ";" only if that comes; the text of extensions is not looked into. */
  #extensionByte(byte: number): number {
    if (byte === CR) {
      this.#state = State.SIZE_LF;
      return this.#extensionBegun ? 0 : Fault.BAD_CHUNK;
    }
    if (byte === SEMICOLON) this.#extensionBegun = true;
    else if (!this.#extensionBegun && byte !== SPACE && byte !== TAB) return Fault.BAD_CHUNK;
    else if (!isText(byte)) return Fault.BAD_CHUNK;
    return ++this.#extensionBytes > MAX_EXTENSION_BYTES ? Fault.CHUNK_EXTENSIONS_TOO_LARGE : 0;
  }

  #trailerByte(byte: number): number {
    if (++this.#trailerBytes > MAX_TRAILER_BYTES) return Fault.TRAILERS_TOO_LARGE;
    if (this.#state === State.TRAILER_NAME) return this.#trailerNameByte(byte);
    if (this.#state === State.TRAILER_START) {
      if (byte === CR) {
        this.#state = State.LAST_LF;
        if (this.trailerLength > 0) this.#keep(byte);
        return 0;
      }
      this.#state = State.TRAILER_NAME;
      this.#nameLength = 0;
      return byte === COLON ? Fault.BAD_TRAILER : this.#trailerNameByte(byte);
    }
    this.#keep(byte);
    if (this.#state === State.TRAILER_VALUE) {
      if (byte === CR) this.#state = State.TRAILER_LF;
      else if (!isText(byte)) return Fault.BAD_TRAILER;
      return 0;
    }
    this.#state = State.TRAILER_START;
    if (!this.decode) this.#keeper?.lineEnds();
    return byte === LF ? 0 : Fault.BAD_TRAILER;
  }

  #keep(byte: number): void {
    if (!this.decode) this.#keeper?.push(byte);
  }

  #trailerNameByte(byte: number): number {
    if (byte !== COLON) {
      if (this.#nameLength < NAME_BYTES) this.#name[this.#nameLength] = byte;
      this.#nameLength++;
      this.#keep(byte);
      return TOKEN[byte] === 0 ? Fault.BAD_TRAILER : 0;
    }
    this.#state = State.TRAILER_VALUE;
    if (!this.decode) this.#keeper?.nameEnds();
    this.#keep(byte);
    if (!this.#refuseFraming || this.#nameLength > NAME_BYTES) return 0;
    const id = identifyField(this.#nameWords, 0, this.#nameLength);
    const framing = id === FieldId.CONTENT_LENGTH || id === FieldId.TRANSFER_ENCODING || id === FieldId.HOST;
    return framing ? Fault.BAD_TRAILER : 0;
  }
}

function isText(byte: number): boolean {
  return byte >= SPACE ? byte !== 127 : byte === TAB;
}

/** The last chunk and the empty trailer section: ends a chunked body that the proxy makes itself. */
export const LAST_CHUNK = ascii('0\r\n\r\n');

/** Most bytes that `putChunkSize` writes. */
export const MAX_CHUNK_SIZE_BYTES = 16;

/** Writes the size line of a chunk of `size` bytes (1 .. 2^52 - 1) at `at`; returns the offset after its CR LF. */
export function putChunkSize(memory: Uint8Array, at: number, size: number): number {
  let digits = 1;
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 16)) digits++;
  let rest = size;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 16);
    const digit = rest - next * 16;
    memory[i] = digit < 10 ? 48 + digit : 87 + digit;
    rest = next;
  }
  memory[at + digits] = CR;
  memory[at + digits + 1] = LF;
  return at + digits + 2;
}
