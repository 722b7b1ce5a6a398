// Keeps the operators' settings of servers in the state directory, so that they outlive the proxy and the node. Read at
// start, written whole at each change (a temporary file, synced, put in place in one step).
import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { placeSecretFile, readSecretFile } from '@tospann/api';
import type { PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import type { KnownAddress, ProxySnapshot, ServerOrder } from '@tospann/proxy';
import { pruned, readSettings, withOrder, writeSettings, type ServerSettings } from '../core/server-settings.ts';
import type { Logger } from '../log.ts';

const FILE = 'servers.json';

export interface ServerStoreOptions {
  readonly stateDir: string;
  readonly log: Pick<Logger, 'error'>;
  /** Ms since 1970. */
  readonly wallMs: () => number;
}

export class ServerStore {
  readonly #options: ServerStoreOptions;
  readonly #file: string;
  #settings: ServerSettings = [];

  /** Reads what is there. A file that cannot be believed is put aside with a line in the log: all begin as configured. */
  constructor(options: ServerStoreOptions) {
    this.#options = options;
    this.#file = join(options.stateDir, FILE);
    try {
      const text = readSecretFile(this.#file);
      if (text === undefined) return;
      const read = readSettings(text, sha256);
      if ('settings' in read) this.#settings = read.settings;
      else this.#putAside(read.fault);
    } catch (error) {
      this.#lost(error instanceof Error ? error.message : String(error));
    }
  }

  /** For a proxy that starts; those of servers that it does not have do no harm. */
  orders(): readonly ServerOrder[] {
    return this.#settings.map(({ backend, server, state, weight }) => ({
      backend,
      server,
      state,
      ...(weight === undefined ? {} : { weight }),
    }));
  }

  /**
   * Keeps an order; when this returns it is on the disk.
   *
   * @throws {TospannError} LB_API_STATE_FILE; then nothing has changed.
   */
  keep(order: ServerOrder, config: Pick<PairConfig, 'backends'>): void {
    const next = pruned(withOrder(this.#settings, order), config, this.#options.wallMs());
    placeSecretFile(this.#file, writeSettings(next, sha256), 'replace');
    this.#settings = next;
  }

  #putAside(fault: string): void {
    renameSync(this.#file, `${this.#file}.bad`);
    this.#lost(fault);
  }

  #lost(detail: string): void {
    const { code, message, hint } = new TospannError('LB_OPERATION_SERVER_SETTINGS', { file: this.#file, detail });
    this.#options.log.error({ event: 'server-settings-lost', code, hint }, message);
  }
}

/** What the last proxy knew of servers by name: its successor begins with that, whatever the resolver does by then. */
export function knownAddresses(proxy: ProxySnapshot | undefined): readonly KnownAddress[] {
  return (proxy?.backends ?? []).flatMap((backend) =>
    backend.servers.flatMap(({ name, hostName, address, resolution }) =>
      hostName === undefined || resolution === 'unresolved'
        ? []
        : [{ backend: backend.name, server: name, hostName, address }],
    ),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
