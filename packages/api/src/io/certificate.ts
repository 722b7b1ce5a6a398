// The node's own TLS certificate: self-signed, made at the first start and kept, key and certificate in one file so
// that they always belong together. Nobody has to trust it by its issuer: the peer link binds itself to its
// fingerprint, and the operator's browser asks once.
import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { selfSigned } from '../core/self-signed.ts';
import { placeSecretFile, readSecretFile } from './atomic-file.ts';

/** Key and certificate as PEM, and the SHA-256 fingerprint of the certificate in lower-case hex. */
export interface NodeCertificate {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly fingerprint: string;
  /** Why a new one was made; absent when the kept one serves. */
  readonly renewedBecause?: string;
}

export interface CertificateOptions {
  readonly stateDir: string;
  readonly nodeName: string;
  /** Addresses that browsers use for this node. */
  readonly addresses: readonly string[];
  readonly nowMs: number;
}

const dayMs = 86_400_000;
// Ten years: nobody renews by hand on an appliance, and no trust depends on the dates (see the file's head).
const lifetimeMs = 3650 * dayMs;
const renewBeforeMs = 60 * dayMs;

/**
 * Reads `<state-dir>/admin-tls.pem`, or makes it when it is missing, broken, about to expire or lacks an address. Where it cannot be
 * kept it serves for this life of the process.
 */
export function readOrCreateCertificate(options: CertificateOptions): NodeCertificate {
  const file = join(options.stateDir, 'admin-tls.pem');
  const kept = tryToRead(file);
  const checked = kept === undefined ? 'there was none' : checkKept(kept, options);
  if (typeof checked !== 'string') return checked;
  const pem = generate(options);
  const unkept = tryToKeep(file, pem);
  const made = checkKept(pem, options);
  if (typeof made === 'string') throw new Error(`the new certificate is not usable: ${made}`);
  return { ...made, renewedBecause: unkept === '' ? checked : `${checked}; it cannot be kept: ${unkept}` };
}

/** What cannot be read is made anew. */
function tryToRead(file: string): string | undefined {
  try {
    return readSecretFile(file);
  } catch {
    return undefined;
  }
}

/** A disk that takes nothing costs the certificate at the next start, not the console now. Returns why; empty: it is kept. */
function tryToKeep(file: string, pem: string): string {
  try {
    placeSecretFile(file, pem, 'replace');
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Returns the certificate, or the reason why it does not serve. */
function checkKept(pem: string, options: CertificateOptions): NodeCertificate | string {
  const keyPem = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n/.exec(pem)?.[0];
  const certificatePem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/.exec(pem)?.[0];
  if (keyPem === undefined || certificatePem === undefined) return 'the file was broken';
  try {
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return 'key and certificate did not match';
    if (Date.parse(certificate.validTo) - options.nowMs < renewBeforeMs) return 'it was about to expire';
    const missing = options.addresses.find(
      (address) => isIP(address) !== 0 && certificate.checkIP(address) === undefined,
    );
    if (missing !== undefined) return `it lacked the address ${missing}`;
    if (certificate.checkHost(options.nodeName) === undefined) return `it lacked the name ${options.nodeName}`;
    return { keyPem, certificatePem, fingerprint: plainFingerprint(certificate.fingerprint256) };
  } catch {
    return 'the file was broken';
  }
}

/** Brings a fingerprint such as `AB:CD` to lower-case hex without colons. */
export function plainFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

function generate(options: CertificateOptions): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const addresses = [...new Set([...options.addresses, '127.0.0.1'])].filter((address) => isIP(address) !== 0);
  const certificate = selfSigned(
    {
      serial: Buffer.concat([Buffer.of(1), randomBytes(15)]),
      commonName: options.nodeName,
      organization: 'Tospann',
      dnsNames: [options.nodeName],
      addresses,
      // A clock that is a little behind elsewhere must not refuse a new certificate.
      notBefore: new Date(options.nowMs - dayMs).toISOString(),
      notAfter: new Date(options.nowMs + lifetimeMs).toISOString(),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    },
    (bytes) => sign('sha256', bytes, privateKey),
  );
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return `${key}${new X509Certificate(certificate).toString()}`;
}
