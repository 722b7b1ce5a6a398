// Checks of conditions and hooks: names that must exist, calls that name a program or an address, times that fit.
import type { Draft } from '../draft.ts';
import { isRawMap, type Raw, type RawMap } from '../document.ts';
import type { Finding, Path } from '../problem.ts';
import { GATEWAY_DEFAULTS } from '../schema/failover.ts';
import { readDuration } from '../units.ts';
import { suggestName } from './cluster.ts';
import { errorAt } from './finding.ts';

/** Problems of `failover` and `events`, and of hooks that announce. */
export function lintFailover(draft: Draft): Finding[] {
  return [...requiredServers(draft), ...gateway(draft), ...scripts(draft), ...hooks(draft), ...announceHooks(draft)];
}

function requiredServers({ failover, frontends }: Draft): Finding[] {
  const known = frontends.map(({ name }) => name);
  const wanted = failover['requireServers'];
  if (!Array.isArray(wanted)) return [];
  return (wanted as readonly Raw[]).flatMap((name, index) => {
    if (typeof name !== 'string' || known.includes(name)) return [];
    const path = ['failover', 'requireServers', index];
    return [errorAt(path, 'LB_CONFIG_UNKNOWN_FRONTEND', { name, suggestion: suggestName(name, known) })];
  });
}

/** A gateway that is asked anew before its answer may be late is asked without end. */
function gateway({ failover, vips }: Draft): Finding[] {
  const written = failover['gateway'];
  const address = isRawMap(written) ? written['address'] : written;
  const path: Path = isRawMap(written) ? ['failover', 'gateway', 'address'] : ['failover', 'gateway'];
  const vip = typeof address === 'string' ? vips.find((candidate) => candidate.address?.value === address) : undefined;
  if (vip !== undefined)
    return [errorAt(path, 'LB_CONFIG_GATEWAY_IS_VIP', { vip: vip.name, address: vip.address?.value ?? '' })];
  if (!isRawMap(written)) return [];
  const intervalMs = milliseconds(written['interval']) ?? GATEWAY_DEFAULTS.interval;
  const timeoutMs = milliseconds(written['timeout']) ?? GATEWAY_DEFAULTS.timeout;
  if (timeoutMs <= intervalMs) return [];
  const params = {
    field: 'timeout',
    constraint: 'at most interval',
    value: `${timeoutMs}ms`,
    example: 'timeout: 500ms',
  };
  return [errorAt(['failover', 'gateway', 'timeout'], 'LB_CONFIG_OUT_OF_RANGE', params)];
}

function scripts({ failover }: Draft): Finding[] {
  const written = failover['scripts'];
  if (!isRawMap(written)) return [];
  return Object.entries(written).flatMap(([name, script]) =>
    isRawMap(script) ? programPath(script['run'], ['failover', 'scripts', name, 'run']) : [],
  );
}

function hooks({ events }: Draft): Finding[] {
  const written = events['hooks'];
  if (!isRawMap(written)) return [];
  return Object.entries(written).flatMap(([name, hook]) =>
    isRawMap(hook) ? oneCall(hook, ['events', 'hooks', name]) : [],
  );
}

function announceHooks({ vips }: Draft): Finding[] {
  return vips.flatMap(({ path, raw }) => {
    const announce = raw['announce'];
    const hook = isRawMap(announce) ? announce['hook'] : undefined;
    return isRawMap(hook) ? oneCall(hook, [...path, 'announce', 'hook']) : [];
  });
}

function oneCall(call: RawMap, path: Path): Finding[] {
  const both = ['run', 'url'].filter((key) => call[key] !== undefined);
  if (both.length !== 1) return [errorAt(path, 'LB_CONFIG_CALL', {})];
  return programPath(call['run'], [...path, 'run']);
}

/** No PATH is searched: which program runs must not depend on the environment of the service. */
function programPath(run: Raw | undefined, path: Path): Finding[] {
  const program = Array.isArray(run) ? (run as readonly Raw[])[0] : undefined;
  if (typeof program !== 'string' || program.startsWith('/')) return [];
  return [errorAt([...path, 0], 'LB_CONFIG_PROGRAM_PATH', { program })];
}

function milliseconds(raw: Raw | undefined): number | undefined {
  const reading = typeof raw === 'string' ? readDuration(raw) : undefined;
  return reading?.ok === true ? reading.value : undefined;
}
