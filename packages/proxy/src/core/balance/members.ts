// Who takes part in balancing now, and with what weight: health, the operator's wish, backups, slow start and the panic
// threshold together. Pure and rare: worked out when a state changes, and at each step of a slow start.

/** A server as balancing sees it. */
export interface MemberState {
  /** It is healthy. */
  readonly usable: boolean;
  /** The operator lets it take new sessions. */
  readonly ready: boolean;
  readonly weight: number;
  readonly backup: boolean;
  /** How far its slow start has come, 0..1; 1: none is under way. */
  readonly ramp: number;
}

/** Weights are multiplied by this while a server starts slowly, so that a weight of 1 can rise in steps too. */
export const RAMP_STEPS = 16;

export interface Members {
  /** Effective weight of each server; 0: it takes no new request. */
  readonly weights: readonly number[];
  /** Too few are healthy: those that are down take their part as well. */
  readonly panic: boolean;
  /** The backups serve, as no other server can. */
  readonly onBackups: boolean;
}

/**
 * Works out who takes new requests.
 *
 * Backups serve only while no other server can, and then all of them that can (as HAProxy does with `allbackups`).
 * Below the panic threshold health is not believed any more, unless it is at zero and a healthy backup is there.
 */
export function membersOf(servers: readonly MemberState[], panicPercent: number): Members {
  const wanted = servers.map((server) => server.ready && server.weight > 0);
  const ramping = servers.some((server, i) => wanted[i]! && server.ramp < 1);
  const weightOf = (server: MemberState): number =>
    ramping ? Math.max(1, Math.round(server.weight * RAMP_STEPS * server.ramp)) : server.weight;
  const pick = (takes: (server: MemberState, i: number) => boolean): number[] =>
    servers.map((server, i) => (wanted[i]! && takes(server, i) ? weightOf(server) : 0));
  const main = servers.filter((server, i) => wanted[i]! && !server.backup).length;
  const healthy = servers.filter((server, i) => wanted[i]! && !server.backup && server.usable).length;
  const backups = servers.some((server, i) => wanted[i]! && server.backup && server.usable);
  if (healthy === 0 && backups) {
    return { weights: pick((server) => server.backup && server.usable), panic: false, onBackups: true };
  }
  const panic = main > 0 && healthy < main && healthy * 100 < main * panicPercent;
  return { weights: pick((server) => !server.backup && (panic || server.usable)), panic, onBackups: false };
}

/**
 * How far a slow start has come.
 *
 * @param startedMs When the server came up, in ms modulo 2^32, 0: no slow start is under way.
 * @returns 1/16 .. 1, in sixteenths, so that all workers agree but for a moment.
 */
export function rampOf(startedMs: number, nowMs: number, slowStartMs: number): number {
  if (startedMs === 0 || slowStartMs === 0) return 1;
  const sinceMs = (Math.floor(nowMs) - startedMs) | 0; // modulo 2^32: the clock may have passed 2^31
  if (sinceMs < 0 || sinceMs >= slowStartMs) return 1;
  return Math.floor((sinceMs * RAMP_STEPS) / slowStartMs + 1) / RAMP_STEPS;
}
