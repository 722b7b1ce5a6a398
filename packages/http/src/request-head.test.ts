// Rules of the request head parser, one by one, and what the writer makes of accepted heads.
import { describe, expect, it } from 'vitest';
import { BodyKind, CookieFinder, Fault, faultCode, faultStatus, Method, NEED_MORE, OK } from './index.ts';
import { RequestFlag, RequestHeadParser, RequestHeadWriter } from './index.ts';
import { latin1, text } from '../test/support/codec-run.ts';

const memory = new Uint8Array(1 << 18);
const START = 1021; // not aligned on purpose
const OUT = 1 << 17;

function parse(head: string, limits = {}): RequestHeadParser & { result: number } {
  const parser = new RequestHeadParser(memory, limits);
  memory.fill(0x58);
  memory.set(latin1(head), START);
  return Object.assign(parser, { result: parser.parse(START, START + head.length, 0) });
}

function forward(head: string, set: (writer: RequestHeadWriter) => void = () => {}, cookie = ''): string {
  const parser = parse(head);
  expect(parser.result).toBe(OK);
  const writer = new RequestHeadWriter(parser);
  set(writer);
  const finder = new CookieFinder(latin1(cookie));
  if (cookie !== '' && finder.find(parser)) writer.removeCookie(finder);
  const end = writer.write(OUT, OUT + 65_536);
  return text(memory, OUT, end);
}

const HOST = 'Host: a.test\r\n';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

