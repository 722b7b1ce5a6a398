// Rules through the engine on the memory transport: every condition, every action, their order, and what clients cannot
// make of them.
import type { AclConfig, ActionConfig, ConditionConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { ask, EngineBench, OK } from './engine-bench.ts';
import { acl, answer, benchWith, fate, forwarded, get, toStatic, value } from './rules-bench.ts';

describe('conditions', () => {
  it.each<[string, Partial<AclConfig>, string, boolean]>([
    ['path exact', { pathExact: ['/a'] }, get('/a?q'), true],
    ['path exact', { pathExact: ['/a'] }, get('/A'), false],
    ['path exact, any case', { pathExact: ['/a'], ignoreCase: true }, get('/A'), true],
    ['path prefix', { pathPrefix: ['/a/'] }, get('/a/b'), true],
    ['path suffix', { pathSuffix: ['.png'] }, get('/a.png?x=.jpg'), true],
    ['path regex', { pathRegex: ['^/v[0-9]+/'] }, get('/v12/x'), true],
    ['path regex', { pathRegex: ['^/v[0-9]+/'] }, get('/V12/x'), false],
    ['path regex, any case', { pathRegex: ['^/v[0-9]+/'], ignoreCase: true }, get('/V12/x'), true],
    ['path of absolute form', { pathExact: ['/'] }, 'GET http://a HTTP/1.1\r\nHost: a\r\n\r\n', true],
    ['path regex of absolute form', { pathRegex: ['^/$'] }, 'GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n', true],
    ['host', { host: ['shop.test'] }, get('/'), true],
    ['host', { host: ['op.test'] }, get('/'), false],
    ['host below', { host: ['*.test'] }, get('/'), true],
    ['host below, itself', { host: ['*.shop.test'] }, get('/'), false],
    ['host of absolute form', { host: ['b.test'] }, 'GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n', true],
    ['host that is not there', { host: ['shop.test'] }, 'GET / HTTP/1.0\r\n\r\n', false],
    ['host, IPv6', { host: ['[2001:db8::1]'] }, 'GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n', true],
    ['method', { method: ['POST', 'GET'] }, get('/'), true],
    ['method', { method: ['get'], ignoreCase: true }, get('/'), false],
    ['header present', { header: [value({ present: true })] }, get('/', 'x: \r\n'), true],
    ['header absent', { header: [value({ present: true })] }, get('/', 'y: \r\n'), false],
    ['header exact', { header: [value({ exact: ['b'] })] }, get('/', 'x: a\r\nX: b\r\n'), true],
    ['header exact', { header: [value({ exact: ['b'] })] }, get('/', 'x: bb\r\n'), false],
    [
      'header contains',
      { header: [value({ name: 'User-Agent', contains: ['bot'] })] },
      get('/', 'user-agent: a bot/1\r\n'),
      true,
    ],
    [
      'header contains, any case',
      { header: [value({ contains: ['bot'] })], ignoreCase: true },
      get('/', 'X: Bot\r\n'),
      true,
    ],
    ['header regex', { header: [value({ regex: ['^b+$'] })] }, get('/', 'X: bbb\r\n'), true],
    ['header named by Connection', { header: [value({ present: true })] }, get('/', 'Connection: x\r\nX: 1\r\n'), true],
    ['cookie', { cookie: [value({ name: 'sid', prefix: ['ab'] })] }, get('/', 'Cookie: x=1; sid=abc\r\n'), true],
    ['cookie', { cookie: [value({ name: 'sid', prefix: ['ab'] })] }, get('/', 'Cookie: x=1; Sid=abc\r\n'), false],
    ['query', { query: [value({ name: 'v', suffix: ['2'] })] }, get('/?u=1&v=12&w'), true],
    ['query present without value', { query: [value({ name: 'w', present: true })] }, get('/?u=1&w'), true],
    ['query', { query: [value({ name: 'v', present: true })] }, get('/?vv=1'), false],
    ['query', { query: [value({ name: 'v', exact: [''] })] }, get('/?v='), true],
    ['source', { source: ['192.0.2.0/24'] }, get('/'), true],
    ['source', { source: ['192.0.3.0/24', '2001:db8::/32'] }, get('/'), false],
    ['port', { port: [80] }, get('/'), true],
    ['port', { port: [81] }, get('/'), false],
    ['any of the lists', { method: ['POST'], pathPrefix: ['/x'], port: [80] }, get('/'), true],
    ['nothing', {}, get('/'), false],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('%s %j of %j: %s', (_, parts, request, expected) => {
    const bench = benchWith([toStatic({ acl: 'a' })], { acls: [acl(parts)] });
    expect(fate(bench, request)).toBe(expected ? 'files' : 'web1');
    expect(bench.missingBuffers).toBe(0);
  });

  it('asks combinations as they are written', () => {
    const acls = ['a', 'b', 'c'].map((name) => acl({ name, query: [value({ name, present: true })] }));
    const [a, b, c] = acls.map(({ name }) => ({ acl: name })) as [ConditionConfig, ConditionConfig, ConditionConfig];
    const conditions: readonly [ConditionConfig, (has: (name: string) => boolean) => boolean][] = [
      [{ all: [a, b, c] }, (has) => has('a') && has('b') && has('c')],
      [{ any: [a, b, c] }, (has) => has('a') || has('b') || has('c')],
      [{ not: { any: [a, { all: [b, c] }] } }, (has) => !(has('a') || (has('b') && has('c')))],
      [
        { all: [{ any: [a, b] }, { not: { all: [b, c] } }] },
        (has) => (has('a') || has('b')) && !(has('b') && has('c')),
      ],
      [{ any: [{ all: [a, { not: b }] }, { not: { not: c } }] }, (has) => (has('a') && !has('b')) || has('c')],
      [{ all: [] }, () => true],
      [{ any: [] }, () => false],
    ];
    for (const [condition, expected] of conditions) {
      const bench = benchWith([toStatic(condition)], { acls });
      for (let bits = 0; bits < 8; bits++) {
        const names = ['a', 'b', 'c'].filter((_, i) => (bits & (1 << i)) !== 0);
        const wanted = expected((name) => names.includes(name)) ? 'files' : 'web1';
        expect([JSON.stringify(condition), names, fate(bench, get(`/?${names.join('&')}`))]).toEqual([
          JSON.stringify(condition),
          names,
          wanted,
        ]);
      }
    }
  });
});

describe('actions', () => {
  it('takes the first rule that ends the list, and the default backend without one', () => {
    const acls = [acl({ name: 'a', pathPrefix: ['/a'] }), acl({ name: 'b', pathPrefix: ['/a/b'] })];
    const bench = benchWith([{ if: { acl: 'b' }, action: { type: 'deny', status: 403 } }, toStatic({ acl: 'a' })], {
      acls,
    });
    expect(['/a/b', '/a', '/'].map((path) => fate(bench, get(path)))).toEqual(['403', 'files', 'web1']);
  });

  it('denies and keeps the connection for the next request, also for HEAD', () => {
    const bench = benchWith([{ if: { acl: 'a' }, action: { type: 'deny', status: 403 } }], {
      acls: [acl({ pathExact: ['/no'] })],
    });
    const client = ask(bench, get('/no') + get('/no').replace('GET', 'HEAD') + get('/yes'));
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    const [first = '', second = '', third = ''] = client.text.split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nContent-Length: (\d+)\r\n[^]*\r\n\r\n<!doctype html>/);
    expect(first).not.toContain('Connection:');
    expect(second).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nContent-Length: \d+\r\n[^]*\r\n\r\n$/);
    expect(third).toBe(OK);
    expect(bench.logLines().map((line) => /"status":(\d+).*"state":"(..)/.exec(line)?.slice(1))).toEqual([
      ['403', 'PR'],
      ['403', 'PR'],
      ['200', '--'],
    ]);
    client.close();
    bench.transport.settle();
    expect(bench.missingBuffers).toBe(0);
  });

  it('closes after a denied request whose body has not come', () => {
    const bench = benchWith([{ action: { type: 'deny', status: 403 } }]);
    const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbody');
    expect(client.text).toContain('Connection: close\r\n');
    client.write('more of it');
    bench.transport.settle();
    expect(client.ended).toBe(true);
    client.close();
    bench.transport.advance(5000);
    expect([bench.missingBuffers, bench.engine.openClients, bench.connections.length]).toEqual([0, 0, 0]);
  });

  it('holds a tarpit request for its time, then answers and closes', () => {
    const bench = benchWith([{ action: { type: 'tarpit', status: 429, delayMs: 700 } }]);
    const client = ask(bench, get('/') + get('/'));
    bench.transport.advance(600);
    expect([client.text, bench.engine.tarpitted]).toEqual(['', 1]);
    bench.transport.advance(200);
    expect(client.text).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n[^]*Connection: close\r\n/);
    expect(client.text.split('HTTP/1.1').length).toBe(2);
    client.close();
    bench.transport.advance(3000);
    expect([bench.engine.tarpitted, bench.missingBuffers, bench.engine.openClients]).toEqual([0, 0, 0]);
    expect(bench.logLines()[0]).toContain('"state":"PT');
  });

  it('holds a bounded number, and forgets those that break', () => {
    const bench = new EngineBench({
      flags: ['one-server', 'log-off'],
      transport: { receiveBuffers: 2048, sendBuffers: 2048, bufferBytes: 1024 },
      configure: (config) => ({
        ...config,
        frontends: [
          {
            ...config.frontends[0]!,
            maxConnections: 5000,
            rules: [{ action: { type: 'tarpit', status: 429, delayMs: 10_000 } }],
          },
        ],
      }),
    });
    const clients = Array.from({ length: 1001 }, () => ask(bench));
    expect(bench.engine.tarpitted).toBe(1000);
    expect(clients.filter(({ text }) => text !== '').length).toBe(1);
    bench.engine.closeAll();
    bench.transport.settle();
    expect([bench.engine.tarpitted, bench.missingBuffers]).toEqual([0, 0]);
  });

  it.each(['FIN', 'RST'])('frees the place of a held client that leaves by %s', (how) => {
    const bench = benchWith([{ action: { type: 'tarpit', status: 429, delayMs: 600_000 } }]);
    const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbody');
    client.write('more');
    bench.transport.settle();
    expect([bench.engine.tarpitted, bench.engine.openClients, bench.missingBuffers]).toEqual([1, 1, 0]);
    if (how === 'FIN') client.end();
    else client.close(true);
    bench.transport.settle();
    expect([bench.engine.tarpitted, bench.engine.openClients, bench.missingBuffers]).toEqual([0, 0, 0]);
    expect(bench.logLines().map((line) => /"status":(\d+).*"state":"(..)/.exec(line)?.slice(1))).toEqual([['0', 'CT']]);
  });

  it('does not hold what a client had asked for when it left', () => {
    const bench = benchWith([{ if: { acl: 'a' }, action: { type: 'tarpit', status: 429, delayMs: 600_000 } }], {
      acls: [acl({ pathExact: ['/held'] })],
    });
    const client = ask(bench, get('/') + get('/held'));
    client.end();
    bench.transport.settle();
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect([client.text, client.ended, bench.engine.tarpitted, bench.missingBuffers]).toEqual([OK, true, 0, 0]);
    expect(bench.logLines().map((line) => /"state":"(..)/.exec(line)?.[1])).toEqual(['--', 'CT']);
  });

  it('throws away what a held client sends, up to a bound, and answers in time all the same', () => {
    const bench = benchWith([{ action: { type: 'tarpit', status: 429, delayMs: 700 } }]);
    const client = ask(bench, get('/').repeat(20));
    const [held] = bench.engine.clients.filter((one) => one !== null);
    client.write('x'.repeat((1 << 20) + 1));
    bench.transport.settle();
    expect([held!.receiving, bench.missingBuffers]).toEqual([false, 0]);
    expect(held!.wasted).toBeGreaterThan(1 << 20);
    client.write('x'.repeat(1 << 20));
    bench.transport.settle();
    expect(held!.wasted).toBeLessThan(1.2 * (1 << 20));
    expect(client.text).toBe('');
    bench.transport.advance(800);
    expect(client.text).toMatch(/^HTTP\/1\.1 429 /);
    client.close();
    bench.transport.advance(3000);
    expect([bench.engine.tarpitted, bench.missingBuffers, bench.engine.openClients]).toEqual([0, 0, 0]);
  });

  it('drops silently: neither FIN nor RST', () => {
    const bench = benchWith([{ action: { type: 'silent-drop' } }]);
    const client = ask(bench, get('/') + get('/'));
    expect([client.text, client.ended, client.wasReset, bench.engine.openClients]).toEqual(['', false, false, 0]);
    expect(bench.missingBuffers).toBe(0);
    expect(bench.logLines()[0]).toContain('"status":0');
  });

  it.each<[ActionConfig & { type: 'redirect' }, string, string]>([
    [{ type: 'redirect', status: 302, location: ['https://b.test/x'] }, get('/a?q=1'), 'https://b.test/x'],
    [{ type: 'redirect', status: 301, prefix: ['https://b.test'] }, get('/a/b?q=1&r'), 'https://b.test/a/b?q=1&r'],
    [{ type: 'redirect', status: 308, scheme: 'https' }, get('/a?q'), 'https://Shop.Test/a?q'],
    [{ type: 'redirect', status: 303, location: ['/x?from=', { variable: 'path' }] }, get('/a'), '/x?from=/a'],
    [
      { type: 'redirect', status: 307, location: ['/', { variable: 'header', name: 'X-To' }] },
      get('/', 'X-To: a b"<\xe4>\\\r\n'),
      '/a%20b%22%3C%E4%3E%5C',
    ],
    [{ type: 'redirect', status: 302, location: ['/ä b\r\n'] }, get('/'), '/%C3%A4%20b%0D%0A'],
    [{ type: 'redirect', status: 301, prefix: [''] }, 'GET http://a?z HTTP/1.1\r\nHost: a\r\n\r\n', '/?z'],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('redirects: %j', (action, request, location) => {
    const bench = benchWith([{ action }]);
    const text = answer(bench, request);
    const reason = {
      301: 'Moved Permanently',
      302: 'Found',
      303: 'See Other',
      307: 'Temporary Redirect',
      308: 'Permanent Redirect',
    };
    // Clients may keep what is for ever.
    const cache = [301, 308].includes(action.status) ? '' : 'Cache-Control: no-cache\r\n';
    expect(text).toBe(
      `HTTP/1.1 ${action.status} ${reason[action.status]}\r\nContent-Length: 0\r\n${cache}` +
        `Location: ${location}\r\n\r\n`,
    );
  });

  it('answers 414 when a redirect would be too long', () => {
    const bench = benchWith([
      { action: { type: 'redirect', status: 302, location: [{ variable: 'path' }, { variable: 'path' }] } },
    ]);
    expect(fate(bench, get(`/${'x'.repeat(2800)}`))).toBe('414');
    expect(bench.missingBuffers).toBe(0);
  });

  it('returns an answer of the configuration', () => {
    const bench = benchWith([{ action: { type: 'return', status: 200, contentType: 'text/plain', body: 'pöng\n' } }]);
    expect(answer(bench, get('/'))).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\np\xc3\xb6ng\n',
    );
    expect(answer(bench, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')).toContain(
      'Connection: keep-alive\r\n\r\n',
    );
  });

  it('sends a returned body that is larger than a buffer, whole', () => {
    const body = Array.from({ length: 9000 }, (_, i) => i % 10).join('');
    const bench = benchWith([{ action: { type: 'return', status: 200, contentType: 'text/plain', body } }]);
    expect(answer(bench, get('/')).endsWith(`\r\n\r\n${body}`)).toBe(true);
    bench.transport.settle();
    expect(bench.missingBuffers).toBe(0);
  });

  it('sets, adds and removes request headers, in order, with variables', () => {
    const bench = benchWith(
      [
        {
          action: {
            type: 'set-header',
            name: 'X-Client',
            value: [{ variable: 'clientAddress' }, ':', { variable: 'port' }],
          },
        },
        {
          action: {
            type: 'add-header',
            name: 'X-B',
            value: [{ variable: 'method' }, ' ', { variable: 'host' }, ' ', { variable: 'query' }],
          },
        },
        { action: { type: 'remove-header', name: 'x-secret' } },
        {
          if: { not: { acl: 'a' } },
          action: {
            type: 'set-header',
            name: 'X-Frontend',
            value: [{ variable: 'frontend' }, '/', { variable: 'scheme' }],
          },
        },
        { action: { type: 'set-header', name: 'Content-Length', value: ['7'] } },
        { action: { type: 'remove-header', name: 'Host' } },
      ],
      { acls: [acl({ header: [value({ name: 'X-Secret', present: true })] })] },
    );
    expect(forwarded(bench, get('/?q', 'X-Client: me\r\nX-Secret: 1\r\nX-B: 0\r\n'))).toBe(
      'GET /?q HTTP/1.1\r\nHost: Shop.Test:8080\r\nX-B: 0\r\nX-Client: 192.0.2.1:80\r\n' +
        'X-B: GET Shop.Test q\r\nX-Frontend: main/http\r\n\r\n',
    );
  });

  it('changes the answer of the server, not of the proxy, and for one request only', () => {
    const bench = benchWith(
      [
        {
          if: { acl: 'a' },
          action: { type: 'set-response-header', name: 'Server', value: ['for ', { variable: 'path' }] },
        },
        { if: { acl: 'a' }, action: { type: 'add-response-header', name: 'Vary', value: ['Host'] } },
        { if: { acl: 'a' }, action: { type: 'remove-response-header', name: 'X-Powered-By' } },
      ],
      { acls: [acl({ pathPrefix: ['/a'] })] },
    );
    const origin = 'HTTP/1.1 200 OK\r\nServer: x\r\nVary: A\r\nX-Powered-By: y\r\nContent-Length: 0\r\n\r\n';
    const changed = 'HTTP/1.1 200 OK\r\nVary: A\r\nContent-Length: 0\r\nServer: for /a\r\nVary: Host\r\n\r\n';
    const client = ask(bench, get('/a') + get('/b') + get('/a'));
    for (let i = 0; i < 3; i++) {
      bench.connections[0]!.peer.write(origin);
      bench.transport.settle();
    }
    expect(client.text).toBe(changed + origin + changed);
  });

  it('does not edit interim answers, but the final one behind them', () => {
    const bench = benchWith([{ action: { type: 'add-response-header', name: 'X', value: ['1'] } }]);
    const text = answer(bench, get('/'), `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}`);
    expect(text).toBe(`HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK.replace('\r\n\r\n', '\r\nX: 1\r\n\r\n')}`);
  });

  it.each<[readonly ActionConfig[], string, string]>([
    [[{ type: 'set-path', path: ['/new'] }], '/old?q', '/new?q'],
    [[{ type: 'set-path', path: ['/x', { variable: 'path' }] }], '/old?q', '/x/old?q'],
    [[{ type: 'set-path', path: [{ variable: 'header', name: 'Host' }] }], '/', '/Shop.Test:8080'],
    [[{ type: 'replace-prefix', from: '/api/', to: '/' }], '/api/v1?q', '/v1?q'],
    [[{ type: 'replace-prefix', from: '/api', to: '/' }], '/api/v1', '/v1'],
    [[{ type: 'replace-prefix', from: '/api', to: '' }], '/api', '/'],
    [[{ type: 'replace-prefix', from: '/api', to: '/x' }], '/other', '/other'],
    [
      [
        { type: 'replace-prefix', from: '/a', to: '/b' },
        { type: 'replace-prefix', from: '/b', to: '/c' },
      ],
      '/a/1',
      '/c/1',
    ],
    [[{ type: 'set-path', path: ['/a b?c#d\r\n'] }], '/', '/a%20b%3Fc%23d%0D%0A'],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('rewrites the path: %j', (actions, target, expected) => {
    const bench = benchWith(actions.map((action) => ({ action })));
    expect(forwarded(bench, get(target)).split('\r\n')[0]).toBe(`GET ${expected} HTTP/1.1`);
  });

  it('asks later conditions about the path as it is then', () => {
    const bench = benchWith([{ action: { type: 'set-path', path: ['/new'] } }, toStatic({ acl: 'a' })], {
      acls: [acl({ pathExact: ['/old'] })],
    });
    expect([fate(bench, get('/old')), fate(bench, get('/new'))]).toEqual(['web1', 'web1']);
  });

  it('leaves OPTIONS * alone', () => {
    const bench = benchWith([{ action: { type: 'set-path', path: ['/new'] } }]);
    expect(forwarded(bench, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  it('answers 431 when edits make the head too large', () => {
    const bench = benchWith([{ action: { type: 'set-header', name: 'X', value: ['x'.repeat(5000)] } }]);
    expect(fate(bench, get('/'))).toBe('431');
    expect(bench.missingBuffers).toBe(0);
  });
});
