// Samples two figures of the machine once a second: time that the hypervisor took, lateness of the agent's loop. Side
// effects: a timer, /proc/stat.
import type { FailoverConfig } from '@tospann/config';
import { readCpuTimes, stealRatio } from '@tospann/linux';
import type { Finding } from '../../core/track/condition.ts';
import { noPressure, press, pressureFinding } from '../../core/track/pressure.ts';
import type { Watch } from './watch.ts';

const everyMs = 1000;

export interface WatchPressureOptions<T> {
  readonly limits: T;
  readonly nowMs: () => number;
  readonly tell: (finding: Finding) => void;
}

/** Of the time since the sample before. */
export function watchSteal(options: WatchPressureOptions<NonNullable<FailoverConfig['steal']>>): Watch {
  const { limits, nowMs, tell } = options;
  let pressure = noPressure;
  let before = readCpuTimes();
  return everySecond(() => {
    const now = readCpuTimes();
    const percent = before === undefined || now === undefined ? 0 : 100 * (stealRatio(before, now) ?? 0);
    before = now;
    pressure = press(pressure, { nowMs: nowMs(), value: percent }, { limit: limits.percent, forMs: limits.forMs });
    const said = `the host takes ${Math.round(percent)} % of the processor time, the limit is ${limits.percent} %`;
    tell(pressureFinding(pressure, said));
  });
}

/** @param options.takeLatenessMs The largest lateness since it was asked last, ms. */
export function watchLateness(
  options: WatchPressureOptions<NonNullable<FailoverConfig['lateness']>> & { readonly takeLatenessMs: () => number },
): Watch {
  const { limits, nowMs, tell, takeLatenessMs } = options;
  let pressure = noPressure;
  return everySecond(() => {
    const value = takeLatenessMs();
    pressure = press(pressure, { nowMs: nowMs(), value }, { limit: limits.ms, forMs: limits.forMs });
    tell(pressureFinding(pressure, `the agent wakes up ${value.toFixed(1)} ms late, the limit is ${limits.ms} ms`));
  });
}

function everySecond(sample: () => void): Watch {
  sample();
  const timer = setInterval(sample, everyMs);
  return { close: () => clearInterval(timer) };
}
