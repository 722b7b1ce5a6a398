// Which answers are compressed and what that changes in their heads, as tables: ETag, Vary, and all that forbids it.
import { describe, expect, it } from 'vitest';
import { ask, EngineBench } from './engine-bench.ts';

const BODY = 'Words, words, words, and the same words again.';
const LENGTH = `Content-Length: ${BODY.length}`;

/** The head of the answer to a request, as the client gets it. */
function headOf(
  fields: readonly string[],
  options: { status?: string; accept?: string; request?: string } = {},
): string {
  const bench = new EngineBench({ flags: ['compress', 'one-server'] });
  const accept = options.accept ?? 'Accept-Encoding: gzip\r\n';
  const client = ask(bench, `${options.request ?? 'GET / HTTP/1.1'}\r\nHost: a\r\n${accept}\r\n`);
  const body = options.request?.startsWith('HEAD') === true ? '' : BODY;
  bench.connections[0]!.peer.write(`HTTP/1.1 ${options.status ?? '200 OK'}\r\n${fields.join('\r\n')}\r\n\r\n${body}`);
  bench.transport.settle();
  const got = client.take();
  return got.slice(0, got.indexOf('\r\n\r\n') + 2);
}

const TYPE = 'Content-Type: text/plain';

/** What the client says, and the coding of its answer; the frontend prefers br. */
const ACCEPT: readonly (readonly [field: string, coding: string])[] = [
  ['', ''],
  ['Accept-Encoding:\r\n', ''],
  ['Accept-Encoding: gzip\r\n', 'gzip'],
  ['Accept-Encoding: x-gzip\r\n', 'gzip'],
  ['Accept-Encoding: GZIP, deflate\r\n', 'gzip'],
  ['accept-encoding: gzip, deflate, br, zstd\r\n', 'br'],
  ['Accept-Encoding: br;q=0.5, gzip;q=0.9\r\n', 'gzip'],
  ['Accept-Encoding: br ; q=0.9 ,gzip ; q=0.9\r\n', 'br'],
  ['Accept-Encoding: gzip;q=0\r\n', ''],
  ['Accept-Encoding: gzip;q=0.000, br;q=0\r\n', ''],
  ['Accept-Encoding: gzip;q=0.001\r\n', 'gzip'],
  ['Accept-Encoding: *\r\n', 'br'],
  ['Accept-Encoding: *, br;q=0\r\n', 'gzip'],
  ['Accept-Encoding: *;q=0\r\n', ''],
  ['Accept-Encoding: identity\r\n', ''],
  ['Accept-Encoding: identity;q=0, gzip;q=0.2\r\n', 'gzip'],
  ['Accept-Encoding: gzip;q=0.5, identity\r\n', ''],
  ['Accept-Encoding: gzip;q=nonsense\r\n', ''],
  ['Accept-Encoding: gzip;q=2\r\n', ''],
  ['Accept-Encoding: notgzip, gzipped\r\n', ''],
  ['Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n', 'gzip'],
];

/** Fields of the server, and the ETag and Vary that the client gets from a compressed answer. */
const VALIDATORS: readonly (readonly [fields: readonly string[], etag: string, vary: string])[] = [
  [[], '', 'Vary: Accept-Encoding'],
  [['ETag: "abc"'], 'ETag: W/"abc"', 'Vary: Accept-Encoding'],
  [['etag: ""'], 'ETag: W/""', 'Vary: Accept-Encoding'],
  [['ETag: W/"abc"'], 'ETag: W/"abc"', 'Vary: Accept-Encoding'],
  [['Vary: Cookie'], '', 'Vary: Cookie, Accept-Encoding'],
  [['Vary: accept-encoding'], '', 'Vary: accept-encoding'],
  [['Vary: Cookie, Accept-Encoding'], '', 'Vary: Cookie, Accept-Encoding'],
  [['Vary: *'], '', 'Vary: *'],
  [['Vary: Cookie', 'Vary: Accept-Encoding'], '', 'Vary: Cookie\nVary: Accept-Encoding'],
  [['Vary: Cookie', 'Vary: Origin'], '', 'Vary: Cookie\nVary: Origin\nVary: Accept-Encoding'],
  [['Vary: X-Accept-Encoding'], '', 'Vary: X-Accept-Encoding, Accept-Encoding'],
];

/** Fields and status with which an answer is left exactly as it is, without Vary. */
const LEFT_ALONE: readonly (readonly [name: string, fields: readonly string[], status?: string])[] = [
  ['no type', [LENGTH]],
  ['another type', ['Content-Type: image/png', LENGTH]],
  ['a type that begins alike', ['Content-Type: application/jsonp', LENGTH]],
  ['two types', [TYPE, 'Content-Type: text/html', LENGTH]],
  ['an event stream', ['Content-Type: text/event-stream', LENGTH]],
  ['encoded already', [TYPE, 'Content-Encoding: br', LENGTH]],
  ['no-transform', [TYPE, 'Cache-Control: public, No-Transform', LENGTH]],
  ['a range', [TYPE, 'Content-Range: bytes 0-45/100', LENGTH], '206 Partial Content'],
  ['a range that calls itself 200', [TYPE, 'Content-Range: bytes 0-45/100', LENGTH]],
  ['two tags', [TYPE, 'ETag: "a"', 'ETag: "b"', LENGTH]],
  ['a tag that is none', [TYPE, 'ETag: abc', LENGTH]],
  ['trailers', [TYPE, 'Trailer: X-T', LENGTH]],
  ['a redirect', [TYPE, LENGTH], '302 Found'],
  ['a fault of the server', [TYPE, LENGTH], '500 Internal Server Error'],
  ['shorter than is worth it', [TYPE, 'Content-Length: 15']],
];

