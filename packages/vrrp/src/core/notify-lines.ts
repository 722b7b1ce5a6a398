// keepalived's notify FIFO lines: `INSTANCE "public" MASTER 150`, and for an election with several addresses also
// `GROUP "shop" MASTER 150` once all of them are in that state. Programs that read keepalived's FIFO read them. Pure.
import type { GroupConfig } from '@tospann/config';
import type { VrrpState } from './snapshot.ts';
import { impairedPriority, lastResortPriority, ownerPriority } from './timers.ts';

/** What keepalived calls the states; it has no word for the time before the first one. */
const words = { master: 'MASTER', backup: 'BACKUP', fault: 'FAULT', init: 'STOP' } as const satisfies Record<
  VrrpState,
  string
>;

/** What the lines need of a change of state. */
export interface NotifiedChange {
  readonly vip: string;
  readonly group: string;
  readonly to: VrrpState;
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
}

/** Follows the states and makes the lines. */
export class NotifyLines {
  readonly #groups: ReadonlyMap<string, GroupConfig>;
  readonly #node: string;
  readonly #states = new Map<string, VrrpState>();
  /** What was said last of each election. */
  readonly #said = new Map<string, VrrpState>();

  constructor(groups: readonly GroupConfig[], node: string) {
    this.#node = node;
    this.#groups = new Map(groups.map((group) => [group.name, group]));
  }

  /** The lines of one change of one address, each with its line break. */
  of(change: NotifiedChange): string {
    const { vip, group: name, to } = change;
    const priority = this.#priority(change);
    this.#states.set(vip, to);
    const instance = `INSTANCE ${quoted(vip)} ${words[to]} ${priority}\n`;
    const vips = this.#groups.get(name)?.vips ?? [];
    const isWhole = vips.length > 1 && vips.every((one) => this.#states.get(one) === to);
    if (!isWhole || this.#said.get(name) === to) return instance;
    this.#said.set(name, to);
    return `${instance}GROUP ${quoted(name)} ${words[to]} ${priority}\n`;
  }

  #priority({ group: name, evidence }: NotifiedChange): number {
    if (evidence['ability'] === 'no-live-server') return lastResortPriority;
    if (evidence['ability'] === 'impaired') return impairedPriority;
    const group = this.#groups.get(name);
    return group?.owner === this.#node ? ownerPriority : (group?.priorities[this.#node] ?? 0);
  }
}

/** Names have no quotes in them (the configuration refuses such); a line break would begin a line of its own. */
function quoted(name: string): string {
  return `"${name.replaceAll(/["\r\n]/g, '')}"`;
}
