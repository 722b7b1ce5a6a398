// Session cookies in the engine: each mode and word of HAProxy's `cookie`, as a client, a server and the log see them.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { ServerAdmin } from '../src/core/shared.ts';
import { app, ask, EngineBench } from './engine-bench.ts';

type Cookie = NonNullable<PairConfig['backends'][number]['cookie']>;
const insert: Cookie = { name: 'SID', mode: 'insert', insert: true, indirect: true, nocache: false };

function open(cookie: Partial<Cookie>): EngineBench {
  return new EngineBench({
    flags: ['cookie', 'no-forwarded', 'log-haproxy'],
    configure: app({ cookie: { ...insert, ...cookie } }),
  });
}

interface Exchange {
  readonly server: string;
  /** What the server got and what the client got: its fields, without the first line and the usual ones. */
  readonly request: readonly string[];
  readonly answer: readonly string[];
  /** The third and fourth letter of the termination state. */
  readonly letters: string;
}

/** One request with this Cookie field (none: empty) and these fields in the answer. */
function exchange(bench: EngineBench, cookie: string, fields: readonly string[] = []): Exchange {
  const before = bench.connections.length;
  const client = ask(bench, `GET / HTTP/1.1\r\nHost: a\r\n${cookie === '' ? '' : `Cookie: ${cookie}\r\n`}\r\n`);
  const { server, peer } = bench.connections[before]!;
  const request = linesOf(peer.take());
  const lines = ['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0', ...fields];
  peer.write(`${lines.join('\r\n')}\r\n\r\n`);
  peer.end();
  bench.transport.settle();
  const answer = linesOf(client.take());
  const letters = / --(\S\S) /.exec(bench.logLines().join(''))?.[1] ?? '';
  return { server, request, answer, letters };
}

function linesOf(head: string): string[] {
  const usual = /^(Host: a|Content-Length: 0|)$/;
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => !usual.test(line));
}

