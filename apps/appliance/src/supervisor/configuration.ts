// What a running node knows of its configuration file: it keeps what serves for the next start, and says when the file is another
// or broken. Side effects: one file of the state directory, events, log lines.
import { monotonicMs } from '@tospann/linux';
import { configurationEvent } from '../core/event-texts.ts';
import type { ConfigurationState } from '../ipc.ts';
import type { Logger } from '../log.ts';
import { loadAway, type Loaded } from './config-loader.ts';
import { ConfigWatch } from './config-watch.ts';
import { keepLastGood } from './last-good.ts';
import type { Supervisor } from './supervisor.ts';

export interface ConfigurationOptions {
  readonly supervisor: Supervisor;
  readonly file: string;
  readonly stateDir: string;
  readonly log: Logger;
}

export interface WatchedConfiguration {
  /** This configuration of the file serves now. */
  readonly served: (loaded: Loaded) => void;
  /** The node has begun; `broken` says why not with the file: empty, with it. */
  readonly begin: (broken: string) => void;
}

export function watchConfiguration({ supervisor, file, stateDir, log }: ConfigurationOptions): WatchedConfiguration {
  let before: ConfigurationState | undefined;
  const watch = new ConfigWatch({
    file,
    running: () => supervisor.config.hash,
    changed: (state) => {
      supervisor.noteConfiguration(state);
      // That all is well is no news for a node that has just begun.
      if (state.differs || before?.differs === true) supervisor.events.tell(configurationEvent(state, file));
      const fields = { event: 'configuration', ...state };
      if (state.broken !== '') log.error(fields, 'The configuration file is broken; what served before serves on');
      else if (state.differs || before?.differs === true) log.info(fields, 'The configuration file was looked at');
      before = state;
    },
  });
  const keep = (loaded: Loaded): void => {
    if (!loaded.ok || loaded.text === undefined) return;
    keepLastGood(stateDir, file, loaded.text).catch((error: unknown) => {
      log.error({ event: 'last-good', err: error }, 'What serves cannot be kept for a start with a broken file');
    });
  };
  return {
    served: (loaded) => {
      keep(loaded);
      if (loaded.ok) watch.note(loaded.config.hash, '');
    },
    begin: (broken) => {
      if (broken !== '') watch.note('', broken);
      else void keepFirst(keep, supervisor, file);
    },
  };
}

/** After a start: the text is read once more, away from this loop, when the node has other things behind it. */
async function keepFirst(keep: (loaded: Loaded) => void, supervisor: Supervisor, file: string): Promise<void> {
  const begunMs = monotonicMs();
  while (!supervisor.isReady && monotonicMs() - begunMs < 60_000)
    await new Promise((resolve) => setTimeout(resolve, 500));
  try {
    const loaded = await loadAway(file);
    if (loaded.ok && loaded.config.hash === supervisor.config.hash) keep(loaded);
  } catch {
    // The watch says what is wrong with it.
  }
}
