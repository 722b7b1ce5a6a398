// A figure that is bad only when it stays so: stolen processor time, lateness of the agent's loop. A node under pressure is
// impaired: it gives way to a better one and to no other. Pure.
import type { Finding } from './condition.ts';

export interface Pressure {
  readonly under: boolean;
  /** Since when the figure speaks against `under` without a break; undefined: it does not. */
  readonly againstSinceMs: number | undefined;
}

export const noPressure: Pressure = { under: false, againstSinceMs: undefined };

/** Takes one sample into account; the same span that makes the pressure ends it. */
export function press(
  before: Pressure,
  sample: { readonly nowMs: number; readonly value: number },
  limits: { readonly limit: number; readonly forMs: number },
): Pressure {
  const { nowMs, value } = sample;
  const above = value > limits.limit;
  if (above === before.under) return { under: before.under, againstSinceMs: undefined };
  const sinceMs = before.againstSinceMs ?? nowMs;
  if (nowMs - sinceMs >= limits.forMs) return { under: above, againstSinceMs: undefined };
  return { under: before.under, againstSinceMs: sinceMs };
}

/** The condition that this makes; `said`: the figure in words, `the host takes 12 % of the processor`. */
export function pressureFinding({ under, againstSinceMs }: Pressure, said: string): Finding {
  if (under) return { state: 'impaired', sentence: said };
  return { state: againstSinceMs === undefined ? 'ok' : 'warning', sentence: said };
}
