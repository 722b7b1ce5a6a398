// importConfig: golden cases as data, the article's four files, and two promises that hold for any input: every line
// that says something is answered, and no secret is repeated.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatImportReport,
  formatProblem,
  importConfig,
  parseConfig,
  type ImportInput,
  type ImportResult,
  type ImportSource,
} from '../src/index.ts';
import { readCases, readFixture } from './case-files.ts';
import { readImport } from './import-input.ts';

const numRuns = Number(process.env['TOSPANN_PROPERTY_RUNS'] ?? 200);

/** Report, contradictions, the new file, and what parseConfig says about it. */
function describe(result: ImportResult): string {
  const parsed = parseConfig(result.yaml, { file: 'tospann.yaml' });
  const said = [...(parsed.ok ? ['valid'] : parsed.problems.map(formatProblem)), ...parsed.warnings.map(formatProblem)];
  const report = [formatImportReport(result.report), ...result.problems.map(formatProblem)];
  return `${[...report, '---', result.yaml.trimEnd(), '---', ...said].join('\n')}\n`;
}

/** Lines that say something, found without the importer. */
function significant(sources: readonly ImportSource[], comment: RegExp): string[] {
  return sources.flatMap(({ file, text }) =>
    text.split('\n').flatMap((line, index) => {
      const says = line.trim() !== '' && !comment.test(line.trim());
      return says ? [`${file}:${index + 1}`] : [];
    }),
  );
}

