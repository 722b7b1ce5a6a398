// What rules and answers take from files: maps that choose backends, and error pages.
import { describe, expect, it } from 'vitest';
import { latin1 } from '../src/core/bytes.ts';
import { buildMap, MapTable, parseMap } from '../src/core/rules/map-table.ts';
import { acl, answer, benchWith, fate, get } from './rules-bench.ts';

describe('maps', () => {
  const map = (text: string, match: 'exact' | 'prefix' | 'suffix'): MapTable => {
    const parsed = parseMap(text);
    if (!('entries' in parsed)) throw new Error(parsed.reason);
    return new MapTable(buildMap(parsed.entries, match), match);
  };

  it('chooses a backend by what the map says, goes on without an entry, and takes a new table at once', () => {
    const source = { name: 'hosts', table: map('shop.test static\nother.test nowhere\n', 'exact') };
    const bench = benchWith(
      [{ action: { type: 'use-map', map: 'hosts', key: { from: 'host' } } }, { action: { type: 'deny', status: 404 } }],
      { assets: { files: new Map(), maps: new Map([['hosts', source]]) } },
    );
    const to = (host: string): string => fate(bench, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(['Shop.TEST:81', 'other.test', 'third.test'].map(to)).toEqual(['files', '404', '404']);
    source.table = map('third.test app', 'exact');
    expect(['shop.test', 'third.test'].map(to)).toEqual(['404', 'web1']);
  });

  it.each([
    ['source', {}, '192.0.2.1 static', get('/')],
    ['path', {}, '/a static', get('/a?b')],
    ['header', { name: 'X-Tenant' }, 'acme static', get('/', 'x-tenant: acme\r\n')],
    ['cookie', { name: 'shop' }, 'acme static', get('/', 'Cookie: shop=acme\r\n')],
    ['query', { name: 'shop' }, 'acme static', get('/?shop=acme')],
    // oxlint-disable-next-line max-params -- a row of the table
  ] as const)('asks by %s', (from, name, text, request) => {
    const maps = new Map([['m', { name: 'm', table: map(text, 'exact') }]]);
    const bench = benchWith([{ action: { type: 'use-map', map: 'm', key: { from, ...name } } }], {
      assets: { files: new Map(), maps },
    });
    expect([fate(bench, request), fate(bench, get('/other'))]).toEqual(['files', from === 'source' ? 'files' : 'web1']);
  });

  it.each([
    ['exact', '/a A', '/a', 'A'],
    ['exact', '/a A', '/ab', undefined],
    ['prefix', '/a A\n/a/b B\n/a/b/c/d D', '/a/b/c', 'B'],
    ['prefix', '/a A', '/', undefined],
    ['suffix', 'example.com A\nb.example.com B', 'x.b.example.com', 'B'],
    ['suffix', 'example.com A', 'example.com', 'A'],
    ['suffix', 'example.com A', 'badexample.com', undefined],
    ['suffix', '*.example.com A', 'example.com', undefined],
    ['suffix', '.Example.com A', 'x.example.com', 'A'],
    // oxlint-disable-next-line max-params -- a row of the table
  ] as const)('%s: %j asked for %j is %s', (match, text, key, expected) => {
    const bytes = latin1(`((${key}))`);
    expect(map(text, match).find(bytes, 2, bytes.length - 2)).toBe(expected);
  });

  it('finds each of many entries, and nothing else', () => {
    const table = map(Array.from({ length: 5000 }, (_, i) => `host-${i}.test v${i % 7}`).join('\n'), 'exact');
    for (let i = 0; i < 5000; i++) {
      const hit = latin1(`host-${i}.test`);
      const miss = latin1(`host-${i}.tesu`);
      expect([table.find(hit, 0, hit.length), table.find(miss, 0, miss.length)]).toEqual([`v${i % 7}`, undefined]);
    }
  });

  it.each([
    ['# comment\n\n  a b  \r\nc\td\na z\n', { a: 'b', c: 'd' }],
    ['', {}],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('reads %j', (text, expected) => {
    const parsed = parseMap(text);
    expect('entries' in parsed ? Object.fromEntries(parsed.entries) : parsed).toEqual(expected);
  });

  it.each([
    ['a b\nc\n', 2],
    ['a b c', 1],
    [`${'k'.repeat(1025)} v`, 1],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('refuses %j at line %i', (text, line) => {
    expect(parseMap(text)).toMatchObject({ line });
  });
});

describe('error pages', () => {
  const files = new Map([
    ['/etc/503.html', latin1('<h1>sorry</h1>')],
    ['/etc/403.json', latin1('{"no":1}')],
  ]);
  const frontend = {
    errorPages: [
      { status: 503, file: '/etc/503.html' },
      { status: 403, file: '/etc/403.json' },
      { status: 400, file: '/not/read' },
    ],
  };

  it('are the bodies of answers of our own, with their type; HEAD gets none', () => {
    const bench = benchWith([{ if: { acl: 'a' }, action: { type: 'deny', status: 403 } }], {
      acls: [acl({ pathExact: ['/no'] })],
      frontend,
      assets: { files, maps: new Map() },
    });
    bench.setUsable(0, false);
    expect(answer(bench, get('/'))).toBe(
      'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 14\r\nCache-Control: no-cache\r\n' +
        'Content-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n<h1>sorry</h1>',
    );
    expect(answer(bench, get('/').replace('GET', 'HEAD'))).toMatch(/Content-Length: 14\r\n[^]*\r\n\r\n$/);
    expect(answer(bench, get('/no'))).toMatch(/Content-Type: application\/json\r\n\r\n\{"no":1\}$/);
    expect(answer(bench, 'bad\r\n\r\n')).toContain('<h1>400 Bad Request</h1>');
  });
});
