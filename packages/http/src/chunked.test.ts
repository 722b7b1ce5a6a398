// The chunked body at every split: what is passed on, what is decoded, what is refused.
import { describe, expect, it } from 'vitest';
import { CHUNKED_DONE, ChunkedParser, ChunkResult, Fault, LAST_CHUNK, putChunkSize } from './index.ts';
import { latin1, text } from '../test/support/codec-run.ts';

interface Run {
  readonly out: string;
  readonly result: number;
  readonly rest: string;
}

/** Feeds `body` cut at `cut`, and poisons what has not come yet. */
function run(body: string, decode: boolean, cut = body.length): Run {
  const parser = new ChunkedParser({ refuseFramingTrailers: true });
  parser.reset(decode);
  const memory = new Uint8Array(body.length).fill(0x30);
  let out = '';
  let at = 0;
  let result: number = ChunkResult.MORE;
  for (const end of cut < body.length ? [cut, body.length] : [body.length]) {
    memory.set(latin1(body.slice(0, end)));
    do {
      result = parser.next(memory, at, end);
      if (result > 1) return { out, result, rest: '' };
      out += text(memory, parser.spanStart, parser.spanEnd);
      at = parser.position;
    } while (result === ChunkResult.SPAN);
    if (result === CHUNKED_DONE) break;
  }
  return { out, result, rest: body.slice(at) };
}

