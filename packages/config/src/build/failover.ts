// The conditions, the events and the tuner's section: from how they are written to the model. Pure.
import type { CallConfig, EventsConfig, FailoverConfig, TunerConfig } from '../model-failover.ts';
import type { ConfigFile } from '../schema.ts';
import { GATEWAY_DEFAULTS } from '../schema/failover.ts';
import { entries, present } from './shape.ts';

interface CallFile {
  readonly run?: readonly string[] | undefined;
  readonly url?: string | undefined;
  readonly timeout: number;
}

export function buildCall({ run, url, timeout }: CallFile): CallConfig {
  return { ...present({ run, url }), timeoutMs: timeout };
}

export function buildFailover(failover: ConfigFile['failover']): FailoverConfig {
  const { gateway, steal, lateness } = failover;
  return {
    requireServers: failover.requireServers,
    ...(gateway === undefined ? {} : { gateway: buildGateway(gateway) }),
    scripts: entries(failover.scripts, (name, { interval, timeout, ...script }) => ({
      name,
      ...present(script),
      intervalMs: interval,
      timeoutMs: timeout,
    })),
    ...(steal === undefined ? {} : { steal: { percent: steal.above, forMs: steal.for } }),
    ...(lateness === undefined ? {} : { lateness: { ms: lateness.above, forMs: lateness.for } }),
    peerPort: failover.peerPort,
    holdMs: failover.hold,
    drainMs: failover.drain,
  };
}

function buildGateway(written: NonNullable<ConfigFile['failover']['gateway']>): NonNullable<FailoverConfig['gateway']> {
  const gateway = typeof written === 'string' ? { ...GATEWAY_DEFAULTS, address: written } : written;
  const { address, interval, timeout, rise, fall } = gateway;
  return { address, intervalMs: interval, timeoutMs: timeout, rise, fall };
}

export function buildEvents(events: ConfigFile['events']): EventsConfig {
  return {
    hooks: entries(events.hooks, (name, { on, ...call }) => ({ name, on, call: buildCall(call) })),
    ...present({ fifo: events.fifo }),
  };
}

export function buildTuner(tuner: ConfigFile['tuner']): TunerConfig {
  const { overrides, ...rest } = tuner;
  const texts = entries(overrides, (key, value): [string, string | null] => [
    key,
    value === null ? null : String(value),
  ]);
  return { ...present(rest), overrides: Object.fromEntries(texts) };
}
