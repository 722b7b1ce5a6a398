// What operators want of servers, as it is kept over restarts: a pure table and its text form. The text carries a
// checksum: what does not hold is never taken for settings. A server that has left the configuration keeps its entry
// for a day, so that a rollback finds it as it was; then the entry goes.
import type { PairConfig } from '@tospann/config';
import type { ServerOrder } from '@tospann/proxy';

const KEPT_WITHOUT_SERVER_MS = 86_400_000;
/** Far more than a file that we wrote can have. */
const MAX_ENTRIES = 100_000;

/** One server that is not simply as configured. */
export interface ServerSettingEntry {
  readonly backend: string;
  readonly server: string;
  readonly state: 'ready' | 'drain' | 'maint';
  readonly weight?: number;
  /** Wall clock: when the server was first missing from the configuration. */
  readonly missingSinceMs?: number;
}
export type ServerSettings = readonly ServerSettingEntry[];

/** SHA-256 of a text, in hex. */
export type Digest = (text: string) => string;

/** Takes an order; a server that is ready with its configured weight needs no entry. */
export function withOrder(settings: ServerSettings, order: ServerOrder): ServerSettings {
  const isIt = (one: ServerSettingEntry): boolean => one.backend === order.backend && one.server === order.server;
  const before = settings.find(isIt);
  const weight = order.weight === undefined ? before?.weight : (order.weight ?? undefined);
  const state = order.state ?? before?.state ?? 'ready';
  const others = settings.filter((one) => !isIt(one));
  if (state === 'ready' && weight === undefined) return others;
  const { backend, server } = order;
  return [...others, { backend, server, state, ...(weight === undefined ? {} : { weight }) }];
}

/** Drops entries of servers that the configuration has not had for a day. */
export function pruned(settings: ServerSettings, config: Pick<PairConfig, 'backends'>, wallMs: number): ServerSettings {
  const known = new Set(config.backends.flatMap((b) => b.servers.map((s) => `${b.name}/${s.name}`)));
  return settings.flatMap(({ missingSinceMs, ...one }) => {
    if (known.has(`${one.backend}/${one.server}`)) return [one];
    const since = missingSinceMs ?? wallMs;
    return wallMs - since > KEPT_WITHOUT_SERVER_MS ? [] : [{ ...one, missingSinceMs: since }];
  });
}

/** The text of the file. `sha256` of a text, in hex, is the caller's. */
export function writeSettings(settings: ServerSettings, sha256: Digest): string {
  const content = { version: 1, sha256: sha256(covered(settings)), servers: settings };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** Reads the text of the file; or says why it is none, in words. */
export function readSettings(
  text: string,
  sha256: Digest,
): { readonly settings: ServerSettings } | { readonly fault: string } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { fault: text.trim() === '' ? 'it is empty' : 'it is not whole' };
  }
  if (!isFile(content)) return { fault: 'it has another form' };
  const { servers } = content;
  return sha256(covered(servers)) === content.sha256
    ? { settings: servers }
    : { fault: 'its checksum is not that of its content' };
}

interface SettingsFile {
  readonly version: 1;
  readonly sha256: string;
  readonly servers: ServerSettings;
}

function isFile(content: unknown): content is SettingsFile {
  if (!isRecord(content) || content['version'] !== 1 || typeof content['sha256'] !== 'string') return false;
  const { servers } = content;
  return Array.isArray(servers) && servers.length <= MAX_ENTRIES && servers.every(isEntry);
}

function isEntry(one: unknown): one is ServerSettingEntry {
  if (!isRecord(one) || typeof one['backend'] !== 'string' || typeof one['server'] !== 'string') return false;
  const { state, weight, missingSinceMs } = one;
  const isWeight = weight === undefined || (Number.isInteger(weight) && Number(weight) >= 0 && Number(weight) <= 256);
  const isState = state === 'ready' || state === 'drain' || state === 'maint';
  return isState && isWeight && (missingSinceMs === undefined || typeof missingSinceMs === 'number');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** What the checksum is over. */
function covered(settings: ServerSettings): string {
  return JSON.stringify(settings.map((one) => [one.backend, one.server, one.state, one.weight, one.missingSinceMs]));
}
