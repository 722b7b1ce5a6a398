// The limits of a frontend, worked out for the hot path.
import type { LimitsConfig, RateConfig } from '@tospann/config';
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
  /** The field line of a 429: after so long the next request of the source will be taken. */
  readonly retryAfter: Uint8Array;

  constructor(config: LimitsConfig) {
    const { connectionRate, requestRate } = config;
    const rateOf = (rate: RateConfig | undefined): Rate | null =>
      rate === undefined ? null : new Rate(rate.count, rate.periodMs, config.countRefused ?? true);
    this.maxHeadBytes = config.maxHeadBytes;
    this.maxFields = config.maxFields;
    this.maxBodyBytes = config.maxBodyBytes === 0 ? Infinity : config.maxBodyBytes;
    this.connections = config.connectionsPerSource;
    this.connectionRate = rateOf(connectionRate);
    this.requestRate = rateOf(requestRate);
    this.exempt = new NetworkList(config.exempt);
    const seconds = Math.ceil((this.requestRate?.restMs ?? 0) / 1000);
    this.retryAfter = latin1(`Retry-After: ${seconds}\r\n`);
  }

  /** Whether anything is looked at when a connection comes. */
  get limitsConnections(): boolean {
    return this.connections > 0 || this.connectionRate !== null;
  }
}
