// The metrics text: every promised name is there, and the text agrees with itself as Prometheus reads it.
import { expect, test } from 'vitest';
import { node, peer, vip } from '../../test/fixture.ts';
import { writeExposition } from '../io/exposition.ts';
import { metricFamilies } from './metrics.ts';

const host = { conntrackEntries: 12, conntrackLimit: 262_144, cpuStealRatio: 0.01, cpuBusyRatio: 0.4 };
const plain = node('lb1', 'master', { host });
const queues = plain.proxy!.backends.map((backend) => ({
  ...backend,
  queued: 5,
  servers: backend.servers.map((one) => ({ ...one, queued: 2 })),
}));
const lb1 = { ...plain, proxy: { ...plain.proxy!, backends: queues } };
const text = await writeExposition(metricFamilies(lb1, peer(node('lb2', 'backup'))));

test.each([
  'tospann_build_info{version="0.1.0",node="lb1"} 1',
  `tospann_config_revision_info{hash="${'ab'.repeat(32)}"} 1`,
  'tospann_frontend_http_requests_total{proxy="main"} 2000',
  'tospann_frontend_http_responses_total{proxy="main",code="5xx"} 2',
  'tospann_frontend_request_errors_total{proxy="main",reason="LB_TRAFFIC_BAD_HEAD"} 3',
  'tospann_backend_http_responses_total{proxy="app",code="2xx"} 1980',
  'tospann_backend_connection_errors_total{proxy="app"} 4',
  'tospann_backend_active_servers{proxy="app"} 2',
  'tospann_server_status{proxy="app",server="web1",state="up"} 1',
  'tospann_server_status{proxy="app",server="web1",state="down"} 0',
  'tospann_server_current_sessions{proxy="app",server="web2"} 3',
  'tospann_server_current_queue{proxy="app",server="web1"} 2',
  'tospann_backend_current_queue{proxy="app"} 5',
  'tospann_server_check_failures_total{proxy="app",server="web1"} 4',
  'tospann_http_request_duration_seconds_bucket{le="0.01"} 1900',
  'tospann_http_request_duration_seconds_bucket{le="+Inf"} 2000',
  'tospann_http_request_duration_seconds_count 2000',
  'tospann_server_response_time_seconds_total{proxy="app",server="web1"} 12',
  'tospann_backend_response_time_seconds_bucket{proxy="app",le="0.01"} 1800',
  'tospann_backend_response_time_seconds_bucket{proxy="app",le="+Inf"} 2000',
  'tospann_backend_response_time_seconds_sum{proxy="app"} 24',
  'tospann_vrrp_state{vip="public",state="master"} 1',
  'tospann_vrrp_state{vip="public",state="backup"} 0',
  'tospann_vrrp_transitions_total{vip="public"} 3',
  'tospann_vrrp_advert_age_seconds{vip="public"} 0.4',
  'tospann_vrrp_adverts_dropped_total{vip="public",reason="bad-checksum"} 2',
  'tospann_child_restarts_total{child="admin"} 2',
  'tospann_peer_up{peer="lb2"} 1',
  'tospann_conntrack_entries 12',
  'tospann_conntrack_limit 262144',
  'tospann_cpu_steal_ratio 0.01',
])('writeExposition() has %s', (line) => {
  expect(text.split('\n')).toContain(line);
});

test('writeExposition() agrees with itself: one HELP and TYPE before the samples, no sample twice', () => {
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const seen = new Set<string>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind = '', name = '', rest = ''] = comment;
      expect((kind === 'HELP' ? helped : types).has(name), line).toBe(false);
      if (kind === 'HELP') helped.add(name);
      else types.set(name, rest);
      continue;
    }
    const sample = /^([a-z_]+)(\{(?:[a-z]+="[^"]*",?)*\})? (-?[\d.e+-]+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = ''] = sample ?? [];
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    expect(helped.has(family), line).toBe(true);
    expect(name.endsWith('_total'), line).toBe(types.get(family) === 'counter');
    const key = line.slice(0, line.lastIndexOf(' '));
    expect(seen.has(key), line).toBe(false);
    seen.add(key);
  }
  expect([...types.keys()].every((name) => name.startsWith('tospann_'))).toBe(true);
});

test('metricFamilies() leaves out what does not answer instead of telling zeros', () => {
  const { proxy: _proxy, vrrp: _vrrp, ...rest } = lb1;
  const names = metricFamilies({ ...rest, host: {} }).map((family) => family.name);
  expect(names.filter((name) => /frontend|server|vrrp|conntrack|peer/.test(name))).toEqual([]);
  expect(names).toContain('tospann_child_up');
  const silent = { ...lb1, vrrp: lb1.vrrp && { ...lb1.vrrp, vips: [vip('backup', { lastAdvertAgeMs: -1 })] } };
  expect(metricFamilies(silent).map((family) => family.name)).not.toContain('tospann_vrrp_advert_age_seconds');
});

test('metricFamilies() never carries an address in a label', () => {
  expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
});

test('writeExposition() escapes what breaks a line', async () => {
  const strange = { ...lb1, version: 'a"b\nc\\d' };
  expect(await writeExposition(metricFamilies(strange))).toContain(String.raw`version="a\"b\nc\\d"`);
});
