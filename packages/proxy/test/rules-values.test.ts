// What conditions, map keys and variables see: each of several values, and the request as the rules before have left it.
// The expectations of a request that HAProxy can be asked about are those of HAProxy 2.6 (`cook`, `req.hdr`, `req.fhdr`,
// `url_param`), but where a comment says otherwise.
import type { AclConfig, ActionConfig, MapKeyConfig, TemplateConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { PlanAssets } from '../src/core/plan.ts';
import { buildMap, MapTable } from '../src/core/rules/map-table.ts';
import type { EngineBench } from './engine-bench.ts';
import { acl, benchWith, fate, forwarded, get, toStatic, value } from './rules-bench.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const cookie = (name: string, exact: string): Partial<AclConfig> => ({ cookie: [value({ name, exact: [exact] })] });
const query = (name: string, exact: string): Partial<AclConfig> => ({ query: [value({ name, exact: [exact] })] });
const member = (exact: string, occurrence?: number): Partial<AclConfig> => ({
  headerMember: [value({ exact: [exact], ...(occurrence === undefined ? {} : { occurrence }) })],
});
const whole = (exact: string, occurrence: number): Partial<AclConfig> => ({
  header: [value({ exact: [exact], occurrence })],
});

describe('a condition on values', () => {
  it.each<[Partial<AclConfig>, string, boolean]>([
    [cookie('debug', '1'), get('/', 'Cookie: debug=0; debug=1\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: debug=0\r\nCookie: debug=1\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: debug=1\r\nCookie: debug=0\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: a=b, debug=1\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: debug = 1 ;a=b\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: ;; ;debug=1\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: xdebug=1; debug; debug1=1\r\n'), false],
    // HAProxy does not look behind a quotation mark, nor inside quotes; most servers do.
    [cookie('debug', '1'), get('/', 'Cookie: x="; debug=1\r\n'), true],
    [cookie('debug', '1'), get('/', 'Cookie: debug="1"\r\n'), true],
    [query('debug', '1'), get('/?debug=0&debug=1'), true],
    [query('debug', '1'), get('/?debug=1&debug=0'), true],
    [query('debug', '1'), get('/?x=1;debug=1'), true],
    [query('debug', '1'), get('/?&&debug=1'), true],
    [query('debug', '1'), get('/?debug&xdebug=1&debug1=1'), false],
    [query('debug', '1'), get('/debug=1'), false],
    // HAProxy compares what was sent; servers decode it.
    [query('debug', '1'), get('/?d%65bug=%31'), true],
    [query('a b', 'c d'), get('/?a+b=c%20d'), true],
    [query('debug', '1'), get('/?debug=%2531'), false],
    [query('debug', '%'), get('/?debug=%'), true],
    [member('b'), get('/', 'X: a, b\r\n'), true],
    [member('b'), get('/', 'X: a\r\nX: c,b ,d\r\n'), true],
    [member('b'), get('/', 'X: a b\r\n'), false],
    [member('a, b'), get('/', 'X: a, b\r\n'), false],
    [member('"a, b"'), get('/', 'X: "a, b", c\r\n'), true],
    [member('b"'), get('/', 'X: "a, b", c\r\n'), false],
    [member('b\\", c"'), get('/', 'X: "a, b\\", c"\r\n'), false],
    // A quotation mark without its other half hides nothing.
    [member('b'), get('/', 'X: "a, b\r\n'), true],
    [member('b'), get('/', 'X: "\\",\\",b\r\n'), true],
    [member('b"'), get('/', 'X: "\\",\\",b"\r\n'), false],
    [member(''), get('/', 'X: a,,b\r\n'), true],
    [member(''), get('/', 'X: a,b,\r\n'), true],
    [member(''), get('/', 'X:\r\n'), true],
    [member(''), get('/', 'X: a,b\r\n'), false],
    [member('b', -1), get('/', 'X: a, b\r\n'), true],
    [member('b', -1), get('/', 'X: a, b\r\nX: c\r\n'), false],
    [member('b', -2), get('/', 'X: a, b\r\nX: c\r\n'), true],
    [member('b', 2), get('/', 'X: a, b\r\nX: c\r\n'), true],
    [member('c', 3), get('/', 'X: a, b\r\nX: c\r\n'), true],
    [member('c', 4), get('/', 'X: a, b\r\nX: c\r\n'), false],
    [member('a', -4), get('/', 'X: a, b\r\nX: c\r\n'), false],
    [whole('a, b', 1), get('/', 'X: a, b\r\nX: c\r\n'), true],
    [whole('c', -1), get('/', 'X: a, b\r\nX: c\r\n'), true],
    [whole('a, b', -1), get('/', 'X: a, b\r\nX: c\r\n'), false],
    // Firefox opens a WebSocket so.
    [
      { headerMember: [value({ name: 'Connection', exact: ['upgrade'] })], ignoreCase: true },
      get('/', `Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n`),
      true,
    ],
  ])('%j of %j: %s', (parts, request, expected) => {
    const bench = benchWith([toStatic({ acl: 'a' })], { acls: [acl(parts)] });
    expect(fate(bench, request)).toBe(expected ? 'files' : 'web1');
    expect(bench.missingBuffers).toBe(0);
  });
});

describe('normal form', () => {
  const admin = acl({ pathPrefix: ['/admin'] });

  it.each(['//admin', '/%61dmin', '/./admin', '/a/../admin', '/%2e%2E/admin/x', '/a/%2e%2e%2fadmin', '/x/..//admin?q'])(
    'shows %s to conditions as /admin, whichever way they are asked, and to the server as it came',
    (target) => {
      const byPath = benchWith([toStatic({ acl: 'a' })], { acls: [admin] });
      const byRule = benchWith([{ if: { acl: 'a' }, action: { type: 'deny', status: 403 } }], { acls: [admin] });
      const regex = benchWith([toStatic({ acl: 'a' })], { acls: [acl({ pathRegex: ['^/admin'] })] });
      expect([fate(byPath, get(target)), fate(byRule, get(target)), fate(regex, get(target))]).toEqual([
        'files',
        '403',
        'files',
      ]);
      expect(forwarded(byPath, get(target)).split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
      const asSent = benchWith([toStatic({ acl: 'a' })], { acls: [admin], http: { normalize: false } });
      expect(fate(asSent, get(target))).toBe('web1');
    },
  );

  it.each<[string, string, boolean]>([
    ['/public', '/public/../admin', false],
    ['/public', '/public%2f..%2fadmin', false],
    ['/a b', '/a%20b', true],
    ['/ä', '/%c3%a4', true],
    ['/a%2Fb', '/a/b', true],
    ['/a%3fb', '/a%3Fb', true],
    ['/a%', '/a%', true],
    ['/.well-known/x', '/.well-known/x', true],
    ['/', '/..', true],
    ['/a/', '/a/b/..', true],
  ])('compares %s with %s: %s', (pattern, target, expected) => {
    const bench = benchWith([toStatic({ acl: 'a' })], {
      acls: [acl({ pathExact: [pattern], pathPrefix: [`${pattern}/`] })],
    });
    expect(fate(bench, get(target))).toBe(expected ? 'files' : 'web1');
  });

  it('takes a host with the dot of the root, another case or a port for the same', () => {
    const hosts = ['shop.test', 'SHOP.test.', 'shop.TEST.:8080', 'Shop.test:80'];
    const request = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const bench = benchWith([toStatic({ acl: 'a' })], { acls: [acl({ host: ['shop.test'] })] });
    expect(hosts.map((host) => fate(bench, request(host)))).toEqual(['files', 'files', 'files', 'files']);
    const mapped = mapBench({ from: 'host' }, { 'shop.test': 'static' });
    expect(hosts.map((host) => fate(mapped, request(host)))).toEqual(['files', 'files', 'files', 'files']);
  });

  it('asks maps with the path in it', () => {
    const bench = mapBench({ from: 'path' }, { '/a': 'static' });
    expect(['/a', '//a', '/%61', '/b'].map((target) => fate(bench, get(target)))).toEqual([
      'files',
      'files',
      'files',
      'web1',
    ]);
  });
});

describe('where one value is taken', () => {
  it.each<[MapKeyConfig, string]>([
    [{ from: 'cookie', name: 't' }, get('/', 'Cookie: t=no\r\nCookie: t=no; t=yes\r\n')],
    [{ from: 'query', name: 't' }, get('/?t=no&t=yes')],
    [{ from: 'query', name: 't', occurrence: 1 }, get('/?t=yes&t=no')],
    [{ from: 'header', name: 't' }, get('/', 'T: no\r\nT: yes\r\n')],
    [{ from: 'header', name: 't', occurrence: 1 }, get('/', 'T: yes\r\nT: no\r\n')],
    [{ from: 'header-member', name: 't' }, get('/', 'T: no\r\nT: no, yes\r\n')],
    [{ from: 'header-member', name: 't', occurrence: -2 }, get('/', 'T: yes\r\nT: no\r\n')],
  ])('a map is asked with the last, or the one that is named: %j', (key, request) => {
    const bench = mapBench(key, { yes: 'static' });
    expect(fate(bench, request)).toBe('files');
    expect(fate(bench, get('/'))).toBe('web1');
  });

  it.each<[TemplateConfig, string]>([
    [[{ variable: 'header', name: 'A' }], 'b, c'],
    [[{ variable: 'header', name: 'A', occurrence: 1 }], 'a'],
    [[{ variable: 'header-member', name: 'A' }], 'c'],
    [[{ variable: 'header-member', name: 'A', occurrence: 2 }], 'b'],
    [['<', { variable: 'header', name: 'B' }, '>'], '<>'],
  ])('a variable is the last, or the one that is named: %j', (template, expected) => {
    const bench = benchWith([{ action: { type: 'set-header', name: 'X-Out', value: template } }]);
    expect(forwarded(bench, get('/', 'A: a\r\nA: b, c\r\n'))).toContain(`\r\nX-Out: ${expected}\r\n`);
  });
});

describe('rules see the request as the rules before have left it', () => {
  const zone = acl({ name: 'zone', headerMember: [value({ name: 'X-Zone', exact: ['inner'] })] });
  const set = (name: string, text: string): { action: ActionConfig } => ({
    action: { type: 'set-header', name, value: [text] },
  });

  it('in conditions on fields: who writes X-Zone himself chooses nothing', () => {
    const bench = benchWith([set('X-Zone', 'outer'), toStatic({ acl: 'zone' })], { acls: [zone] });
    expect(fate(bench, get('/', 'X-Zone: inner\r\n'))).toBe('web1');
    const other = benchWith([set('x-zone', 'inner'), toStatic({ acl: 'zone' })], { acls: [zone] });
    expect(fate(other, get('/', 'X-Zone: outer\r\n'))).toBe('files');
  });

  it('after an edit that changes an answer that was known', () => {
    const acls = [zone, acl({ name: 'other', header: [value({ name: 'X-Other', present: true })] })];
    const bench = benchWith(
      [
        { if: { acl: 'zone' }, action: { type: 'set-header', name: 'X-First', value: ['yes'] } },
        { if: { not: { acl: 'other' } }, action: { type: 'remove-header', name: 'X-Zone' } },
        { if: { acl: 'zone' }, action: { type: 'deny', status: 403 } },
        { action: { type: 'add-header', name: 'X-Zone', value: ['inner'] } },
        toStatic({ acl: 'zone' }),
      ],
      { acls },
    );
    expect(fate(bench, get('/', 'X-Zone: inner\r\n'))).toBe('files');
    expect(fate(bench, get('/', 'X-Zone: inner\r\nX-Other: 1\r\n'))).toBe('403');
  });

  it('in conditions on path, host and cookies, in map keys and in variables', () => {
    const byPath = benchWith([{ action: { type: 'set-path', path: ['//new'] } }, toStatic({ acl: 'a' })], {
      acls: [acl({ pathExact: ['/new'] })],
    });
    expect([fate(byPath, get('/old')), fate(byPath, get('/new'))]).toEqual(['files', 'files']);
    const byHost = benchWith([set('Host', 'inner.test:81'), toStatic({ acl: 'a' })], {
      acls: [acl({ host: ['inner.test'] })],
    });
    expect(fate(byHost, get('/'))).toBe('files');
    const byCookie = benchWith([set('Cookie', 'a=b; c=d'), toStatic({ acl: 'a' })], { acls: [acl(cookie('c', 'd'))] });
    expect(fate(byCookie, get('/', 'Cookie: c=e\r\n'))).toBe('files');
    const variables = benchWith([
      set('X-A', 'first'),
      { action: { type: 'set-path', path: ['/p', { variable: 'path' }] } },
      set('Host', 'inner.test'),
      {
        action: {
          type: 'set-header',
          name: 'X-A',
          value: [{ variable: 'header', name: 'x-a' }, ' ', { variable: 'path' }, ' ', { variable: 'host' }],
        },
      },
      { action: { type: 'remove-header', name: 'X-B' } },
      { action: { type: 'set-header', name: 'X-C', value: ['<', { variable: 'header', name: 'X-B' }, '>'] } },
    ]);
    expect(forwarded(variables, get('/x?q', 'X-A: client\r\nX-B: client\r\n'))).toBe(
      'GET /p/x?q HTTP/1.1\r\nHost: inner.test\r\nX-A: first /p/x inner.test\r\nX-C: <>\r\n\r\n',
    );
  });

  it('in what an untrusted client says of itself', () => {
    const acls = [acl({ headerMember: [value({ name: 'X-Forwarded-For', exact: ['10.9.9.9'] })] })];
    const bench = benchWith([toStatic({ acl: 'a' })], { acls, http: { trustedProxies: ['198.51.100.0/24'] } });
    expect(fate(bench, get('/', 'X-Forwarded-For: 10.9.9.9\r\n'))).toBe('web1');
    expect(fate(bench, get('/', 'X-Forwarded-For: 10.9.9.9\r\n'), '198.51.100.1')).toBe('files');
  });
});

function mapBench(key: MapKeyConfig, entries: Readonly<Record<string, string>>): EngineBench {
  const table = new MapTable(buildMap(new Map(Object.entries(entries)), 'exact'), 'exact');
  const assets: PlanAssets = { files: new Map(), maps: new Map([['m', { name: 'm', table }]]) };
  return benchWith([{ action: { type: 'use-map', map: 'm', key } }], { assets });
}