function expectEveryLineAnswered(input: ImportInput, result: ImportResult): void {
  const expected = [
    ...significant(input.haproxy, /^#/),
    ...significant(input.keepalived, /^[#!]/),
    ...significant(input.sysctl, /^[#;]/),
  ];
  expect(result.report.map(({ file, line }) => `${file}:${line}`)).toEqual(expected);
  for (const { why, text } of result.report) {
    expect(why).not.toBe('');
    expect(text).not.toBe('');
  }
}

const cases = readCases('cases/import');

test('importConfig() has its golden cases', () => {
  expect(cases.map(({ name }) => name)).toContain('keepalived-contradictions');
});

test.each(cases)('importConfig() does what the case says: $name', ({ input, expected }) => {
  const read = readImport(input);
  const result = importConfig(read);
  expect(describe(result)).toBe(expected);
  expectEveryLineAnswered(read, result);
});

const article: ImportInput = {
  haproxy: [{ file: 'haproxy.cfg', text: readFixture('cases/article/haproxy.cfg') }],
  keepalived: ['keepalived-lb1.conf', 'keepalived-lb2.conf'].map((file) => ({
    file,
    text: readFixture(`cases/article/${file}`),
  })),
  sysctl: [{ file: 'sysctl.conf', text: readFixture('cases/article/sysctl.conf') }],
};
const withAddresses = { ...article, nodeAddresses: { lb1: '10.10.0.11', lb2: '10.10.0.12' } };

test("importConfig() makes one valid pair of the article's files", () => {
  const result = importConfig(withAddresses);
  expect(describe(result)).toBe(readFixture('cases/article/expected.txt'));
  expectEveryLineAnswered(withAddresses, result);
  const parsed = parseConfig(result.yaml, { file: 'tospann.yaml' });
  expect(parsed).toMatchObject({
    ok: true,
    config: {
      cluster: {
        nodes: [
          { name: 'lb1', address: '10.10.0.11', interface: 'eth0' },
          { name: 'lb2', address: '10.10.0.12', interface: 'eth0' },
        ],
      },
      vips: [{ address: '192.168.1.200', prefixLength: 32, routerId: 51, preferred: 'lb1', advertIntervalMs: 1000 }],
      frontends: [
        { name: 'main', binds: [{ address: '0.0.0.0', port: 80 }], maxConnections: 3000, defaultBackend: 'app' },
      ],
      backends: [
        {
          cookie: { name: 'SERVERID', insert: true, indirect: true, nocache: true },
          check: { type: 'tcp', intervalMs: 2000, timeoutMs: 10_000, rise: 2, fall: 3 },
          servers: [
            { address: '10.10.10.1', port: 80, cookie: 's1' },
            { address: '10.10.10.2', port: 80, cookie: 's2' },
          ],
        },
      ],
      http: { forwardedFor: { exceptFrom: ['127.0.0.0/8'] }, serverClose: true, retries: 3, redispatch: true },
      log: { access: { enabled: true, format: 'haproxy', ignoreEmpty: true } },
    },
  });
});

test("importConfig() refuses what is a trap in the article's files", () => {
  const { report } = importConfig(withAddresses);
  const refused = report.filter(({ verdict }) => verdict === 'refused').map(({ text }) => text);
  expect(refused).toEqual(
    expect.arrayContaining(['script "killall -0 haproxy"', 'weight 2', 'net.ipv4.tcp_tw_recycle = 1']),
  );
  // The statistics page is served, but the password of the old file is nobody's any more.
  expect(report).toContainEqual(
    expect.objectContaining({ text: 'stats auth admin:***', verdict: 'changed', target: 'admin.stats.auth' }),
  );
});

test('importConfig() repeats no password, in the report or in the new file', () => {
  const input = {
    ...withAddresses,
    keepalived: article.keepalived.map(({ file, text }) => ({
      file,
      text: text.replace('state', 'authentication {\nauth_type PASS\nauth_pass "t0p secret"\n}\nstate'),
    })),
  };
  const said = JSON.stringify(importConfig(input));
  expect(input.haproxy[0]?.text).toContain('SuperSecretPassword');
  expect(input.keepalived[0]?.text).toContain('t0p secret');
  expect(said).not.toContain('SuperSecretPassword');
  expect(said).not.toContain('t0p');
});

test('importConfig() writes the password of VRRP version 2 into the new file, and nowhere else', () => {
  const input = {
    ...withAddresses,
    keepalived: article.keepalived.map(({ file, text }) => ({
      file,
      text: `global_defs {\nvrrp_version 2\n}\n${text.replace('state', 'authentication {\nauth_type PASS\nauth_pass s3cret99\n}\nstate')}`,
    })),
  };
  const { yaml, report, problems } = importConfig(input);
  expect(JSON.stringify([report, problems])).not.toContain('s3cret99');
  const parsed = parseConfig(yaml, { file: 'tospann.yaml' });
  expect(parsed).toMatchObject({
    ok: true,
    config: { groups: [{ version: 2, auth: { type: 'password', password: 's3cret99' } }] },
  });
});

test('importConfig() leaves placeholders that parseConfig() refuses when the node addresses are missing', () => {
  const parsed = parseConfig(importConfig(article).yaml, { file: 'tospann.yaml' });
  expect(parsed.ok ? [] : parsed.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
    'LB_CONFIG_PLACEHOLDER cluster.nodes.lb1.address',
    'LB_CONFIG_PLACEHOLDER cluster.nodes.lb2.address',
  ]);
});

const words = fc.constantFrom(
  ...'global defaults frontend backend listen peers mode http tcp bind *:80 :81 [::]:82 ssl acl a b path_beg path_end -i -m -f /x .js use_backend if or || { } ! unless default_backend app server web1 10.0.0.1:80 10.0.0.2 check inter 2s rise x weight 10 -1 300 cookie insert prefix balance roundrobin source option httpchk GET /health httplog forwardfor except 127.0.0.0/8 timeout client 10s 0 maxconn 99999999 retries stats auth u:p "quoted \' \\ $x vrrp_instance VI_1 vrrp_script interface eth0 virtual_router_id 51 999 priority virtual_ipaddress 10.0.0.9/24 unicast_peer track_script advert_int 0.001 nopreempt authentication auth_pass global_defs router_id lb1 __proto__ constructor toString # ; = net.ipv4.tcp_syncookies http-request http-response deny set-header del-header return tarpit silent-drop redirect location prefix scheme code 301 set-path replace-path tcp-request connection reject hdr(host) hdr_dom(host) hdr_sub(x) path_reg ^(a .* src dst_port cook(a) url_param(a) method found ssl_fc %[src] %[req.hdr(host),lower,map(/m,app)] tcp-check http-check send expect string status httpchk hash-type hash-balance-factor leastconn uri hdr(x) random(3) backup send-proxy observe layer7 slowstart 30s agent-check agent-port 9 maxqueue compression algo gzip type text/html errorfile 503 /e retry-on stick-table accept-proxy [::]:90 v4v6 monitor-uri unless rewrite maxidle SameSite=Lax virtual_ipaddress_excluded vrrp_sync_group group VG notify notify_master notify_stop track_interface eth1 dev 2001:db8::9/64 2001:db8::11 vrrp_version 2 version auth_type PASS AH auth_hmac notify_fifo /run/f preempt_delay down_timer_adverts interval fall user root script_user killall'.split(
    ' ',
  ),
);
const anyText = fc
  .array(
    fc.oneof(
      fc.array(words, { maxLength: 6 }).map((line) => line.join(' ')),
      fc.string({ maxLength: 20 }),
    ),
    { maxLength: 25 },
  )
  .map((lines) => lines.join('\n'));

const MISSHAPEN: ReadonlySet<string> = new Set(['LB_CONFIG_UNKNOWN_KEY', 'LB_CONFIG_BAD_TYPE']);

test('importConfig() never throws and answers every line, whatever the files hold', () => {
  fc.assert(
    fc.property(
      fc.array(anyText, { maxLength: 2 }),
      fc.array(anyText, { maxLength: 2 }),
      anyText,
      (haproxy, keepalived, sysctl) => {
        const named = (texts: readonly string[], kind: string): ImportSource[] =>
          texts.map((text, index) => ({ file: `${kind}${index}`, text: text.replaceAll('\r', '') }));
        const input = {
          haproxy: named(haproxy, 'h'),
          keepalived: named(keepalived, 'k'),
          sysctl: named([sysctl], 's'),
        };
        const result = importConfig(input);
        const answered = new Set(result.report.map(({ file, line }) => `${file}:${line}`));
        const missing = [
          ...significant(input.haproxy, /^(?:#|(?:""|'')*$)/),
          ...significant(input.keepalived, /^[#!]/),
          ...significant(input.sysctl, /^[#;]/),
        ].filter((place) => !answered.has(place));
        expect(missing).toEqual([]);
        const parsed = parseConfig(result.yaml, { file: 'tospann.yaml' });
        // The new file is always YAML, whatever names the old one had; this one name is refused as a key.
        const syntax = parsed.ok ? [] : parsed.problems.filter(({ code }) => code === 'LB_CONFIG_SYNTAX');
        expect(syntax.filter(({ message }) => !message.includes('__proto__'))).toEqual([]);
        // What is written has the shape of the file, whatever its values are worth.
        const misshapen = parsed.ok ? [] : parsed.problems.filter(({ code }) => MISSHAPEN.has(code));
        expect(misshapen).toEqual([]);
      },
    ),
    { numRuns },
  );
});

const name = fc.constantFrom('a', 'b', 'app', 'x.y-z', 'n'.repeat(70), '-odd/name', '__proto__');
const address = fc.constantFrom(
  '10.0.0.1:80',
  '10.0.0.2:80',
  '10.0.0.1',
  '*:80',
  ':81',
  '[::]:80',
  'unix@/x',
  'web.example:80',
  ':70-72',
);
const line = fc.oneof(
  fc.tuple(
    fc.constantFrom('bind', 'bind'),
    address,
    fc.constantFrom('', 'ssl', 'interface eth0', 'accept-proxy', 'maxconn 5'),
  ),
  fc.tuple(
    fc.constant('server'),
    name,
    address,
    fc.constantFrom(
      '',
      'check',
      'ssl',
      'check inter 1',
      'weight 300',
      'cookie "a b"',
      'cookie c',
      'maxconn 0',
      'backup',
      'disabled',
      'maxqueue 9999999',
    ),
  ),
  fc.tuple(
    fc.constant('acl'),
    name,
    fc.constantFrom(
      'path *',
      'path_beg /a',
      'src 10.0.0.0/255.0.0.0',
      'src x',
      'hdr(X,-1) a',
      'hdr(host) -i a.b',
      'ssl_fc',
      'always_true',
      'path_reg [',
      'method get',
      'dst_port 99999',
      'hdr(X) ""',
      'nbsrv(a) 1',
    ),
  ),
  fc.tuple(
    fc.constantFrom(
      'use_backend',
      'http-request deny',
      'http-request allow',
      'http-request set-header X y',
      'http-request set-header X:',
      'http-request tarpit',
      'http-request return',
      'redirect scheme https',
      'redirect prefix /',
      'redirect location /a b',
      'http-response set-header A b',
      'tcp-request connection reject',
      'tcp-request content accept',
      'http-request auth',
      'reqadd X:\\ y',
      'http-request replace-path /a/(.*) /\\1',
      'http-request set-path x',
      'http-request return status 204 string x',
    ),
    fc.constantFrom(
      '',
      'a',
      'app',
      'if a',
      'unless b',
      'if { path_beg /x } or !a',
      'if !{ ssl_fc }',
      'if { nbsrv(a) 1 }',
      'if x.y-z',
      '%[path,map_beg(/m,app)] if a',
      '%[hdr(host),map_dom(/m)]',
    ),
  ),
  fc.tuple(fc.constantFrom('default_backend', 'use_backend'), name),
  fc.tuple(
    fc.constantFrom(
      'mode http',
      'mode tcp',
      'mode health',
      'option httpchk',
      'option httpchk OPTIONS * HTTP/1.1\\r\\nHost:\\ a',
      'option httpchk get x',
      'http-check expect string ""',
      'http-check expect status 900',
      'http-check expect ! rstatus ^5',
      'http-check send uri x',
      'option tcp-check',
      'tcp-check expect string ""',
      'tcp-check send ""',
      'timeout client 90d',
      'timeout tarpit 9d',
      'timeout tunnel 7d',
      'balance hdr(a b)',
      'balance uri',
      'cookie "a b" insert',
      'cookie S insert maxlife 999d',
      'maxconn 99999999',
      'maxconn 0',
      'stats enable',
      'stats uri /?x',
      'stats http-request deny',
      'errorfile 503 rel',
      'errorfile 403 /x y',
      'compression type x',
      'compression algo gzip',
      'option forwardfor except nonsense',
      'retries 999',
      'monitor-uri x',
      'hash-balance-factor 101',
      'unique-id-header X-Id',
      'default-server ssl',
      'default-server inter 1s',
      'dispatch 10.0.0.9:80',
      'retry-on 503',
      'log global',
    ),
  ),
);
const section = fc.tuple(
  fc.constantFrom('frontend', 'backend', 'listen', 'defaults', 'frontend', 'backend'),
  name,
  fc.constantFrom('', 'from a', '10.0.0.1:80'),
  fc.array(line, { maxLength: 8 }),
);

test('importConfig() leaves nothing that parseConfig() refuses but what a person must fill in', () => {
  fc.assert(
    fc.property(fc.array(section, { minLength: 1, maxLength: 5 }), (sections) => {
      const text = sections
        .map(
          ([keyword, of, more, lines]) =>
            `${keyword} ${of} ${more}\n${lines.map((words) => `  ${words.join(' ')}`).join('\n')}`,
        )
        .join('\n');
      const result = importConfig({
        haproxy: [{ file: 'haproxy.cfg', text: `frontend main\n  mode http\n  bind 127.0.0.9:1\n${text}` }],
        keepalived: [],
        sysctl: [],
        nodeAddresses: { lb1: '10.9.0.1' },
      });
      const parsed = parseConfig(result.yaml, { file: 'tospann.yaml' });
      const refused = parsed.ok ? [] : parsed.problems.filter(({ code }) => code !== 'LB_CONFIG_PLACEHOLDER');
      expect(refused.map(formatProblem)).toEqual([]);
    }),
    { numRuns },
  );
});
