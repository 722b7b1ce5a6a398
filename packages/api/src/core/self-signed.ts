// A self-signed certificate (RFC 5280) for a node: ECDSA with SHA-256 on P-256, its names in subjectAltName, nothing else. Pure:
// keys, randomness and the signature come in. Written here because the libraries that could do it bring fifteen packages
// into the process that holds the cluster's key.
import { bitString, explicit, implicit, integer, octetString, oid, sequence, setOf, time, utf8String } from './der.ts';

/** What the certificate says. */
export interface CertificateFacts {
  /** At most 20 bytes, not all zero. */
  readonly serial: Uint8Array;
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  /** IPv4 and IPv6 literals without zone. */
  readonly addresses: readonly string[];
  /** ISO 8601 in UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

const Oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectAltName: '2.5.29.17',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;
/** Version 3 is written as 2. */
const VERSION_3 = Uint8Array.of(2);
/** GeneralName choices. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/**
 * Makes the certificate in DER.
 *
 * @param sign Signs with the private key: ECDSA over SHA-256, the signature in DER.
 */
export function selfSigned(facts: CertificateFacts, sign: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const algorithm = sequence(oid(Oid.ecdsaWithSha256));
  const name = sequence(attribute(Oid.commonName, facts.commonName), attribute(Oid.organization, facts.organization));
  const names = sequence(
    ...facts.dnsNames.map((dns) => implicit(DNS_NAME, new TextEncoder().encode(dns))),
    ...facts.addresses.map((address) => implicit(IP_ADDRESS, addressBytes(address))),
  );
  const toBeSigned = sequence(
    explicit(0, integer(VERSION_3)),
    integer(facts.serial),
    algorithm,
    name,
    sequence(time(facts.notBefore), time(facts.notAfter)),
    name,
    facts.publicKey,
    explicit(3, sequence(sequence(oid(Oid.subjectAltName), octetString(names)))),
  );
  return sequence(toBeSigned, algorithm, bitString(sign(toBeSigned)));
}

function attribute(type: string, text: string): Uint8Array {
  return setOf(sequence(oid(type), utf8String(text)));
}

/** The 4 or 16 bytes of an address. */
export function addressBytes(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.from(address.split('.').map(Number));
  // An IPv4 tail is two groups.
  const text = address.replace(/[^:]+\.[^:]+$/, (tail) => {
    const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [left = '', right] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: right === undefined ? 0 : 8 - head.length - tail.length }, () => '0');
  return Uint8Array.from(
    [...head, ...zeros, ...tail].flatMap((group) => {
      const number = Number.parseInt(group, 16);
      return [number >> 8, number & 255];
    }),
  );
}
