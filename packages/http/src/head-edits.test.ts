// Edits of heads: what the writers make of them, and that framing and hop-by-hop fields stay ours.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1, text } from '../test/support/codec-run.ts';
import { BodyKind, fieldName, findField, HeadEdits, isOwnField, OK } from './index.ts';
import { FIELD_STRIDE, RequestHeadParser, RequestHeadWriter, ResponseHeadParser, ResponseHeadWriter } from './index.ts';

const memory = new Uint8Array(1 << 17);
const OUT = 1 << 16;
const HOST = 'Host: a.test\r\n';

function request(head: string, set: (edits: HeadEdits, writer: RequestHeadWriter) => void): string {
  const parser = new RequestHeadParser(memory);
  memory.set(latin1(head), 5);
  expect(parser.parse(5, 5 + head.length, 0)).toBe(OK);
  const writer = new RequestHeadWriter(parser);
  const edits = new HeadEdits();
  writer.edits = edits;
  set(edits, writer);
  const end = writer.write(OUT, OUT + 40_000);
  return end < 0 ? 'does not fit' : text(memory, OUT, end);
}

function answer(head: string, set: (edits: HeadEdits, writer: ResponseHeadWriter) => void): string {
  const parser = new ResponseHeadParser(memory);
  memory.set(latin1(head), 5);
  expect(parser.parse(5, 5 + head.length, 0)).toBe(OK);
  const writer = new ResponseHeadWriter(parser);
  const edits = new HeadEdits();
  writer.edits = edits;
  set(edits, writer);
  const end = writer.write(OUT, OUT + 40_000);
  return end < 0 ? 'does not fit' : text(memory, OUT, end);
}

describe('HeadEdits on a request', () => {
  const line = 'GET /a?q HTTP/1.1\r\n';

  it('removes every field of a name, whatever its case, and leaves the others in their order', () => {
    const out = request(`${line}X-A: 1\r\n${HOST}x-a: 2\r\nX-B: 3\r\nX-AA: 4\r\n\r\n`, (edits) =>
      edits.remove(fieldName('x-A')),
    );
    expect(out).toBe(`${line}${HOST}X-B: 3\r\nX-AA: 4\r\n\r\n`);
  });

  it('sets in the place of all of a name, adds behind all others, in the order asked for', () => {
    const out = request(`${line}${HOST}X-A: 1\r\nX-A: 2\r\n\r\n`, (edits, writer) => {
      writer.insert = latin1('X-Forwarded-For: 192.0.2.1\r\n');
      edits.add(fieldName('X-B'), latin1('b1'));
      edits.set(fieldName('X-A'), latin1('new'));
      edits.add(fieldName('X-B'), latin1('b2'));
    });
    expect(out).toBe(`${line}${HOST}X-Forwarded-For: 192.0.2.1\r\nX-B: b1\r\nX-A: new\r\nX-B: b2\r\n\r\n`);
  });

  it('takes back what earlier edits have added', () => {
    const out = request(`${line}${HOST}X-A: 1\r\n\r\n`, (edits) => {
      edits.add(fieldName('X-B'), latin1('b'));
      edits.add(fieldName('X-A'), latin1('2'));
      edits.add(fieldName('X-C'), latin1('c'));
      edits.set(fieldName('x-b'), latin1('B'));
      edits.remove(fieldName('x-a'));
    });
    expect(out).toBe(`${line}${HOST}X-C: c\r\nx-b: B\r\n\r\n`);
  });

  it('never lets framing, hop-by-hop fields or Host go or be doubled', () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n`;
    const names = ['Content-Length', 'Transfer-Encoding', 'Connection', 'TE', 'Trailer', 'Upgrade', 'Keep-Alive'];
    const out = request(head, (edits) => {
      for (const name of [...names, 'Proxy-Connection', 'HTTP2-Settings', 'Expect', 'Host']) {
        edits.remove(fieldName(name));
        edits.add(fieldName(name), latin1('1'));
        if (name !== 'Host') edits.set(fieldName(name), latin1('2'));
      }
    });
    expect(out).toBe(head);
    expect(names.every((name) => isOwnField(name))).toBe(true);
    expect(isOwnField('X-Connection')).toBe(false);
  });

  it.each([
    [`${line}${HOST}\r\n`, 'b.test:81', `${line}Host: b.test:81\r\n\r\n`],
    [`${line}${HOST}\r\n`, 'two words', `${line}${HOST}\r\n`],
    [`${line}${HOST}\r\n`, '', `${line}${HOST}\r\n`],
    [`GET / HTTP/1.0\r\n\r\n`, 'b', 'GET / HTTP/1.1\r\nHost: b\r\n\r\n'],
    [`GET http://c/p HTTP/1.1\r\n${HOST}\r\n`, 'b', 'GET /p HTTP/1.1\r\nHost: b\r\n\r\n'],
  ])('sets one Host, if it is one: %j to %j', (head, host, expected) => {
    const out = request(head, (edits) => {
      edits.set(fieldName('Host'), latin1('first'));
      edits.add(fieldName('X-A'), latin1('1'));
      edits.set(fieldName('Host'), latin1(host));
    });
    const set = host === 'two words' || host === '' ? expected.replace(HOST, 'Host: first\r\nX-A: 1\r\n') : '';
    expect(out).toBe(set === '' ? expected.replace(/(Host: .*\r\n)\r\n$/, 'X-A: 1\r\n$1\r\n') : set);
  });

  it('lets no control byte into a value', () => {
    const out = request(`${line}${HOST}\r\n`, (edits) =>
      edits.set(fieldName('X'), latin1('a\r\nEvil: 1\0\x7f\tz\xe4')),
    );
    expect(out).toBe(`${line}${HOST}X: a??Evil: 1??\tz\xe4\r\n\r\n`);
  });

  it('writes nothing when the list has overflowed', () => {
    expect(request(`${line}${HOST}\r\n`, (edits) => edits.add(fieldName('X'), new Uint8Array(9000)))).toBe(
      'does not fit',
    );
    const many = (edits: HeadEdits): void => {
      for (let i = 0; i < 200; i++) edits.add(fieldName('X'), latin1('1'));
    };
    expect(request(`${line}${HOST}\r\n`, many)).toBe('does not fit');
  });

  it.each([
    ['GET /a/b?c HTTP/1.1', 'GET /new?c HTTP/1.1'],
    ['GET /a/b HTTP/1.0', 'GET /new HTTP/1.1'],
    ['GET http://a.test?c HTTP/1.1', 'GET /new?c HTTP/1.1'],
  ])('replaces the path of %s for one write', (from, to) => {
    const path = latin1('/new and more');
    let kept: RequestHeadWriter | undefined;
    const out = request(`${from}\r\n${HOST}\r\n`, (_, writer) => {
      writer.replacePath(path, 4);
      kept = writer;
    });
    expect(out).toBe(`${to}\r\n${HOST}\r\n`);
    expect(text(memory, OUT, kept!.write(OUT, OUT + 4000))).not.toContain('/new');
  });

  it('does what the same edits do to a plain list of fields, whatever they are', () => {
    const name = fc.constantFrom('X-A', 'x-a', 'X_B', 'Cookie', 'Accept', 'X-Forwarded-For');
    const field = fc.record({ name, value: fc.stringMatching(/^[a-z]{0,5}$/) });
    const edit = fc.record({
      what: fc.constantFrom('set', 'add', 'remove'),
      name,
      value: fc.stringMatching(/^[a-z]{1,5}$/),
    });
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), fc.array(edit, { maxLength: 10 }), (fields, list) => {
        const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
        let own = fields;
        let added: { name: string; value: string }[] = [];
        for (const { what, name, value } of list) {
          if (what !== 'add') {
            own = own.filter((field) => !same(field.name, name));
            added = added.filter((field) => !same(field.name, name));
          }
          if (what !== 'remove') added.push({ name, value });
        }
        const lines = (of: readonly { name: string; value: string }[]): string =>
          of.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
        const out = request(`${line}${HOST}${lines(fields)}\r\n`, (edits) => {
          for (const { what, name, value } of list) {
            if (what === 'remove') edits.remove(fieldName(name));
            else edits[what](fieldName(name), latin1(value));
          }
        });
        expect(out).toBe(`${line}${HOST}${lines(own)}${lines(added)}\r\n`);
      }),
    );
  });
});