describe('which answers are compressed', () => {
  for (const [field, coding] of ACCEPT) {
    it(`${JSON.stringify(field)} gets ${coding === '' ? 'plain bytes' : coding}`, () => {
      const head = headOf([TYPE, LENGTH], { accept: field });
      expect(/\r\nContent-Encoding: (.*)\r\n/.exec(head)?.[1] ?? '').toBe(coding);
      expect(head).toContain('\r\nVary: Accept-Encoding\r\n');
      expect(head.includes('Content-Length')).toBe(coding === '');
      expect(head.includes('\r\nTransfer-Encoding: chunked\r\n')).toBe(coding !== '');
    });
  }

  for (const [name, fields, status] of LEFT_ALONE) {
    it(`${name}: left as it is`, () => {
      const head = headOf(fields, status === undefined ? {} : { status });
      expect(head).toBe(`HTTP/1.1 ${status ?? '200 OK'}\r\n${fields.join('\r\n')}\r\n`);
    });
  }

  for (const status of ['201 Created', '203 Non-Authoritative Information', '403 Forbidden', '404 Not Found']) {
    it(`${status} is compressed`, () => {
      expect(headOf([TYPE, LENGTH], { status })).toContain('\r\nContent-Encoding: gzip\r\n');
    });
  }

  it('HTTP/1.0 clients get plain bytes, and Vary', () => {
    const head = headOf([TYPE, LENGTH], { request: 'GET / HTTP/1.0' });
    expect(head).not.toContain('Content-Encoding');
    expect(head).toContain(`\r\n${LENGTH}\r\n`);
    expect(head).toContain('\r\nVary: Accept-Encoding\r\n');
  });
});

describe('heads of compressed answers', () => {
  for (const [fields, etag, vary] of VALIDATORS) {
    it(`${fields.join(' | ')} becomes ${etag} ${vary}`, () => {
      const lines = headOf([TYPE, ...fields, LENGTH]).split('\r\n');
      expect(lines.filter((line) => line.toLowerCase().startsWith('etag:')).join('\n')).toBe(etag);
      expect(lines.filter((line) => line.toLowerCase().startsWith('vary:')).join('\n')).toBe(vary);
    });
  }

  it('what is true of the plain bytes only goes', () => {
    const of = ['Accept-Ranges: bytes', 'Content-MD5: x', 'Digest: x', 'Content-Digest: x', 'Repr-Digest: x'];
    const head = headOf([TYPE, ...of, LENGTH, 'X-Kept: 1']);
    for (const field of of) expect(head).not.toContain(field);
    expect(head).toContain('\r\nX-Kept: 1\r\n');
  });

  it('a strong tag stays strong where the bytes stay plain', () => {
    const head = headOf([TYPE, 'ETag: "abc"', 'Accept-Ranges: bytes', LENGTH], { accept: '' });
    expect(head).toContain('\r\nETag: "abc"\r\nAccept-Ranges: bytes\r\n');
  });

  it('HEAD gets the head that GET would', () => {
    const fields = [TYPE, 'ETag: "abc"', 'Accept-Ranges: bytes', LENGTH];
    expect(headOf(fields, { request: 'HEAD / HTTP/1.1' })).toBe(headOf(fields));
  });
});

describe('a 304', () => {
  const notModified = (fields: readonly string[], accept?: string): string =>
    headOf(fields, { status: '304 Not Modified', ...(accept === undefined ? {} : { accept }) });

  it.each<[readonly string[], string | undefined, string]>([
    [['ETag: "v1"'], undefined, 'Vary: Accept-Encoding\r\nETag: W/"v1"'],
    [['ETag: W/"v1"', 'Vary: Cookie'], undefined, 'ETag: W/"v1"\r\nVary: Cookie, Accept-Encoding'],
    [['ETag: "v1"'], '', 'ETag: "v1"\r\nVary: Accept-Encoding'],
    [['ETag: "v1"', TYPE], undefined, `${TYPE}\r\nVary: Accept-Encoding\r\nETag: W/"v1"`],
    [['ETag: "v1"', 'Content-Type: image/png'], undefined, 'ETag: "v1"\r\nContent-Type: image/png'],
    [['ETag: "v1"', 'Cache-Control: no-transform'], undefined, 'ETag: "v1"\r\nCache-Control: no-transform'],
    [['ETag: "v1"', 'Content-Encoding: gzip'], undefined, 'ETag: "v1"\r\nContent-Encoding: gzip'],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('with %j for %j has the Vary and the tag of the answer that it is about', (fields, accept, expected) => {
    expect(notModified(fields, accept)).toBe(`HTTP/1.1 304 Not Modified\r\n${expected}\r\n`);
  });
});
