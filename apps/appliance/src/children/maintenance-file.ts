// The file that keeps a node in maintenance over restarts and reboots. That it is there is the fact; what is in it says since
// when and why. Written whole and synced before anything moves.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { placeSecretFile, readSecretFile } from '@tospann/api';

const FILE = 'maintenance.json';

/** Since when a node is in maintenance, and why. */
export interface Maintenance {
  /** ISO 8601 in UTC; empty when the file does not tell. */
  readonly since: string;
  readonly reason: string;
}

/** Reads it; undefined: no maintenance. A file that cannot be read is one: an address is not taken by mistake. */
export function readMaintenance(stateDir: string): Maintenance | undefined {
  const file = join(stateDir, FILE);
  try {
    const text = readSecretFile(file);
    return text === undefined ? undefined : decode(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { since: '', reason: `"${file}" cannot be read: ${detail}` };
  }
}

/** Keeps it; on the disk when this returns. @throws {TospannError} LB_API_STATE_FILE. */
export function keepMaintenance(stateDir: string, maintenance: Maintenance): void {
  placeSecretFile(join(stateDir, FILE), `${JSON.stringify(maintenance)}\n`, 'replace');
}

/** Forgets it. */
export function forgetMaintenance(stateDir: string): void {
  rmSync(join(stateDir, FILE), { force: true });
}

function decode(text: string): Maintenance {
  const found: unknown = JSON.parse(text);
  const part = (key: string): unknown =>
    typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  const since = part('since');
  const reason = part('reason');
  return {
    since: typeof since === 'string' ? since : '',
    reason: typeof reason === 'string' ? reason : '',
  };
}
