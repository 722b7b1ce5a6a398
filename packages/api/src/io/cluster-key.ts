// The cluster key: 32 random bytes that both nodes share; the console's token and the proofs of the peer link are
// derived from it, so it never travels. Synchronous: used at start and by the command line.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { placeSecretFile, readSecretFile } from './atomic-file.ts';

/** The key and where it is kept; `created` when this call made it. */
export interface ClusterKey {
  readonly key: Buffer;
  readonly file: string;
  readonly created: boolean;
}

/**
 * Reads `<state-dir>/cluster.key` (64 hexadecimal digits), or makes it (mode 0600) when it is not there. Two
 * processes that come at once get the same key.
 *
 * @throws {TospannError} LB_API_STATE_FILE, LB_API_CLUSTER_KEY_INVALID.
 */
export function readOrCreateClusterKey(stateDir: string): ClusterKey {
  const file = join(stateDir, 'cluster.key');
  const present = readSecretFile(file);
  if (present !== undefined) return { key: decodeKey(file, present), file, created: false };
  const key = randomBytes(32);
  if (placeSecretFile(file, `${key.toString('hex')}\n`, 'keep-first')) return { key, file, created: true };
  return { key: decodeKey(file, readSecretFile(file) ?? ''), file, created: false };
}

/** Makes the token of the console and of API clients: the same on both nodes, 43 characters of base64url. */
export function consoleToken(clusterKey: Buffer): string {
  return createHmac('sha256', clusterKey).update('console').digest('base64url');
}

/** Makes the key of the peer link: of no use for the console, nor the token for the link. */
export function peerLinkKey(clusterKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', clusterKey, 'tospann', 'peer-link', 32));
}

function decodeKey(file: string, text: string): Buffer {
  const digits = text.trim();
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new TospannError('LB_API_CLUSTER_KEY_INVALID', { file, found: digits.length });
  }
  return Buffer.from(digits, 'hex');
}

/**
 * Reads or makes the cluster key for a process that must live without one: where the disk gives none and takes none, the key is
 * one that nobody else has, so that links and tokens are refused while everything else serves.
 *
 * @param problem Told why.
 */
export function loadClusterKey(stateDir: string, problem: (error: unknown) => void): Buffer {
  try {
    return readOrCreateClusterKey(stateDir).key;
  } catch (error) {
    problem(error);
    return randomBytes(32);
  }
}
