// The keys of authenticated adverts: read from their files, or derived from the cluster key. Not their use
// (advert-proof.ts). Side effects: reads files, at start and at a reload.
import { readFileSync, statSync } from 'node:fs';
import { hkdfSync } from 'node:crypto';
import { groupsOf, type AdvertKeyConfig, type PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import type { AdvertKey, AdvertKeys } from './advert-proof.ts';

/** The bounds that keepalived has too: 32 bytes leave a margin of 128 bits against any search. */
const keyBytes = { least: 32, most: 64 } as const;

/**
 * The keys of every election that signs its adverts.
 *
 * @param clusterKey For keys without a file: both nodes derive the same one.
 * @throws {TospannError} LB_VRRP_KEY_UNUSABLE: a file cannot be read, is readable by others, or holds no key.
 */
export function resolveAdvertKeys(config: PairConfig, clusterKey: Uint8Array | undefined): AdvertKeys {
  const keys: Record<string, readonly AdvertKey[]> = {};
  for (const { name, auth } of groupsOf(config)) {
    if (auth.type !== 'hmac') continue;
    keys[name] = auth.keys.map((key) => ({ id: key.id, secret: secretOf(key, { group: name, clusterKey }) }));
  }
  return keys;
}

function secretOf(
  { id, file }: AdvertKeyConfig,
  { group, clusterKey }: { readonly group: string; readonly clusterKey: Uint8Array | undefined },
): Uint8Array {
  if (file !== undefined) return readKey(file, { group, id });
  if (clusterKey === undefined) throw unusable({ group, id }, 'it has no file, and there is no cluster key');
  // One key for each id, so that a new id rotates the key; bound to its purpose by the label.
  return new Uint8Array(hkdfSync('sha256', clusterKey, 'tospann', `vrrp-advert-${id}`, keyBytes.least));
}

interface KeyName {
  readonly group: string;
  readonly id: number;
}

/** `hex:` and digits, as keepalived writes them, bare hexadecimal digits, or text taken as its bytes. */
function readKey(file: string, name: KeyName): Uint8Array {
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw unusable(name, `${file} can be read by others: chmod 600 ${file}`);
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof TospannError) throw error;
    throw unusable(name, `${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  const digits = /^(?:hex:)?([0-9a-f]*)$/i.exec(text)?.[1];
  const bytes = digits === undefined ? Buffer.from(text, 'utf8') : Buffer.from(digits, 'hex');
  if (
    bytes.length < keyBytes.least ||
    bytes.length > keyBytes.most ||
    (digits !== undefined && digits.length % 2 === 1)
  )
    throw unusable(name, `${file} must hold 32 to 64 bytes: it holds ${bytes.length}`);
  return new Uint8Array(bytes);
}

function unusable({ group, id }: KeyName, detail: string): TospannError {
  return new TospannError('LB_VRRP_KEY_UNUSABLE', { group, id, detail });
}
