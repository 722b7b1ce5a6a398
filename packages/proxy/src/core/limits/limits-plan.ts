// The limits of a frontend, worked out for the hot path.
import type { LimitsConfig } from '@tospann/config';
import { latin1 } from '../bytes.ts';
import { NetworkList } from '../source.ts';
import { Rate } from './source-table.ts';

export class LimitsPlan {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  /** Infinity: no limit. */
  readonly maxBodyBytes: number;
  /** Connections of one source; 0: no limit. */
  readonly connections: number;
  readonly connectionRate: Rate | null;
  readonly requestRate: Rate | null;
  readonly exempt: NetworkList;
  /** The field line of a 429: when the next request of the source will be taken. */
  readonly retryAfter: Uint8Array;

  constructor(config: LimitsConfig) {
    const { connectionRate, requestRate } = config;
    this.maxHeadBytes = config.maxHeadBytes;
    this.maxFields = config.maxFields;
    this.maxBodyBytes = config.maxBodyBytes === 0 ? Infinity : config.maxBodyBytes;
    this.connections = config.connectionsPerSource;
    this.connectionRate = connectionRate === undefined ? null : new Rate(connectionRate.count, connectionRate.periodMs);
    this.requestRate = requestRate === undefined ? null : new Rate(requestRate.count, requestRate.periodMs);
    this.exempt = new NetworkList(config.exempt);
    const seconds = requestRate === undefined ? 1 : Math.ceil(requestRate.periodMs / requestRate.count / 1000);
    this.retryAfter = latin1(`Retry-After: ${seconds}\r\n`);
  }

  /** Whether anything is looked at when a connection comes. */
  get limitsConnections(): boolean {
    return this.connections > 0 || this.connectionRate !== null;
  }
}
