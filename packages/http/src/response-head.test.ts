// Rules of the answer head parser: framing, what makes an answer unusable, and what the writer sends to the client.
import { describe, expect, it } from 'vitest';
import { BodyKind, ConnectionChoice, Fault, isSharedCacheable, Method, NEED_MORE, OK } from './index.ts';
import { ResponseFlag, ResponseHeadParser, ResponseHeadWriter } from './index.ts';
import { latin1, text } from '../test/support/codec-run.ts';

const memory = new Uint8Array(1 << 18);
const START = 2051;
const OUT = 1 << 17;

function parse(head: string): ResponseHeadParser & { result: number } {
  const parser = new ResponseHeadParser(memory);
  memory.fill(0x58);
  memory.set(latin1(head), START);
  return Object.assign(parser, { result: parser.parse(START, START + head.length, 0) });
}

function forward(head: string, set: (writer: ResponseHeadWriter) => void): string {
  const parser = parse(head);
  expect(parser.result).toBe(OK);
  const writer = new ResponseHeadWriter(parser);
  set(writer);
  return text(memory, OUT, writer.write(OUT, OUT + 65_536));
}

describe('ResponseHeadParser.parse()', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', false, BodyKind.LENGTH],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', false, BodyKind.NONE],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n', false, BodyKind.CHUNKED],
    ['HTTP/1.1 200 OK\r\n\r\n', false, BodyKind.UNTIL_CLOSE],
    ['HTTP/1.0 200 OK\r\n\r\n', false, BodyKind.UNTIL_CLOSE],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', true, BodyKind.NONE],
    ['HTTP/1.1 204 No Content\r\n\r\n', false, BodyKind.NONE],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', false, BodyKind.NONE],
    ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', false, BodyKind.NONE],
  ])('frames %j (to HEAD: %s)', (head, toHead, kind) => {
    const p = parse(head);
    expect(p.result).toBe(OK);
    expect(p.bodyKind(toHead)).toBe(kind);
  });

  it.each([
    ['NOTHTTP\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/2.0 200 OK\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1  200 OK\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1 099 Low\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1 2000 OK\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1 200 O\0K\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1 200 OK\nX: a\r\n\r\n', Fault.ANSWER_STATUS_LINE],
    ['HTTP/1.1 200 OK\r\nX : a\r\n\r\n', Fault.ANSWER_FIELD],
    ['HTTP/1.1 200 OK\r\n X: a\r\n\r\n', Fault.ANSWER_FIELD],
    ['HTTP/1.1 200 OK\r\nX: a\r\n \0\r\n\r\n', Fault.ANSWER_FIELD],
    ['HTTP/1.1 200 OK\r\nX: a\n b\r\n\r\n', Fault.ANSWER_FIELD],
    ['HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n', Fault.ANSWER_FIELD],
    ['HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n', Fault.ANSWER_FIELD],
    [`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(129)}\r\n`, Fault.ANSWER_TOO_LARGE],
    [`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(16_384)}\r\n\r\n`, Fault.ANSWER_TOO_LARGE],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 6\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n', Fault.ANSWER_FRAMING],
    ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', Fault.ANSWER_FRAMING],
  ])('refuses %j', (head, fault) => {
    expect(parse(head).result).toBe(fault);
  });

  it('waits for the end of the head at every offset', () => {
    const head = 'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n';
    const parser = new ResponseHeadParser(memory);
    memory.set(latin1(head), START);
    for (let n = 0; n < head.length; n++) expect(parser.parse(START, START + n, 0)).toBe(NEED_MORE);
    expect(parser.parse(START, START + head.length, head.length - 1)).toBe(OK);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n', true],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n', true],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 9\r\n\r\n', false],
  ])('%j spoils the connection: %s', (head, spoils) => {
    expect((parse(head).flags & ResponseFlag.NO_REUSE) !== 0).toBe(spoils);
  });

  it.each([
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', true],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', false],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', false],
  ])('%j is a switch to websocket: %s', (head, switches) => {
    expect((parse(head).flags & ResponseFlag.WEBSOCKET) !== 0).toBe(switches);
  });
});

describe('ResponseHeadWriter.write()', () => {
  it('inserts the cookie and keeps the order and the text of the fields', () => {
    const head = 'HTTP/1.1 200 Fine\r\nDate: now\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\n';
    const out = forward(head, (w) => {
      w.framing = BodyKind.LENGTH;
      w.insert = latin1('Set-Cookie: SERVERID=s1; path=/\r\n');
      w.cachePrivate = true;
    });
    const inserted = 'Set-Cookie: SERVERID=s1; path=/\r\nCache-control: private\r\n';
    expect(out).toBe(`${head.slice(0, -2)}${inserted}\r\n`);
  });

  it('removes the fields of the hop and sets framing and persistence for the client', () => {
    const head =
      'HTTP/1.0 200 OK\r\nConnection: keep-alive, x-hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nUpgrade: h2c\r\nX-A: 1\r\n\r\n';
    const out = forward(head, (w) => {
      w.framing = BodyKind.CHUNKED;
      w.connection = ConnectionChoice.KEEP_ALIVE;
    });
    expect(out).toBe('HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n');
  });

  it('takes Transfer-Encoding away for a client that can not read chunks', () => {
    const out = forward('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n', (w) => {
      w.framing = BodyKind.UNTIL_CLOSE;
      w.connection = ConnectionChoice.CLOSE;
    });
    expect(out).toBe('HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: close\r\n\r\n');
  });

  it.each([
    ['HTTP/1.1 200\r\n\r\n', 'HTTP/1.1 200 \r\n\r\n'],
    ['HTTP/1.1 200 \r\n\r\n', 'HTTP/1.1 200 \r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\t c\r\nY: d\r\n\r\n', 'HTTP/1.1 200 OK\r\nX: a   b  \t c\r\nY: d\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nX:\r\n b\r\n\r\n', 'HTTP/1.1 200 OK\r\nX:   b\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5 ,05\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['HTTP/1.0 599 \xe9\r\n\r\n', 'HTTP/1.1 599 \xe9\r\n\r\n'],
    ['HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nContent-Length:05\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    ],
  ])('makes of %j what a client is sent', (head, expected) => {
    expect(forward(head, () => {})).toBe(expected);
  });
});

describe('isSharedCacheable()', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n', Method.GET, true],
    ['HTTP/1.1 200 OK\r\n\r\n', Method.POST, false],
    ['HTTP/1.1 200 OK\r\n\r\n', Method.OPTIONS, true],
    ['HTTP/1.1 500 No\r\n\r\n', Method.GET, false],
    ['HTTP/1.1 200 OK\r\nCache-Control: max-age=1, Private\r\n\r\n', Method.GET, false],
    ['HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n\r\n', Method.GET, false],
    ['HTTP/1.1 200 OK\r\nPragma: no-cache\r\n\r\n', Method.GET, false],
    ['HTTP/1.1 200 OK\r\nCache-Control: public\r\n\r\n', Method.HEAD, true],
  ])('%j to method %i: %s', (head, method, cacheable) => {
    expect(isSharedCacheable(parse(head), method)).toBe(cacheable);
  });
});
