// Checks of backends: servers, cookies, check timing, and backends that nothing uses.
import type { Draft, DraftBackend } from '../draft.ts';
import { formatDuration } from '../units.ts';
import type { Finding } from '../problem.ts';
import { lacksBackend } from './frontends.ts';
import { eachDuplicate, errorAt, warningAt } from './finding.ts';

/** A hanging server that is served for longer than this is worth a word. */
const SLOW_CHECK_MS = 60_000;
// The schema's defaults, for values that the file leaves out.
const DEFAULT_INTERVAL_MS = 2000;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_FALL = 3;

/** Problems of backends. */
export function lintBackends(draft: Draft): Finding[] {
  const used = new Set(
    draft.frontends.flatMap((frontend) => [
      frontend.defaultBackend?.value,
      ...frontend.rules.map((rule) => rule.use?.value),
    ]),
  );
  // A frontend whose backend could not be read may mean any of them.
  const unsure =
    draft.frontends.length === 0 ||
    draft.frontends.some(
      (frontend) =>
        // What a map names is known only when it is asked.
        ('defaultBackend' in frontend.raw && frontend.defaultBackend === undefined) ||
        lacksBackend(frontend) ||
        frontend.rules.some((rule) => rule.map !== undefined),
    );
  return draft.backends.flatMap((backend) => [
    ...(unsure || used.has(backend.name)
      ? []
      : [warningAt(backend.path, 'LB_CONFIG_UNUSED_BACKEND', { name: backend.name })]),
    ...addresses(backend),
    ...cookies(backend),
    ...checkTiming(backend, draft.timeoutCheckMs ?? DEFAULT_TIMEOUT_MS),
  ]);
}

function addresses(backend: DraftBackend): Finding[] {
  const show = (server: DraftBackend['servers'][number]): string | undefined =>
    server.address === undefined ? undefined : showEndpoint(server.address.value);
  return eachDuplicate(backend.servers, show, (server, first) =>
    errorAt(server.address?.path ?? [], 'LB_CONFIG_DUPLICATE_ADDRESS', {
      address: show(server) ?? '',
      other: `server "${first.name}"`,
    }),
  );
}

function showEndpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function cookies(backend: DraftBackend): Finding[] {
  const twice = eachDuplicate(
    backend.servers,
    (server) => server.cookie?.value,
    (server, first) =>
      errorAt(server.cookie?.path ?? [], 'LB_CONFIG_DUPLICATE_COOKIE', {
        cookie: server.cookie?.value ?? '',
        other: first.name,
      }),
  );
  const mismatched = backend.servers.flatMap((server) => {
    if (backend.hasCookie && server.cookie === undefined) {
      return [warningAt(server.path, 'LB_CONFIG_COOKIE_MISSING', { name: server.name })];
    }
    if (!backend.hasCookie && server.cookie !== undefined) {
      const params = { cookie: server.cookie.value, backend: backend.name };
      return [warningAt(server.cookie.path, 'LB_CONFIG_COOKIE_UNUSED', params)];
    }
    return [];
  });
  return [...twice, ...mismatched];
}

function checkTiming(backend: DraftBackend, timeoutCheckMs: number): Finding[] {
  const { check } = backend;
  if (check === undefined) return [];
  const findings: Finding[] = [];
  const intervalMs = check.intervalMs?.value ?? DEFAULT_INTERVAL_MS;
  const fast = check.fastIntervalMs;
  if (fast !== undefined && fast.value > intervalMs) {
    const params = { interval: formatDuration(intervalMs), fastInterval: formatDuration(fast.value) };
    findings.push(errorAt(fast.path, 'LB_CONFIG_CHECK_TIMING', params));
  }
  const slowestMs =
    (check.fall?.value ?? DEFAULT_FALL) * Math.max(intervalMs, check.timeoutMs?.value ?? timeoutCheckMs);
  if (slowestMs > SLOW_CHECK_MS) {
    findings.push(warningAt(check.path, 'LB_CONFIG_CHECK_SLOW', { durationText: formatDuration(slowestMs) }));
  }
  return findings;
}
