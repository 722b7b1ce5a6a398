// The files that rules and answers take things from, in the main thread: error pages are read with the configuration,
// maps again whenever they change, without a reload. A map that cannot be read or understood leaves the last good one in
// place, and says so once. Files are looked at once a second by their inode, size and time: an editor's or a deployment's
// rename in place is a change like any other.
import { readFileSync, statSync } from 'node:fs';
import type { MapConfig, PairConfig } from '@tospann/config';
import { buildMap, MAX_MAP_BYTES, type MapData, type NamedMap, parseMap } from '../core/rules/map-table.ts';

const LOOK_INTERVAL_MS = 1000;
const MAX_PAGE_BYTES = 65_536;
const EMPTY_MAP = new Map<string, string>();

/** What became of a file. */
export interface RuleFileLine {
  readonly event: 'map-failed' | 'map-read' | 'error-page-failed';
  readonly msg: string;
}

export interface RuleFilesOptions {
  readonly log: (line: RuleFileLine) => void;
  /** A map has changed: to be told to all workers. */
  readonly onMap: (map: NamedMap) => void;
}

/** What the maps of one configuration were when they were read, and when their files are to be read again. */
export interface MapSet {
  readonly watched: readonly Watched[];
}

interface Watched {
  readonly config: MapConfig;
  /** Inode, size and time of what was looked at last. */
  stamp: string;
  data: MapData;
}

export class RuleFiles {
  readonly #options: RuleFilesOptions;
  #watched: readonly Watched[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: RuleFilesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    this.#timer.unref();
  }

  /**
   * Reads all maps of a configuration, of which one that cannot be read has what it had before. What is watched does not
   * change with it: the configuration may yet be refused.
   */
  read(config: Pick<PairConfig, 'maps'>): MapSet {
    const watched = (config.maps ?? []).map((map) => {
      const same = this.#watched.find((known) => isSame(known.config, map));
      const fresh: Watched = same ? { ...same } : { config: map, stamp: '', data: buildMap(EMPTY_MAP, map.match) };
      this.#read(fresh);
      return fresh;
    });
    return { watched };
  }

  /** Watches these maps from now on, and no others: what has changed since they were read is found at the next look. */
  watch({ watched }: MapSet): void {
    this.#watched = watched;
  }

  /** Reads the error pages of a configuration, by their names there; those that cannot be read are left out. */
  pages(config: Pick<PairConfig, 'frontends'>): ReadonlyMap<string, Uint8Array> {
    const pages = new Map<string, Uint8Array>();
    const names = config.frontends.flatMap(({ errorPages = [] }) => errorPages.map(({ file }) => file));
    for (const file of new Set(names)) {
      try {
        const { size } = statSync(file);
        if (size > MAX_PAGE_BYTES) throw new RangeError(`it has more than ${MAX_PAGE_BYTES} bytes`);
        pages.set(file, Uint8Array.from(readFileSync(file)));
      } catch (error) {
        this.#options.log({ event: 'error-page-failed', msg: `Cannot use error page "${file}": ${reasonOf(error)}` });
      }
    }
    return pages;
  }

  /** Looks at every map now. */
  look(): void {
    for (const watched of this.#watched) {
      if (!this.#read(watched)) continue;
      this.#options.onMap(named(watched));
      const { name, file } = watched.config;
      this.#options.log({ event: 'map-read', msg: `Map "${name}" is read again from "${file}"` });
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** True if there is something new in it. */
  #read(watched: Watched): boolean {
    const { name, file, match } = watched.config;
    const stamp = stampOf(file);
    if (stamp === watched.stamp) return false;
    watched.stamp = stamp;
    try {
      const { size } = statSync(file);
      if (size > MAX_MAP_BYTES) throw new RangeError(`it has more than ${MAX_MAP_BYTES} bytes`);
      const parsed = parseMap(readFileSync(file, 'utf8'));
      if (!('entries' in parsed)) throw new RangeError(`line ${parsed.line} ${parsed.reason}`);
      watched.data = buildMap(parsed.entries, match);
      return true;
    } catch (error) {
      const msg = `Cannot use map "${name}" of "${file}", what it had before stays: ${reasonOf(error)}`;
      this.#options.log({ event: 'map-failed', msg });
      return false;
    }
  }
}

/** Contents of maps, for the workers. */
export function mapsOf({ watched }: MapSet): readonly NamedMap[] {
  return watched.map(named);
}

function named({ config: { name, match }, data }: Watched): NamedMap {
  return { name, match, data };
}

function isSame(a: MapConfig, b: MapConfig): boolean {
  return a.name === b.name && a.file === b.file && a.match === b.match;
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
