// Who a request is from and what servers are told of it: trusted proxies, X-Forwarded-*, Forwarded, the request id.
import type { PairConfig, RuleConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { EngineBench, OK } from './engine-bench.ts';

function benchWith(http: Partial<PairConfig['http']>, forwardedFor = false): EngineBench {
  return new EngineBench({
    flags: forwardedFor ? ['one-server'] : ['one-server', 'no-forwarded'],
    configure: (config) => ({ ...config, http: { ...config.http, ...http } }),
  });
}

/** The fields that the server gets, without Host. */
function told(bench: EngineBench, fields: string, address?: string): string[] {
  const client = bench.dial(address);
  client.write(`GET / HTTP/1.1\r\nHost: a.test:81\r\n${fields}\r\n`);
  bench.transport.settle();
  const { peer } = bench.connections.at(-1)!;
  const lines = peer.take().split('\r\n').slice(2, -2);
  peer.write(OK);
  bench.transport.settle();
  client.close();
  bench.transport.settle();
  return lines;
}

function logged(bench: EngineBench): unknown {
  return (JSON.parse(bench.logLines().at(-1)!) as { client: unknown }).client;
}

const PROXY = '10.0.0.1';
const xff = (value: string): string => `X-Forwarded-For: ${value}\r\n`;

describe('trusted proxies', () => {
  it.each([
    ['192.0.2.9', '192.0.2.9'],
    ['1.2.3.4, 192.0.2.9', '192.0.2.9'],
    ['192.0.2.9, 10.9.9.9', '192.0.2.9'],
    ['192.0.2.9,10.9.9.9 ,\t10.1.1.1', '192.0.2.9'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['192.0.2.9:1234', '192.0.2.9'],
    ['::ffff:192.0.2.9', '192.0.2.9'],
    ['10.7.7.7, 10.8.8.8', '10.7.7.7'],
    ['192.0.2.9, unknown', PROXY],
    ['192.0.2.9, ', PROXY],
    ['unknown, 192.0.2.9', '192.0.2.9'],
    ['192.0.2.999', PROXY],
    ['', PROXY],
  ])('name the client: %j is %s', (value, client) => {
    const bench = benchWith({ trustedProxies: ['10.0.0.0/8'] });
    told(bench, xff(value), PROXY);
    expect(logged(bench)).toBe(client);
  });

  it('may say it in several fields, of which the last counts first', () => {
    const bench = benchWith({ trustedProxies: ['10.0.0.0/8'] });
    told(bench, `${xff('1.1.1.1')}X-Other: a\r\n${xff('10.1.1.1')}`, PROXY);
    expect(logged(bench)).toBe('1.1.1.1');
    expect(bench.engine.clients.every((client) => client === null)).toBe(true);
  });

  it('are believed for each request anew', () => {
    const bench = benchWith({ trustedProxies: ['10.0.0.0/8'] });
    const client = bench.dial(PROXY);
    for (const address of ['192.0.2.1', '192.0.2.2', '']) {
      client.write(`GET / HTTP/1.1\r\nHost: a\r\n${address === '' ? '' : xff(address)}\r\n`);
      bench.transport.settle();
      bench.connections.at(-1)!.peer.write(OK);
      bench.transport.settle();
    }
    expect(bench.logLines().map((line) => (JSON.parse(line) as { client: string }).client)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      PROXY,
    ]);
  });

  it('append to what they say; what others say is taken out', () => {
    const claims = `${xff('9.9.9.9')}X-Forwarded-Proto: https\r\nForwarded: for=x\r\nX-Forwarded-Host: evil\r\nX-Request-Id: mine\r\n`;
    const http = { trustedProxies: ['10.0.0.0/8'], requestId: { header: 'X-Request-Id', respond: false } };
    expect(told(benchWith(http, true), claims, PROXY)).toEqual([
      ...claims.split('\r\n').slice(0, -1),
      `X-Forwarded-For: ${PROXY}`,
    ]);
    expect(told(benchWith(http, true), claims, '192.0.2.7')).toEqual([
      'X-Forwarded-For: 192.0.2.7',
      'X-Request-Id: seed000000000000',
    ]);
  });

  it('are nobody when none are given: fields are appended to, as HAProxy does', () => {
    expect(told(benchWith({}, true), xff('9.9.9.9'))).toEqual([
      'X-Forwarded-For: 9.9.9.9',
      'X-Forwarded-For: 192.0.2.1',
    ]);
  });
});

describe('what servers are told', () => {
  const all = { forwardedProto: true, forwardedHost: true, forwardedPort: true, forwarded: true };

  it('is set, whatever the client has said', () => {
    expect(told(benchWith(all), 'X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n')).toEqual([
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: a.test:81',
      'X-Forwarded-Port: 80',
      'Forwarded: for=192.0.2.1;proto=http;host="a.test:81"',
    ]);
  });

  it('stays as a trusted proxy has said it; Forwarded grows', () => {
    const bench = benchWith({ ...all, trustedProxies: ['10.0.0.0/8'] });
    const said = [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop',
      'X-Forwarded-Port: 443',
      'Forwarded: for=1.2.3.4',
    ];
    expect(told(bench, `${said.join('\r\n')}\r\n`, PROXY)).toEqual([
      ...said,
      `Forwarded: for=${PROXY};proto=http;host="a.test:81"`,
    ]);
  });

  it('has IPv6 addresses in brackets and quotes', () => {
    const lines = told(benchWith({ forwarded: true }), '', '2001:db8::1');
    expect(lines).toEqual(['Forwarded: for="[2001:db8::1]";proto=http;host="a.test:81"']);
  });
});

describe('the request id', () => {
  const http = { trustedProxies: ['10.0.0.0/8'], requestId: { header: 'X-Request-Id', respond: true } };

  it.each([
    ['abc-1.2:3_4', true],
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
    ['a b', false],
    ['a"b', false],
    ['\xe4', false],
    ['', false],
  ])('of a trusted proxy is kept if it is harmless: %j %s', (id, kept) => {
    const bench = benchWith(http);
    const lines = told(bench, `X-Request-Id: ${id}\r\n`, PROXY);
    expect(lines).toEqual([`X-Request-Id: ${kept ? id : 'seed000000000000'}`]);
    expect(bench.logLines()[0]).toContain(`"requestId":"${kept ? id : 'seed000000000000'}"`);
  });

  it('is new for each request, and sent back once, in place of a server’s, and with answers of our own', () => {
    const bench = benchWith(http);
    const client = bench.dial();
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2));
    bench.transport.settle();
    bench.connections[0]!.peer.write(OK.replace('\r\n\r\n', '\r\nX-Request-Id: of the server\r\n\r\n'));
    bench.transport.settle();
    bench.connections[0]!.peer.write('nonsense\r\n\r\n');
    bench.transport.settle();
    expect(client.text.match(/X-Request-Id: .*/g)).toEqual([
      'X-Request-Id: seed000000000000',
      'X-Request-Id: seed000000000001',
    ]);
    expect(client.text).toContain('HTTP/1.1 502 ');
  });
});

