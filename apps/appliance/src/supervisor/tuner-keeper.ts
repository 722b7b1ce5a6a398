// What a running node does about the kernel's settings: it puts back what nobody confirmed in time, whatever became of the
// process that should have (docs/adr/0010), and says when somebody changed what the tuner had set. It never applies.
// Side effects: those of a revert; log lines.
import { readDriftedKeys, settleIfExpired, SystemRoot, tunerDirectory, type TunerPlace } from '@tospann/tuner';
import { isTospannError } from '@tospann/errors';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';

const SETTLE_MS = 5000;
/** Drift is looked at in every such look. */
const DRIFT_LOOKS = 12;

/** Looks at once and from then on until disposed. Only root can put anything back; others are not asked to. */
export function keepTuner(options: { readonly stateDir: string; readonly log: Logger }): Disposable {
  const { log } = options;
  const place: TunerPlace = { root: new SystemRoot(), directory: tunerDirectory(options.stateDir), version };
  let looks = 0;
  let told = '';
  const look = (): void => {
    try {
      settle(place, log);
      if (looks++ % DRIFT_LOOKS === 0) told = tellDrift(place, log, told);
    } catch (error) {
      // Whoever has the lock does what is to be done.
      if (isTospannError(error) && error.code === 'LB_TUNER_BUSY') return;
      const code = isTospannError(error) ? error.code : 'LB_INTERNAL';
      const text = error instanceof Error ? error.message : String(error);
      if (told !== text) log.warn({ event: 'tuner-problem', code }, text);
      told = text;
    }
  };
  look();
  const timer = setInterval(look, SETTLE_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function settle(place: TunerPlace, log: Logger): void {
  if (process.getuid?.() !== 0) return;
  const outcomes = settleIfExpired(place);
  if (outcomes === undefined) return;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed').map(({ what }) => what);
  log.warn({ event: 'tuner-reverted', failed }, 'Nobody confirmed the kernel settings in time: they are put back');
}

/** Says what changed since it was last said; returns what has been said. */
function tellDrift(place: TunerPlace, log: Logger, told: string): string {
  const keys = readDriftedKeys(place);
  const now = keys.join(' ');
  if (now !== told && keys.length > 0) {
    log.warn({ event: 'tuner-drift', keys }, 'Somebody changed settings that the tuner had set; they are left alone');
  }
  return now;
}