describe('ChunkedParser.next()', () => {
  it.each([
    ['5\r\nhello\r\n0\r\n\r\nNEXT', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['1\r\na\r\n00A\r\n0123456789\r\n000\r\n\r\nNEXT', '1\r\na\r\n00A\r\n0123456789\r\n000\r\n\r\n', 'a0123456789'],
    ['5;a=b;c="d"\r\nhello\r\n0 ; x\r\n\r\nNEXT', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5\r\nhello\r\n0\r\nX-T: 1\r\nAuthorization: x\r\n\r\nNEXT', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['0\r\n\r\nNEXT', '0\r\n\r\n', ''],
  ])('passes %j on and decodes it at every split', (body, passed, decoded) => {
    for (let cut = 1; cut <= body.length; cut++) {
      expect(run(body, false, cut)).toEqual({ out: passed, result: CHUNKED_DONE, rest: 'NEXT' });
      expect(run(body, true, cut)).toEqual({ out: decoded, result: CHUNKED_DONE, rest: 'NEXT' });
    }
  });

  it.each([
    ['\r\n', Fault.BAD_CHUNK],
    ['g\r\n', Fault.BAD_CHUNK],
    [' 5\r\nhello\r\n', Fault.BAD_CHUNK],
    ['5 \r\nhello\r\n', Fault.BAD_CHUNK],
    ['5 x;\r\nhello\r\n', Fault.BAD_CHUNK],
    ['5\nhello\r\n', Fault.BAD_CHUNK],
    ['5\r\nhello\n0\r\n\r\n', Fault.BAD_CHUNK],
    ['5\r\nhello!\r\n0\r\n\r\n', Fault.BAD_CHUNK],
    ['5;a\nb\r\nhello\r\n', Fault.BAD_CHUNK],
    ['5;a\0\r\nhello\r\n', Fault.BAD_CHUNK],
    ['00000000000005\r\nhello\r\n', Fault.BAD_CHUNK],
    ['0\r\nX Y: 1\r\n\r\n', Fault.BAD_TRAILER],
    ['0\r\nX: 1\n\r\n', Fault.BAD_TRAILER],
    ['0\r\n X: 1\r\n\r\n', Fault.BAD_TRAILER],
    ['0\r\nX: a\0\r\n\r\n', Fault.BAD_TRAILER],
    ['0\r\nTransfer-Encoding: chunked\r\n\r\n', Fault.BAD_TRAILER],
    ['0\r\nhost: a\r\n\r\n', Fault.BAD_TRAILER],
    [`5;${'a'.repeat(16_384)}\r\n`, Fault.CHUNK_EXTENSIONS_TOO_LARGE],
    [`0\r\nX: ${'a'.repeat(16_384)}\r\n`, Fault.TRAILERS_TOO_LARGE],
  ])('refuses %j wherever it is cut', (body, fault) => {
    for (let cut = 1; cut <= Math.min(body.length, 60); cut++) {
      expect(run(body, false, cut).result).toBe(fault);
      expect(run(body, true, cut).result).toBe(fault);
    }
  });

  it('adds the extensions of all chunks up', () => {
    const chunk = `1;${'a'.repeat(1000)}\r\nx\r\n`;
    expect(run(chunk.repeat(16), true).result).toBe(ChunkResult.MORE);
    expect(run(chunk.repeat(17), true).result).toBe(Fault.CHUNK_EXTENSIONS_TOO_LARGE);
  });

  it('drops framing trailers without a fault unless told to refuse them', () => {
    const parser = new ChunkedParser();
    parser.reset(true);
    const body = latin1('0\r\nContent-Length: 9\r\n\r\n');
    expect(parser.next(body, 0, body.length)).toBe(CHUNKED_DONE);
  });

  it('keeps the trailers that may be passed on, at every split, and drops the others', () => {
    const sent = '5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nset-cookie: a=b\r\nGrpc-Status:0\r\n\r\nNEXT';
    const parser = new ChunkedParser({ keepTrailers: true });
    for (let cut = 1; cut <= sent.length; cut++) {
      parser.reset(false);
      const memory = new Uint8Array(sent.length).fill(0x30);
      let out = '';
      let at = 0;
      let result: number = ChunkResult.MORE;
      for (const end of cut < sent.length ? [cut, sent.length] : [sent.length]) {
        memory.set(latin1(sent.slice(0, end)));
        for (let more = result !== CHUNKED_DONE; more; more = result === ChunkResult.SPAN) {
          result = parser.next(memory, at, end);
          out += text(memory, parser.spanStart, parser.spanEnd);
          at = parser.position;
        }
      }
      expect(result).toBe(CHUNKED_DONE);
      out += text(parser.trailers, 0, parser.trailerLength);
      expect(out).toBe('5\r\nhello\r\n0\r\nX-Sum: 1\r\nGrpc-Status:0\r\n\r\n');
      expect(sent.slice(at)).toBe('NEXT');
    }
  });

  it('has no trailers to send if all are forbidden, or the data alone is wanted', () => {
    const parser = new ChunkedParser({ keepTrailers: true });
    const forbidden = latin1('0\r\nTransfer-Encoding: chunked\r\n\r\n');
    parser.reset(false);
    expect(parser.next(forbidden, 0, forbidden.length)).toBe(ChunkResult.SPAN);
    expect(parser.next(forbidden, parser.position, forbidden.length)).toBe(CHUNKED_DONE);
    expect(parser.trailerLength).toBe(0);
    expect(text(forbidden, parser.spanStart, parser.spanEnd)).toBe('\r\n');
    const allowed = latin1('0\r\nX: 1\r\n\r\n');
    parser.reset(true);
    expect(parser.next(allowed, 0, allowed.length)).toBe(CHUNKED_DONE);
    expect(parser.trailerLength).toBe(0);
  });

  it('begins anew after reset, also in the middle of a body', () => {
    const parser = new ChunkedParser();
    const body = latin1('5\r\nhello\r\n0\r\n\r\n');
    parser.reset(true);
    parser.next(body, 0, 5);
    parser.reset(true);
    expect(parser.next(body, 0, body.length)).toBe(ChunkResult.SPAN);
    expect(parser.dataBytes).toBe(5);
    expect(parser.next(body, parser.position, body.length)).toBe(CHUNKED_DONE);
    expect(parser.done).toBe(true);
  });
});

describe('putChunkSize()', () => {
  it.each([
    [1, '1'],
    [15, 'f'],
    [16, '10'],
    [65_535, 'ffff'],
    [65_536, '10000'],
    [2 ** 40 + 10, '1000000000a'],
  ])('writes %i as %s', (size, hex) => {
    const memory = new Uint8Array(32);
    expect(text(memory, 2, putChunkSize(memory, 2, size))).toBe(`${hex}\r\n`);
  });

  it('makes with LAST_CHUNK a body that decodes to the same data', () => {
    const memory = new Uint8Array(32);
    const end = putChunkSize(memory, 0, 3);
    const body = `${text(memory, 0, end)}abc\r\n${text(LAST_CHUNK, 0, LAST_CHUNK.length)}`;
    expect(run(body, true).out).toBe('abc');
  });
});
