// Proofs of the peer link: HMACs that bind a request and its answer to both nodes' names, to a fresh nonce, to the
// time and to the certificate that TLS has shown. A middleman with a certificate of its own can pass neither on.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Names of the header fields. */
export const peerFields = {
  from: 'x-tospann-from',
  to: 'x-tospann-to',
  timeMs: 'x-tospann-time',
  nonce: 'x-tospann-nonce',
  proof: 'x-tospann-proof',
} as const;

/** What a request's proof covers. `fingerprint` is of the server's certificate, lower-case hex. */
export interface PeerRequest {
  readonly method: string;
  readonly path: string;
  readonly from: string;
  readonly to: string;
  readonly timeMs: number;
  readonly nonce: string;
  readonly fingerprint: string;
  readonly body: string;
}

/** What an answer's proof covers, beside the nonce and the fingerprint of its request. */
export interface PeerAnswer {
  readonly nonce: string;
  readonly fingerprint: string;
  readonly status: number;
  readonly body: string;
}

/** Makes a nonce of 16 random bytes. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** Signs a request. */
export function proveRequest(key: Buffer, request: PeerRequest): string {
  const { method, path, from, to, timeMs, nonce, fingerprint, body } = request;
  return sign(key, ['request', method, path, from, to, String(timeMs), nonce, fingerprint, hash(body)]);
}

/** Signs an answer. */
export function proveAnswer(key: Buffer, answer: PeerAnswer): string {
  return sign(key, ['answer', answer.nonce, answer.fingerprint, String(answer.status), hash(answer.body)]);
}

/** Compares two proofs in constant time. */
export function sameProof(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Parts are given with their lengths, so that no two lists of parts look the same. */
function sign(key: Buffer, parts: readonly string[]): string {
  const mac = createHmac('sha256', key).update('tospann-peer-1\n');
  for (const part of parts) mac.update(`${Buffer.byteLength(part)}:${part}\n`);
  return mac.digest('base64url');
}

function hash(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('base64url');
}