describe('RequestHeadParser.parse()', () => {
  it('finds the parts of an origin-form request', () => {
    const p = parse(`GET /a/b?c=d HTTP/1.1\r\n${HOST}X-A:  v w \t\r\n\r\nBODY`);
    expect(p.result).toBe(OK);
    expect(p.method).toBe(Method.GET);
    expect(text(memory, p.targetStart, p.targetEnd)).toBe('/a/b?c=d');
    expect(text(memory, p.pathStart, p.pathEnd)).toBe('/a/b');
    expect(text(memory, p.hostStart, p.hostEnd)).toBe('a.test');
    expect(text(memory, p.headEnd, p.headEnd + 4)).toBe('BODY');
    expect(p.fields.count).toBe(2);
    expect(text(memory, p.fields.entries[7]!, p.fields.entries[8]!)).toBe('v w');
    expect(p.flags & RequestFlag.KEEP_ALIVE).not.toBe(0);
  });

  it.each([
    ['GET', Method.GET],
    ['HEAD', Method.HEAD],
    ['POST', Method.POST],
    ['PUT', Method.PUT],
    ['DELETE', Method.DELETE],
    ['OPTIONS', Method.OPTIONS],
    ['PATCH', Method.PATCH],
    ['TRACE', Method.TRACE],
    ['get', Method.OTHER],
    ['GETS', Method.OTHER],
    ['PROPFIND', Method.OTHER],
  ])('knows the method %s', (name, method) => {
    expect(parse(`${name} / HTTP/1.1\r\n${HOST}\r\n`).method).toBe(method);
  });

  it.each([
    ['a bare LF', 'GET / HTTP/1.1\n', Fault.BARE_LINE_END],
    ['a bare CR in a value', `GET / HTTP/1.1\r\nX: a\rb\r\n`, Fault.BARE_LINE_END],
    ['no method', ' / HTTP/1.1\r\n', Fault.BAD_METHOD],
    ['a TLS hello', '\x16\x03\x01\x02\x00', Fault.BAD_METHOD],
    ['a method of 33 bytes', `${'M'.repeat(33)} / HTTP/1.1\r\n`, Fault.METHOD_TOO_LONG],
    ['CONNECT', `CONNECT a.test:443 HTTP/1.1\r\n${HOST}\r\n`, Fault.CONNECT_REFUSED],
    ['two spaces', 'GET  / HTTP/1.1\r\n', Fault.BAD_TARGET],
    ['a fragment', 'GET /#a HTTP/1.1\r\n', Fault.BAD_TARGET],
    ['a byte above 126 in the target', 'GET /\xe9 HTTP/1.1\r\n', Fault.BAD_TARGET],
    ['authority-form', `GET a.test HTTP/1.1\r\n${HOST}\r\n`, Fault.BAD_TARGET],
    ['an asterisk with GET', `GET * HTTP/1.1\r\n${HOST}\r\n`, Fault.BAD_TARGET],
    ['HTTP/0.9', 'GET /\r\n', Fault.BAD_TARGET],
    ['no version', 'GET / \r\n', Fault.BAD_VERSION],
    ['a lower-case version', 'GET / http/1.1\r\n', Fault.BAD_VERSION],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\n', Fault.VERSION_UNSUPPORTED],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\n', Fault.VERSION_UNSUPPORTED],
    ['five empty lines', '\r\n'.repeat(5), Fault.EMPTY_LINES],
    ['a space before the colon', 'GET / HTTP/1.1\r\nX : a\r\n', Fault.BAD_FIELD_NAME],
    ['an empty name', 'GET / HTTP/1.1\r\n: a\r\n', Fault.BAD_FIELD_NAME],
    ['a folded line', 'GET / HTTP/1.1\r\nX: a\r\n b\r\n', Fault.FOLDED_FIELD],
    ['white space before the first field', 'GET / HTTP/1.1\r\n X: a\r\n', Fault.FOLDED_FIELD],
    ['a NUL in a value', 'GET / HTTP/1.1\r\nX: a\0b\r\n', Fault.BAD_FIELD_VALUE],
    ['a DEL in a value', 'GET / HTTP/1.1\r\nX: abcdefgh\x7f\r\n', Fault.BAD_FIELD_VALUE],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', Fault.HOST_MISSING],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, Fault.HOST_REPEATED],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', Fault.BAD_HOST],
    [
      'both framings',
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n`,
      Fault.TWO_FRAMINGS,
    ],
    [
      'two lengths',
      `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
      Fault.CONTENT_LENGTH_REPEATED,
    ],
    ['a coding list', `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`, Fault.TRANSFER_CODING],
    ['a coding in 1.0', `GET / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, Fault.TRANSFER_CODING_IN_1_0],
    ['an unknown expectation', `GET / HTTP/1.1\r\n${HOST}Expect: the-best\r\n\r\n`, Fault.EXPECTATION_UNKNOWN],
    [
      '33 connection tokens',
      `GET / HTTP/1.1\r\n${HOST}Connection: ${'a,'.repeat(33)}\r\n\r\n`,
      Fault.BAD_CONNECTION_FIELD,
    ],
    ['a Connection that is no list', `GET / HTTP/1.1\r\n${HOST}Connection: a b\r\n\r\n`, Fault.BAD_CONNECTION_FIELD],
    ['129 fields', `GET / HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(128)}\r\n`, Fault.TOO_MANY_FIELDS],
    ['a head of 16 KiB without end', `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(16_384)}`, Fault.HEAD_TOO_LARGE],
    ['a target of 16 KiB', `GET /${'a'.repeat(16_384)}`, Fault.TARGET_TOO_LONG],
  ])('refuses %s', (_what, head, fault) => {
    const { result } = parse(head);
    expect(faultCode(result)).toBe(faultCode(fault));
    expect(result).toBe(fault);
  });

  it.each(['0', '5', '999999999999999', '0000000000000000005'])('takes Content-Length %s', (value) => {
    const p = parse(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${value}\r\n\r\n`);
    expect(p.result).toBe(OK);
    expect(p.contentLength).toBe(Number(value));
    expect(p.bodyKind).toBe(Number(value) > 0 ? BodyKind.LENGTH : BodyKind.NONE);
  });

  it.each(['', '+5', '-5', '5,5', '5 5', '0x5', '1000000000000000', '00000000000000000000'])(
    'refuses Content-Length "%s"',
    (value) => {
      expect(parse(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${value}\r\n\r\n`).result).toBe(Fault.BAD_CONTENT_LENGTH);
    },
  );

  it.each([
    'a',
    'A.test:80',
    'a.test:',
    '[::1]',
    '[2001:db8::1]:8080',
    '192.0.2.1',
    'a_b.test',
    '%41.test',
    'a.test:65535',
  ])('takes Host %s', (value) => expect(parse(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`).result).toBe(OK));

  it.each([
    'a,b',
    'a b',
    'a/b',
    'u@a',
    'a:65536',
    'a:8x',
    '[::1',
    '[]',
    '[g::1]',
    ':80',
    'a:80:80',
    '%4.test',
    '%',
    '\xe9.test',
  ])('refuses Host "%s"', (value) =>
    expect(parse(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`).result).toBe(Fault.BAD_HOST),
  );

  it('answers 400, 414, 417, 431, 501 and 505 as the fault needs', () => {
    const of = (fault: number): number => faultStatus(fault);
    expect([of(Fault.BAD_HOST), of(Fault.TARGET_TOO_LONG), of(Fault.EXPECTATION_UNKNOWN)]).toEqual([400, 414, 417]);
    expect([of(Fault.HEAD_TOO_LARGE), of(Fault.TRANSFER_CODING), of(Fault.VERSION_UNSUPPORTED)]).toEqual([
      431, 501, 505,
    ]);
  });

  it('takes a head that fills the limit exactly and refuses one byte more', () => {
    const head = `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(100)}\r\n\r\n`;
    expect(parse(head, { maxHeadBytes: head.length }).result).toBe(OK);
    expect(parse(head, { maxHeadBytes: head.length - 1 }).result).toBe(Fault.HEAD_TOO_LARGE);
  });

  it('does not parse again before a new line end has come', () => {
    const parser = new RequestHeadParser(memory);
    memory.set(latin1('GET / HTTP/1.1\r\nHost: a'), START);
    const first = START + 23;
    expect(parser.parse(START, first, 0)).toBe(NEED_MORE);
    memory.set(latin1('\0'), first); // would be a fault, and is one as soon as its line ends
    expect(parser.parse(START, first + 1, 23)).toBe(NEED_MORE);
    memory.set(latin1('\r\n'), first + 1);
    expect(parser.parse(START, first + 3, 24)).toBe(Fault.BAD_FIELD_VALUE);
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: keep-alive, CLOSE\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
    ['HTTP/1.0', 'Connection: keep-alive\r\nConnection: close\r\n', false],
  ])('%s with "%s" keeps the connection: %s', (version, field, keeps) => {
    const p = parse(`GET / ${version}\r\n${HOST}${field}\r\n`);
    expect((p.flags & RequestFlag.KEEP_ALIVE) !== 0).toBe(keeps);
  });

  it.each([
    ['Connection: Upgrade\r\nUpgrade: websocket\r\n', 'GET', true],
    ['Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n', 'GET', true],
    ['Upgrade: websocket\r\n', 'GET', false],
    ['Connection: Upgrade\r\nUpgrade: h2c\r\n', 'GET', false],
    ['Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n', 'GET', false],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n', 'GET', false],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\n', 'POST', false],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n', 'GET', false],
  ])('%j with %s is a wish for websocket: %s', (fields, method, wish) => {
    const head = `${method} / HTTP/1.1\r\n${HOST}${KEY}${fields}\r\n`;
    expect((parse(head).flags & RequestFlag.WEBSOCKET) !== 0).toBe(wish);
    const out = forward(head);
    expect(/\r\nUpgrade:/i.test(out)).toBe(wish);
    expect(out.includes('\r\nConnection: upgrade\r\n')).toBe(wish);
  });

  // HAProxy 2.6 answers 400 as well, but for the second key and for the one that Connection takes away.
  it.each([
    ['', 'GET', Fault.WEBSOCKET_KEY],
    ['Sec-WebSocket-Key:\r\n', 'GET', Fault.WEBSOCKET_KEY],
    ['Sec-WebSocket-Key: xx\r\n', 'GET', Fault.WEBSOCKET_KEY],
    [KEY + KEY, 'GET', Fault.WEBSOCKET_KEY],
    [`Connection: Sec-WebSocket-Key\r\n${KEY}`, 'GET', Fault.WEBSOCKET_KEY],
    [KEY, 'GET', OK],
    [`${KEY}Sec-WebSocket-Version: 12\r\n`, 'GET', OK],
    ['', 'POST', OK],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('an upgrade to websocket with %j in %s is %s', (fields, method, result) => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    expect(parse(`${method} / HTTP/1.1\r\n${HOST}${upgrade}${fields}\r\n`).result).toBe(result);
  });
});

describe('RequestHeadWriter.write()', () => {
  const forwarded = 'X-Forwarded-For: 192.0.2.1\r\n';

  it('leaves an ordinary head as it is and appends what is inserted', () => {
    const out = forward(`GET /a HTTP/1.1\r\n${HOST}X-A: 1\r\n\r\n`, (w) => (w.insert = latin1(forwarded)));
    expect(out).toBe(`GET /a HTTP/1.1\r\n${HOST}X-A: 1\r\n${forwarded}\r\n`);
  });

  it('removes the fields of this hop and those that Connection names, but never Host or framing', () => {
    const out = forward(
      `POST / HTTP/1.1\r\nConnection: keep-alive, X-One, host, content-length\r\n${HOST}X-One: 1\r\nx-one: 2\r\n` +
        'Keep-Alive: timeout=5\r\nContent-Length: 3\r\nProxy-Connection: x\r\nTE: trailers\r\nX-Two: 2\r\nTrailer: a\r\n\r\n',
    );
    expect(out).toBe(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nX-Two: 2\r\n\r\n`);
  });

  it.each([
    ['TE: trailers\r\nConnection: TE', 'Connection: TE\r\nTE: trailers\r\n'],
    ['TE: gzip;q=0.5, Trailers\r\nConnection: keep-alive, te', 'Connection: TE\r\nTE: trailers\r\n'],
    ['TE: trailers', ''],
    ['TE: gzip\r\nConnection: TE', ''],
    ['TE: xtrailers, trailersx, trailers;q=0\r\nConnection: TE', ''],
  ])('makes of %j a wish for trailers, or nothing', (fields, expected) => {
    expect(forward(`GET / HTTP/1.1\r\n${HOST}${fields}\r\n\r\n`)).toBe(`GET / HTTP/1.1\r\n${HOST}${expected}\r\n`);
  });

  it('writes framing anew when it is not plain', () => {
    expect(forward(`POST / HTTP/1.1\r\n${HOST}Content-Length:\t007 \r\n\r\n`)).toBe(
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 7\r\n\r\n`,
    );
    expect(forward(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding:chunked\r\n\r\n`)).toBe(
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
    );
    expect(forward(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: CHUNKED\r\n\r\n`)).toBe(
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
    );
  });

  it.each([
    ['GET http://a.test/x?y HTTP/1.1', `GET /x?y HTTP/1.1\r\n${HOST}\r\n`],
    ['GET HTTP://A.TEST HTTP/1.1', `GET / HTTP/1.1\r\n${HOST}\r\n`],
    ['GET http://b.test?y HTTP/1.1', 'GET /?y HTTP/1.1\r\nHost: b.test\r\n\r\n'],
    ['OPTIONS http://a.test HTTP/1.1', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    ['OPTIONS * HTTP/1.1', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    ['GET / HTTP/1.0', `GET / HTTP/1.1\r\n${HOST}\r\n`],
  ])('makes of "%s" what a server is sent', (line, expected) => {
    expect(forward(`${line}\r\n${HOST}\r\n`)).toBe(expected);
  });

  it('gives an HTTP/1.0 request without Host the one that the engine has', () => {
    const out = forward('GET / HTTP/1.0\r\nX-A: 1\r\n\r\n', (w) => (w.hostField = latin1('Host: 10.0.0.1:80\r\n')));
    expect(out).toBe('GET / HTTP/1.1\r\nX-A: 1\r\nHost: 10.0.0.1:80\r\n\r\n');
  });

  it('forwards Expect only with a body in HTTP/1.1', () => {
    const expectation = 'Expect: 100-continue\r\n';
    expect(forward(`POST / HTTP/1.1\r\n${HOST}${expectation}Content-Length: 1\r\n\r\n`)).toContain(expectation);
    expect(forward(`POST / HTTP/1.1\r\n${HOST}${expectation}\r\n`)).not.toContain('Expect');
    expect(forward(`POST / HTTP/1.0\r\n${HOST}${expectation}Content-Length: 1\r\n\r\n`)).not.toContain('Expect');
  });

  it.each([
    ['SERVERID=s1', undefined],
    ['SERVERID=s1; b=2', 'b=2'],
    ['a=1; SERVERID=s1', 'a=1'],
    ['a=1; SERVERID=s1; b=2', 'a=1; b=2'],
    ['a=1;SERVERID=s1;b=2', 'a=1;b=2'],
    ['XSERVERID=s1; SERVERIDX=s2', 'XSERVERID=s1; SERVERIDX=s2'],
  ])('takes the session cookie out of "%s"', (cookie, left) => {
    const out = forward(`GET / HTTP/1.1\r\nCookie: ${cookie}\r\n${HOST}\r\n`, () => {}, 'SERVERID');
    const line = out.split('\r\n').find((l) => l.startsWith('Cookie:'));
    expect(line).toBe(left === undefined ? undefined : `Cookie: ${left}`);
  });

  it('says Connection: close when told to, and writes nothing where there is no room', () => {
    expect(forward(`GET / HTTP/1.1\r\n${HOST}\r\n`, (w) => (w.close = true))).toContain('\r\nConnection: close\r\n');
    const parser = parse(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    memory.fill(0x5a, OUT, OUT + 64);
    expect(new RequestHeadWriter(parser).write(OUT, OUT + 60)).toBe(-1);
    expect(memory[OUT]).toBe(0x5a);
  });
});

describe('CookieFinder.find()', () => {
  it('finds the value in the second Cookie field, without white space', () => {
    const parser = parse(`GET / HTTP/1.1\r\n${HOST}Cookie: a=b\r\ncookie: c=d;  SERVERID=s2 ; e=f\r\n\r\n`);
    const finder = new CookieFinder(latin1('SERVERID'));
    expect(finder.find(parser)).toBe(true);
    expect(text(memory, finder.valueStart, finder.valueEnd)).toBe('s2');
  });
});
