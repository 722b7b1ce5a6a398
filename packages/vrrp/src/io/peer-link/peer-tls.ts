// TLS of the peer link: mutual authentication by a key that both nodes derive from the cluster key (TLS 1.3 PSK with an
// ephemeral exchange; docs/adr/0009). No certificate, no time of day. The identity that a client shows holds a short name
// of its key, so that a node can tell "another cluster key" from everything else that may go wrong.
import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { PSKCallbackNegotation, SecureContextOptions } from 'node:tls';

/** Those of TLS 1.3 with SHA-256: the hash that a PSK given by hand has (RFC 8446 section 4.2.11). */
const ciphers = 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

export const tlsOptions = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers,
} as const satisfies SecureContextOptions;

export class PeerKey {
  readonly #psk: Buffer;
  /** Eight hexadecimal digits that tell keys apart and tell nothing else about them. */
  readonly name: string;

  constructor(clusterKey: Uint8Array) {
    this.#psk = Buffer.from(hkdfSync('sha256', clusterKey, 'tospann', 'vrrp-peer-link', 32));
    this.name = createHash('sha256').update('name\n').update(this.#psk).digest('hex').slice(0, 8);
  }

  /** What a client shows. */
  client(): PSKCallbackNegotation {
    return { psk: this.#psk, identity: `tospann-1 ${this.name}` };
  }

  /**
   * What a server takes.
   *
   * @returns The key; for another identity one that nobody has, so that every handshake with a wrong key ends alike.
   */
  server(identity: string): { readonly psk: Buffer; readonly otherKey: string | undefined } {
    const shown = /^tospann-1 ([0-9a-f]{8})$/.exec(identity)?.[1];
    if (shown === this.name) return { psk: this.#psk, otherKey: undefined };
    return { psk: randomBytes(32), otherKey: shown };
  }
}

/** Does a client's error mean that the server has another key? The alerts of a PSK binder that does not verify. */
export function saysOtherKey(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return /^ERR_SSL_.*(DECRYPT_ERROR|ILLEGAL_PARAMETER|UNKNOWN_PSK_IDENTITY)$/.test(code);
}
