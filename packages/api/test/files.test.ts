// The node's secret files: made once, never half-written, never readable by others, kept when good, replaced when not.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { consoleToken, readOrCreateClusterKey } from '../src/index.ts';
import { readOrCreateCertificate } from '../src/io/certificate.ts';
import { placeSecretFile } from '../src/io/atomic-file.ts';
import { HostSampler } from '../src/io/host-sampler.ts';
import { peerLinkKey } from '../src/io/cluster-key.ts';

let stateDir = '';
beforeEach(() => (stateDir = mkdtempSync(join(tmpdir(), 'tospann-files-'))));
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const nowMs = Date.UTC(2026, 10, 22);
const certificate = (overrides: object = {}) =>
  readOrCreateCertificate({ stateDir, nodeName: 'lb1', addresses: ['10.10.0.11'], nowMs, ...overrides });

test('readOrCreateClusterKey() makes one key with mode 0600, in a directory that it makes, and reads it again', () => {
  const deep = join(stateDir, 'a', 'b');
  const first = readOrCreateClusterKey(deep);
  expect(first).toMatchObject({ created: true, file: join(deep, 'cluster.key') });
  expect(statSync(first.file).mode & 0o777).toBe(0o600);
  const second = readOrCreateClusterKey(deep);
  expect(second.created).toBe(false);
  expect(second.key.equals(first.key)).toBe(true);
  expect(readdirSync(deep)).toEqual(['cluster.key']);
});

test.each(['', 'abc', 'zz'.repeat(32), 'ab'.repeat(33)])(
  'readOrCreateClusterKey() refuses a broken key %.10s and keeps it',
  (text) => {
    const file = join(stateDir, 'cluster.key');
    writeFileSync(file, text);
    expect(() => readOrCreateClusterKey(stateDir)).toThrow(
      expect.objectContaining({ code: 'LB_API_CLUSTER_KEY_INVALID' }),
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
  },
);

test('readOrCreateClusterKey() says which file it could not use', () => {
  writeFileSync(join(stateDir, 'file'), '');
  const make = (): unknown => readOrCreateClusterKey(join(stateDir, 'file'));
  expect(make).toThrow(expect.objectContaining({ code: 'LB_API_STATE_FILE' }));
});

test('placeSecretFile() with keep-first loses against the file that is there', () => {
  const file = join(stateDir, 'x');
  expect(placeSecretFile(file, 'one', 'keep-first')).toBe(true);
  expect(placeSecretFile(file, 'two', 'keep-first')).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe('one');
  expect(placeSecretFile(file, 'three', 'replace')).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('three');
});

test('token and link key follow from the cluster key and not from each other', () => {
  const key = Buffer.alloc(32, 1);
  expect(consoleToken(key)).toMatch(/^[\w-]{43}$/);
  expect(consoleToken(key)).toBe(consoleToken(Buffer.from(key)));
  expect(consoleToken(key)).not.toBe(consoleToken(Buffer.alloc(32, 2)));
  expect(peerLinkKey(key).toString('base64url')).not.toBe(consoleToken(key));
});

test('readOrCreateCertificate() makes a certificate for the names and keeps it', async () => {
  const made = certificate();
  const parsed = new X509Certificate(made.certificatePem);
  expect(parsed.subjectAltName).toBe('DNS:lb1, IP Address:10.10.0.11, IP Address:127.0.0.1');
  expect(made.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(join(stateDir, 'admin-tls.pem')).mode & 0o777).toBe(0o600);
  const kept = certificate();
  expect(kept).toEqual({ keyPem: made.keyPem, certificatePem: made.certificatePem, fingerprint: made.fingerprint });
});

test.each([
  ['half-written', (pem: string) => pem.slice(0, 300)],
  [
    'garbage',
    () =>
      '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
  ],
])('readOrCreateCertificate() replaces a %s file', async (_name, change) => {
  const first = certificate();
  const file = join(stateDir, 'admin-tls.pem');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  const again = certificate();
  expect(again.renewedBecause).toBe('the file was broken');
  expect(again.fingerprint).not.toBe(first.fingerprint);
});

test('readOrCreateCertificate() makes a new one for a new address, a new name, a foreign key and before the end', async () => {
  const first = certificate();
  expect(certificate({ addresses: ['10.10.0.99'] }).renewedBecause).toBe('it lacked the address 10.10.0.99');
  expect(certificate({ nodeName: 'lb2' }).renewedBecause).toBe('it lacked the address 10.10.0.11');
  expect(certificate({ nodeName: 'lb3' }).renewedBecause).toBe('it lacked the name lb3');
  const eleven = nowMs + 3650 * 86_400_000;
  expect(certificate({ nodeName: 'lb3', nowMs: eleven }).renewedBecause).toBe('it was about to expire');
  writeFileSync(join(stateDir, 'admin-tls.pem'), first.keyPem + certificate().certificatePem);
  expect(certificate().renewedBecause).toBe('key and certificate did not match');
});

test('HostSampler reads ratios between two samples and leaves out what is not there', () => {
  let now = 0;
  const files: Record<string, string> = { '/proc/stat': 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1\n' };
  const host = new HostSampler({ nowMs: () => now, read: (path) => files[path] });
  expect(host.sample()).toEqual({});
  now = 5000;
  files['/proc/stat'] = 'cpu  140 0 110 1040 10 0 0 100 0 0\n';
  files['/proc/sys/net/netfilter/nf_conntrack_count'] = '17\n';
  files['/proc/sys/net/netfilter/nf_conntrack_max'] = '262144\n';
  expect(host.sample()).toEqual({
    conntrackEntries: 17,
    conntrackLimit: 262_144,
    cpuStealRatio: 0.25,
    cpuBusyRatio: 0.375,
  });
  now = 6000;
  files['/proc/stat'] = 'garbage';
  expect(host.sample()).toMatchObject({ cpuStealRatio: 0.25 });
  now = 9000;
  expect(host.sample()).toEqual({ conntrackEntries: 17, conntrackLimit: 262_144 });
});
