// Runs one track script again and again and tells what its condition is. A run that takes longer than the interval delays
// the next one: they never pile up. Side effects: a timer and one process at a time.
import type { TrackScriptConfig } from '@tospann/config';
import type { Finding } from '../../core/track/condition.ts';
import { judgeScript, newScript, scriptFinding } from '../../core/track/script-verdict.ts';
import { runScript, type ScriptRun } from './script-run.ts';
import type { Watch } from './watch.ts';

export interface WatchScriptOptions {
  readonly script: TrackScriptConfig;
  /** Used when the script names no user; the first that exists. */
  readonly defaultUsers: readonly string[];
  readonly node: string;
  readonly nowMs: () => number;
  readonly tell: (finding: Finding) => void;
}

export function watchScript(options: WatchScriptOptions): Watch {
  const { script, defaultUsers, node, nowMs, tell } = options;
  let state = newScript;
  let running: ScriptRun | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const round = async (): Promise<void> => {
    const startMs = nowMs();
    running = runScript({
      run: script.run,
      timeoutMs: script.timeoutMs,
      users: script.user === undefined ? defaultUsers : [script.user],
      environment: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        TOSPANN_NODE: node,
        TOSPANN_SCRIPT: script.name,
      },
    });
    const { outcome, output } = await running.result;
    running = undefined;
    if (closed) return;
    state = judgeScript(state, outcome, script);
    tell(scriptFinding(state, output));
    timer = setTimeout(() => void round(), Math.max(0, startMs + script.intervalMs - nowMs()));
  };
  tell(scriptFinding(state, ''));
  void round();
  return {
    close(): void {
      closed = true;
      clearTimeout(timer);
      running?.kill();
    },
  };
}