describe('cookie, mode insert', () => {
  it('sets the cookie of the server that was chosen, and follows it', () => {
    const bench = open({});
    const first = exchange(bench, '');
    expect(first).toMatchObject({ server: 'web1', answer: ['Set-Cookie: SID=s1; path=/'], letters: 'NI' });
    for (let i = 0; i < 3; i++) {
      expect(exchange(bench, 'a=b; SID=s2')).toMatchObject({
        server: 'web2',
        request: ['Cookie: a=b'],
        answer: [],
        letters: 'VN',
      });
    }
  });

  it.each<[string, string, string, readonly string[]]>([
    ['SID=gone; SID=s2', 'web2', 'VN', []],
    ['SID=s2; SID=s1', 'web2', 'VN', []],
    ['a=b; SID=; SID=gone; c=d; SID=s2', 'web2', 'VN', ['Cookie: a=b; c=d']],
    ['SID=gone;SID=s2;a=b\r\nCookie: SID=s1; c=d; SID=x', 'web2', 'VN', ['Cookie: a=b', 'Cookie: c=d']],
    ['SID=gone, SID = s2 ;', 'web2', 'VN', []],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('takes the first usable one of several, and shows the server none: %j', (cookies, server, letters, request) => {
    expect(exchange(open({}), cookies)).toMatchObject({ server, letters, answer: [], request });
  });

  it('leaves the cookie in the request without indirect', () => {
    expect(exchange(open({ indirect: false }), 'SID=s2').request).toEqual(['Cookie: SID=s2']);
  });

  it('has attributes in one order', () => {
    const bench = open({ httponly: true, secure: true, sameSite: 'Lax', domain: '.example.com' });
    expect(exchange(bench, '').answer).toEqual([
      'Set-Cookie: SID=s1; path=/; domain=.example.com; HttpOnly; Secure; SameSite=Lax',
    ]);
  });

  it('keeps a cacheable answer out of shared caches with nocache', () => {
    expect(exchange(open({ nocache: true }), '').answer).toEqual([
      'Set-Cookie: SID=s1; path=/',
      'Cache-control: private',
    ]);
    expect(exchange(open({ nocache: true }), 'SID=s1').answer).toEqual([]);
  });

  it("takes the server's own cookie of that name away, or lets it through with preserve", () => {
    const own = ['Set-Cookie: SID=own; path=/', 'Set-Cookie: other=1'];
    expect(exchange(open({}), '', own)).toMatchObject({
      answer: ['Set-Cookie: other=1', 'Set-Cookie: SID=s1; path=/'],
      letters: 'NI',
    });
    expect(exchange(open({}), 'SID=s1', own)).toMatchObject({ answer: ['Set-Cookie: other=1'], letters: 'VD' });
    expect(exchange(open({ preserve: true }), '', own)).toMatchObject({ answer: own, letters: 'NP' });
  });

  it('chooses anew for a value that nobody has, and takes away the cookie of a server without one', () => {
    expect(exchange(open({}), 'SID=s9')).toMatchObject({ letters: 'II', answer: ['Set-Cookie: SID=s1; path=/'] });
    const bench = new EngineBench({
      flags: ['no-forwarded', 'log-haproxy', 'one-server'],
      configure: app({ cookie: insert }),
    });
    expect(exchange(bench, '').answer).toEqual([]);
    expect(exchange(bench, 'SID=s1').answer).toEqual([
      'Set-Cookie: SID=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/',
    ]);
  });

  it('goes on to another server when its own is down, stays when that is drained', () => {
    const bench = open({});
    bench.setAdmin(1, ServerAdmin.DRAIN);
    expect(exchange(bench, 'SID=s2')).toMatchObject({ server: 'web2', answer: [], letters: 'VN' });
    bench.setUsable(1, false);
    expect(exchange(bench, 'SID=s2')).toMatchObject({
      server: 'web1',
      answer: ['Set-Cookie: SID=s1; path=/'],
      letters: 'DI',
    });
  });
});

describe('cookie, mode insert with dates', () => {
  const valueOf = (answer: readonly string[]): string => /SID=([^;]*)/.exec(answer.join())?.[1] ?? '';

  it('writes the time of the last request anew, and ends a session that was idle for too long', () => {
    const bench = open({ maxIdleMs: 60_000 });
    const first = valueOf(exchange(bench, '').answer);
    expect(first).toMatch(/^s1\|[A-Za-z0-9+/]{5}$/);
    expect(exchange(bench, `SID=${first}`)).toMatchObject({ letters: 'VN', answer: [], server: 'web1' });
    bench.transport.advance(10_000);
    const later = exchange(bench, `SID=${first}`);
    expect(later).toMatchObject({ letters: 'VU', server: 'web1' });
    expect(valueOf(later.answer)).not.toBe(first);
    bench.transport.advance(70_000);
    const late = exchange(bench, `SID=${first}`);
    expect(late.letters).toBe('EI');
    expect(late.request).toEqual([]);
  });

  it('keeps the time of the first request, and ends a session that is too old', () => {
    const bench = open({ maxLifeMs: 60_000 });
    const first = valueOf(exchange(bench, '').answer);
    expect(first).toMatch(/^s1\|[A-Za-z0-9+/]{5}\|[A-Za-z0-9+/]{5}$/);
    bench.transport.advance(20_000);
    const later = exchange(bench, `SID=${first}`);
    expect(later.letters).toBe('VU');
    expect(valueOf(later.answer).slice(-5)).toBe(first.slice(-5));
    bench.transport.advance(50_000);
    expect(exchange(bench, `SID=${valueOf(later.answer)}`).letters).toBe('OI');
  });

  it('takes a cookie without dates, and gives it some', () => {
    const taken = exchange(open({ maxIdleMs: 60_000 }), 'SID=s2');
    expect(taken).toMatchObject({ server: 'web2', letters: 'VU' });
  });

  it('does not believe dates of next week', () => {
    const bench = open({ maxIdleMs: 60_000 });
    expect(exchange(bench, 'SID=s2|/////').letters).toBe('EI');
    expect(exchange(bench, 'SID=s2|bad').letters).toBe('VU');
  });
});

describe('cookie, mode rewrite', () => {
  it("puts the server's value into the server's own cookie", () => {
    const bench = open({ mode: 'rewrite', insert: false, indirect: false });
    expect(exchange(bench, '')).toMatchObject({ answer: [], letters: 'NN' });
    const own = exchange(bench, '', ['Set-Cookie: SID = own; Path=/app; HttpOnly', 'Set-Cookie: SIDE=x']);
    expect(own.letters).toBe('NR');
    expect(own.answer).toEqual(['Set-Cookie: SIDE=x', 'Set-Cookie: SID=s2; Path=/app; HttpOnly']);
    expect(exchange(bench, 'SID=s2')).toMatchObject({ server: 'web2', request: ['Cookie: SID=s2'], letters: 'VN' });
  });
});

describe('cookie, mode prefix', () => {
  it("puts the server's name in front of the server's cookie, and takes it off the request", () => {
    const bench = open({ name: 'JSESSIONID', mode: 'prefix', insert: false, indirect: false });
    const first = exchange(bench, '', ['Set-Cookie: JSESSIONID=abc~def; Path=/']);
    expect(first).toMatchObject({ answer: ['Set-Cookie: JSESSIONID=s1~abc~def; Path=/'], letters: 'NR' });
    for (const [sent, seen] of [
      ['JSESSIONID=s2~abc~def', 'JSESSIONID=abc~def'],
      ['a=1; JSESSIONID=s2~abc; b=2', 'a=1; JSESSIONID=abc; b=2'],
    ] as const) {
      expect(exchange(bench, sent)).toMatchObject({ server: 'web2', request: [`Cookie: ${seen}`], letters: 'VN' });
    }
    expect(exchange(bench, 'JSESSIONID=abc')).toMatchObject({ request: ['Cookie: JSESSIONID=abc'], letters: 'NN' });
    expect(exchange(bench, 'JSESSIONID=s9~abc')).toMatchObject({ request: ['Cookie: JSESSIONID=abc'], letters: 'IN' });
  });
});

describe('cookie, mode passive', () => {
  it('follows what the servers set, and changes nothing', () => {
    const bench = open({ mode: 'passive', insert: false, indirect: false });
    const own = ['Set-Cookie: SID=s2; Path=/'];
    expect(exchange(bench, 'SID=s2', own)).toMatchObject({
      server: 'web2',
      request: ['Cookie: SID=s2'],
      answer: own,
      letters: 'VP',
    });
  });

  it("lets the application renew its cookie, with indirect too: it is the application's own", () => {
    const own = ['Set-Cookie: SID=s2; Path=/; HttpOnly'];
    const passive = open({ mode: 'passive', insert: false });
    expect(exchange(passive, 'SID=s2', own)).toMatchObject({ request: ['Cookie: SID=s2'], answer: own, letters: 'VP' });
    const prefix = open({ mode: 'prefix', insert: false });
    expect(exchange(prefix, 'SID=s2~old', ['Set-Cookie: SID=new'])).toMatchObject({
      request: ['Cookie: SID=old'],
      answer: ['Set-Cookie: SID=s2~new'],
      letters: 'VR',
    });
  });
});
