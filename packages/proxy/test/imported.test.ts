// From the text of an old haproxy.cfg to what becomes of requests: the importer, the file format and the engine must
// mean the same. What HAProxy does with these lines is what is expected here.
import { importConfig, parseConfig, type PairConfig } from '@tospann/config';
import { expect, it } from 'vitest';
import { EngineBench } from './engine-bench.ts';
import { answer, fate, forwarded, get } from './rules-bench.ts';

const OLD = String.raw`
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
frontend shop
    bind *:80
    monitor-uri /alive
    acl static path_beg -i /static/ /images/
    acl static path_end .css
    acl www hdr(host) -i shop.test
    acl old hdr_dom(host) -i old.test
    acl admin path_beg /admin
    acl office src 192.0.2.0/24
    acl bots hdr_sub(User-Agent) -i badbot
    acl beta cook(beta) -m found
    acl debug url_param(debug) 1 true
    acl versioned path_reg ^/v[0-9]+/
    acl writes method POST PUT
    http-request deny if admin !office
    http-request deny deny_status 404 if { path_dir .git }
    http-request deny deny_status 429 unless www or old or { hdr(host) -m end .test }
    http-request silent-drop if bots
    http-request del-header X-Internal
    http-request set-header X-Client "%[src] %[method] 5$"
    http-request add-header X-Debug on if debug or beta
    http-request replace-path ^/v1/(.*) /\1
    http-request return status 200 content-type text/plain string "User-agent: *" if { path /robots.txt }
    redirect prefix http://shop.test code 301 if old
    http-response set-header X-Frame-Options DENY
    http-response del-header Server
    use_backend files if static
    use_backend writers if writes versioned
    default_backend app
backend app
    http-request set-header X-Pool app
    server app1 10.0.0.1:80
backend writers
    server rw1 10.0.0.2:80
backend files
    http-request set-header X-Pool files
    server files1 10.0.0.3:80
`;

function imported(): PairConfig {
  const { yaml } = importConfig({
    haproxy: [{ file: 'haproxy.cfg', text: OLD }],
    keepalived: [],
    sysctl: [],
    nodeAddresses: { lb1: '10.0.1.1' },
  });
  const result = parseConfig(yaml.replace('FILL-IN-interface-of-lb1', 'eth0'), { file: 'imported.yaml' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const config = imported();
const bench = (): EngineBench => new EngineBench({ flags: ['no-forwarded'], configure: () => config });

it.each<[string, string, string | undefined]>([
  [get('/'), 'app1', undefined],
  [get('/STATIC/a'), 'files1', undefined],
  [get('/a.css'), 'files1', undefined],
  [get('/a.CSS'), 'app1', undefined],
  ['POST /v2/x HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n', 'rw1', undefined],
  [get('/v2/x'), 'app1', undefined],
  [get('/admin'), 'app1', '192.0.2.9'],
  [get('/admin'), '403', '198.51.100.9'],
  [get('/a/.git/config'), '404', undefined],
  [get('/a.git'), 'app1', undefined],
  ['GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n', '429', undefined],
  ['GET / HTTP/1.1\r\nHost: www.old.test\r\n\r\n', '301', undefined],
  [get('/alive'), '200', undefined],
  [get('/robots.txt'), '200', undefined],
  [get('/', 'User-Agent: a BadBot\r\n'), 'nothing', undefined],
])('an imported file does with %j what HAProxy did: %s', (request, expected, address) => {
  expect(fate(bench(), request, address)).toBe(expected);
});

it('an imported file changes requests as HAProxy did', () => {
  const head = forwarded(bench(), get('/v1/users?debug=1', 'X-Internal: forged\r\n'), '192.0.2.9');
  expect(head).toMatch(/^GET \/users\?debug=1 HTTP\/1\.1\r\n/);
  expect(head).toContain('\r\nX-Client: 192.0.2.9 GET 5$\r\n');
  expect(head).toContain('\r\nX-Debug: on\r\n');
  expect(head).toContain('\r\nX-Pool: app\r\n');
  expect(head).not.toContain('forged');
  const other = forwarded(bench(), get('/static/a'));
  expect(other).toContain('\r\nX-Pool: files\r\n');
  expect(other).not.toContain('X-Debug');
});

it('an imported file changes answers as HAProxy did', () => {
  const text = answer(bench(), get('/'), 'HTTP/1.1 200 OK\r\nServer: x/1\r\nContent-Length: 2\r\n\r\nok');
  expect(text).toContain('\r\nX-Frame-Options: DENY\r\n');
  expect(text).not.toContain('Server:');
  expect(answer(bench(), 'GET /a?b=1 HTTP/1.1\r\nHost: old.test\r\n\r\n')).toContain(
    '\r\nLocation: http://shop.test/a?b=1\r\n',
  );
});