describe('HeadEdits on an answer', () => {
  it('removes, sets and adds', () => {
    const out = answer('HTTP/1.1 200 OK\r\nETag: "1"\r\nServer: x\r\nVary: A\r\nContent-Length: 2\r\n\r\n', (edits) => {
      edits.remove(fieldName('ETag'));
      edits.set(fieldName('Server'), latin1('y'));
      edits.add(fieldName('Vary'), latin1('Accept-Encoding'));
    });
    expect(out).toBe('HTTP/1.1 200 OK\r\nVary: A\r\nContent-Length: 2\r\nServer: y\r\nVary: Accept-Encoding\r\n\r\n');
  });

  it.each([
    [BodyKind.CHUNKED, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [BodyKind.UNTIL_CLOSE, 'HTTP/1.1 200 OK\r\n\r\n'],
    [BodyKind.LENGTH, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'],
  ])('has one framing: %i', (framing, expected) => {
    for (const length of ['Content-Length: 2', 'content-length:\t02']) {
      const out = answer(`HTTP/1.1 200 OK\r\n${length}\r\n\r\n`, (_, writer) => {
        writer.framing = framing;
      });
      expect(out).toBe(expected);
    }
  });
});

describe('findField()', () => {
  it('finds all of a name in order, known and unknown ones', () => {
    const parser = new RequestHeadParser(memory);
    const head = `GET / HTTP/1.1\r\n${HOST}X_a: 1\r\nCookie: a\r\nx_A: 2\r\nX-a: 3\r\n\r\n`;
    memory.set(latin1(head), 0);
    expect(parser.parse(0, head.length, 0)).toBe(OK);
    const first = findField(parser, fieldName('x_a'), 0);
    const second = findField(parser, fieldName('x_a'), first + FIELD_STRIDE);
    expect([first, second, findField(parser, fieldName('x_a'), second + FIELD_STRIDE)]).toEqual([5, 15, -1]);
    expect(findField(parser, fieldName('COOKIE'), 0)).toBe(10);
    expect(findField(parser, fieldName('absent'), 0)).toBe(-1);
  });
});

describe('fieldName()', () => {
  it.each(['', 'a b', 'a:', 'ä', 'Ł', 'a\r\n'])('refuses %j', (name) => {
    expect(() => fieldName(name)).toThrow(RangeError);
  });
});
