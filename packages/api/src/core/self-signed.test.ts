// The certificate that is written, as OpenSSL reads it (through node:crypto), and DER at its edges.
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { integer, oid, octetString, sequence, time } from './der.ts';
import { addressBytes, selfSigned, type CertificateFacts } from './self-signed.ts';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function made(overrides: Partial<CertificateFacts> = {}): X509Certificate {
  const facts = {
    serial: randomBytes(16),
    commonName: 'lb1',
    organization: 'Tospann',
    dnsNames: ['lb1'],
    addresses: ['10.10.0.11', '2001:db8::1', '::ffff:192.0.2.7'],
    notBefore: '2026-11-30T00:00:00.000Z',
    notAfter: '2036-11-27T01:02:03.000Z',
    publicKey: keys.publicKey.export({ type: 'spki', format: 'der' }),
    ...overrides,
  };
  return new X509Certificate(selfSigned(facts, (bytes) => sign('sha256', bytes, keys.privateKey)));
}

test('selfSigned() makes what OpenSSL reads, with every name, and its signature holds', () => {
  const certificate = made();
  expect(certificate.verify(keys.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(keys.privateKey)).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.subject).toBe('CN=lb1\nO=Tospann');
  expect(certificate.issuer).toBe(certificate.subject);
  expect(certificate.checkHost('lb1')).toBe('lb1');
  for (const address of ['10.10.0.11', '2001:db8::1', '2001:db8:0:0:0:0:0:1'])
    expect(certificate.checkIP(address), address).toBeDefined();
  expect(certificate.checkIP('10.10.0.12')).toBeUndefined();
  expect(Date.parse(certificate.validFrom)).toBe(Date.UTC(2026, 10, 30));
  expect(Date.parse(certificate.validTo)).toBe(Date.UTC(2036, 10, 27, 1, 2, 3));
  expect(Date.parse(made({ notAfter: '2051-01-01T00:00:00.000Z' }).validTo)).toBe(Date.UTC(2051, 0, 1));
});

test('selfSigned() holds for any names, addresses and serial numbers', () => {
  const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/);
  const addresses = fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 12 });
  fc.assert(
    fc.property(name, addresses, fc.uint8Array({ minLength: 1, maxLength: 19 }), (commonName, list, tail) => {
      const serial = Uint8Array.of(1, ...tail);
      const certificate = made({ commonName, dnsNames: [commonName], addresses: list, serial });
      expect(certificate.verify(keys.publicKey)).toBe(true);
      expect(certificate.serialNumber.toLowerCase()).toBe(hex(serial));
      expect(certificate.checkHost(commonName)).toBe(commonName);
      for (const address of list) expect(certificate.checkIP(address), address).toBeDefined();
    }),
    { numRuns: 60 },
  );
});

test('lengths, integers, identifiers and times are written in the one form that DER allows', () => {
  expect(hex(octetString(new Uint8Array(127))).slice(0, 4)).toBe('047f');
  expect(hex(octetString(new Uint8Array(128))).slice(0, 6)).toBe('048180');
  expect(hex(octetString(new Uint8Array(300))).slice(0, 8)).toBe('0482012c');
  expect(hex(integer(Uint8Array.of(0, 0, 127)))).toBe('02017f');
  expect(hex(integer(Uint8Array.of(128)))).toBe('02020080');
  expect(hex(integer(Uint8Array.of(0)))).toBe('020100');
  expect(hex(oid('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
  expect(hex(sequence())).toBe('3000');
  expect(Buffer.from(time('2049-12-31T23:59:59.000Z')).toString('latin1').slice(2)).toBe('491231235959Z');
  expect(Buffer.from(time('2050-01-01T00:00:00.000Z')).toString('latin1').slice(2)).toBe('20500101000000Z');
  expect(hex(addressBytes('::'))).toBe('00'.repeat(16));
  expect(hex(addressBytes('::ffff:192.0.2.7'))).toBe(`${'00'.repeat(10)}ffffc0000207`);
});