describe('other spellings', () => {
  const rules: readonly RuleConfig[] = [
    { action: { type: 'remove-header', name: 'X-Remote-User' } },
    { action: { type: 'set-header', name: 'X_Own', value: ['1'] } },
  ];
  const acls = [
    {
      name: 'a',
      pathExact: [],
      pathPrefix: [],
      pathSuffix: [],
      ignoreCase: false,
      header: [
        { name: 'x-asked', present: true, exact: [], prefix: [], suffix: [], contains: [], regex: [] },
        { name: 'x_asked', present: true, exact: [], prefix: [], suffix: [], contains: [], regex: [] },
      ],
    },
  ];
  const bench = (http: Partial<PairConfig['http']> = {}): EngineBench =>
    new EngineBench({
      flags: ['one-server', 'no-forwarded'],
      configure: (config) => ({
        ...config,
        http: { ...config.http, ...http },
        frontends: [{ ...config.frontends[0]!, rules, acls }],
      }),
    });
  const sent = [
    'X_Forwarded_For: 203.0.113.9',
    'X-Forwarded_Proto: https',
    'x.remote_user: root',
    'X_REMOTE-USER: root',
    'X_Own: 2',
    'X.Own: 2',
    'X_Asked: 1',
    'X.Asked: 1',
    'Transfer_Encoding: chunked',
    'Content_Length: 5',
    'X_Other: 1',
    'X-Other: 2',
  ];
  const fields = `${sent.join('\r\n')}\r\n`;

  it('of what the proxy or a rule vouches for do not reach the server', () => {
    const trusting = bench({ trustedProxies: ['10.0.0.0/8'] });
    const kept = ['X_Asked: 1', 'X_Other: 1', 'X-Other: 2', 'X_Own: 1'];
    expect([told(trusting, fields), told(trusting, fields, PROXY)]).toEqual([kept, kept]);
    expect(trusting.missingBuffers).toBe(0);
    expect(told(bench(), fields)).toEqual(['X_Forwarded_For: 203.0.113.9', 'X-Forwarded_Proto: https', ...kept]);
  });

  it('are kept where the configuration says so', () => {
    expect(told(bench({ trustedProxies: ['10.0.0.0/8'], similarHeaders: 'keep' }), fields)).toEqual([
      ...sent.filter((line) => line !== 'X_Own: 2'),
      'X_Own: 1',
    ]);
  });
});
