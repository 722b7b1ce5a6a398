// Whether the file on disk is what runs: looked at when it has changed, in a process of its own. A file that is broken is an alarm
// while the node serves well: the next start finds it.
import { stat } from 'node:fs/promises';
import { isTospannError } from '@tospann/errors';
import { formatProblem } from '@tospann/config';
import type { ConfigurationState } from '../ipc.ts';
import { loadAway } from './config-loader.ts';

/** How often the file's facts are looked at, ms. */
const LOOK_MS = 2000;

export interface ConfigWatchOptions {
  /** The configuration file. */
  readonly file: string;
  /** Hash of the configuration that runs. */
  readonly running: () => string;
  /** It differs, is broken, or is right again. */
  readonly changed: (state: ConfigurationState) => void;
}

export class ConfigWatch implements Disposable {
  readonly #options: ConfigWatchOptions;
  readonly #timer: NodeJS.Timeout;
  /** The facts of the file that was read last. */
  #seen = '';
  #disk: { readonly hash: string; readonly broken: string } | undefined;
  #told = '';
  #since = '';
  #isLooking = false;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** The file was read with this outcome; `broken` says why it cannot be used. */
  note(hash: string, broken: string): void {
    this.#disk = { hash, broken };
    this.#tell();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const facts = await factsOf(this.#options.file);
    if (facts !== this.#seen) {
      this.#seen = facts;
      this.#disk = await readDisk(this.#options.file);
    }
    this.#tell();
    this.#isLooking = false;
  }

  #tell(): void {
    if (this.#disk === undefined) return;
    const runningHash = this.#options.running();
    const { hash: diskHash, broken } = this.#disk;
    const differs = broken !== '' || diskHash !== runningHash;
    const now = `${String(differs)} ${runningHash} ${diskHash} ${broken}`;
    if (now === this.#told) return;
    this.#told = now;
    this.#since = new Date().toISOString();
    this.#options.changed({ differs, broken, runningHash, diskHash, since: this.#since });
  }
}

async function factsOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return String(error);
  }
}

async function readDisk(file: string): Promise<{ readonly hash: string; readonly broken: string }> {
  try {
    const loaded = await loadAway(file);
    if (loaded.ok) return { hash: loaded.config.hash, broken: '' };
    const [first] = loaded.problems;
    return { hash: '', broken: first === undefined ? 'it is not valid' : (formatProblem(first).split('\n')[0] ?? '') };
  } catch (error) {
    return { hash: '', broken: isTospannError(error) ? error.message : String(error) };
  }
}
