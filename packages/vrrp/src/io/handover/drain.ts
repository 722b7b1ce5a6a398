// The drain of a planned hand-over: the address stays on `lo` for a while, silently, so that the sockets of connections
// under way live on. For IPv4 silence needs two kernel settings of the interface: arp_ignore 1 (answer ARP only for the
// interface's own addresses), set as long as the agent runs, and arp_announce 2 (never ask with a foreign source), set only
// while draining: it would hinder an owner whose clients are on a link where it has no other address. Both are put back.
// IPv6 needs none: neighbour solicitations are answered, and asked from, addresses of that very interface alone (measured).
import { readFileSync, writeFileSync } from 'node:fs';
import { isTospannError } from '@tospann/errors';
import { addressesOf, type AgentPlan, type PlannedAddress } from '../../core/plan.ts';
import type { VipNetwork } from '../network.ts';
import { interfaceSettingPath } from './kept-settings.ts';

const ignoreForeign = 1;
const announceOwn = 2;

export class Drain {
  readonly #plan: AgentPlan;
  readonly #vips: readonly PlannedAddress[];
  readonly #network: VipNetwork;
  /** By interface that has an IPv4 VIP. */
  readonly #manners: ReadonlyMap<string, { readonly ignore: Setting; readonly announce: Setting }>;
  /** Interfaces that keep silent about foreign addresses. */
  readonly #silent = new Set<string>();
  /** When the kernel removes the address of each draining VIP, monotonic µs. */
  readonly #endsUs = new Map<number, number>();

  /** @param before What settings were before an earlier life of this node raised them, by path. */
  constructor(plan: AgentPlan, network: VipNetwork, before: ReadonlyMap<string, string>) {
    this.#plan = plan;
    this.#vips = addressesOf(plan);
    this.#network = network;
    const interfaces = new Set(this.#vips.filter(({ family }) => family === 4).map((vip) => vip.interface));
    this.#manners = new Map(
      [...interfaces].map((name) => [
        name,
        {
          ignore: new Setting(interfaceSettingPath(name, 'arp_ignore'), before),
          announce: new Setting(interfaceSettingPath(name, 'arp_announce'), before),
        },
      ]),
    );
  }

  /** Makes drains possible; called when a link came. A kernel that refuses the setting means none on that interface. */
  prepare(): void {
    for (const [name, { ignore }] of this.#manners) {
      if (ignore.raise(ignoreForeign)) this.#silent.add(name);
      else this.#silent.delete(name);
    }
  }

  /** @returns Empty, or why the connections of this VIP will break. */
  begin(index: number, nowUs: number): string {
    const vip = this.#vips[index];
    if (vip === undefined || (vip.family === 4 && !this.#silent.has(vip.interface)))
      return 'the kernel refuses arp_ignore';
    try {
      this.#network.keepForDrain(vip, this.#plan.drainSeconds);
    } catch (error) {
      if (!isTospannError(error)) throw error;
      return error.message;
    }
    this.#endsUs.set(index, nowUs + this.#plan.drainSeconds * 1_000_000);
    this.#settle();
    return '';
  }

  /** The VIP is owned again: `lo` is not its place any more. */
  end(index: number): void {
    const vip = this.#vips[index];
    if (vip === undefined || !this.#endsUs.delete(index)) return;
    this.#network.endDrain(vip);
    this.#settle();
  }

  /** When `expire` wants to be called; Infinity when nothing drains. */
  get dueUs(): number {
    return Math.min(Infinity, ...this.#endsUs.values());
  }

  expire(nowUs: number): void {
    if (nowUs < this.dueUs) return;
    for (const [index, endUs] of this.#endsUs) if (endUs <= nowUs) this.#endsUs.delete(index);
    this.#settle();
  }

  /** The agent ends. What drains goes on without it; arp_ignore then stays, or the address would not be silent. */
  leave(): void {
    const draining = this.#draining();
    for (const [name, { ignore, announce }] of this.#manners) {
      announce.restore();
      if (!draining.has(name)) ignore.restore();
    }
  }

  /** arp_announce stands where something drains, and only there. */
  #settle(): void {
    const draining = this.#draining();
    for (const [name, { announce }] of this.#manners) {
      if (draining.has(name)) announce.raise(announceOwn);
      else announce.restore();
    }
  }

  #draining(): ReadonlySet<string> {
    return new Set([...this.#endsUs.keys()].map((index) => this.#vips[index]?.interface ?? ''));
  }
}

/** One setting of an interface: raised, never lowered, and put back. */
class Setting {
  readonly #path: string;
  readonly #kept: string | undefined;
  #before: string | undefined;

  constructor(path: string, before: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#kept = before.get(path);
  }

  raise(value: number): boolean {
    try {
      const current = readFileSync(this.#path, 'utf8').trim();
      if (Number(current) >= value) {
        if (this.#kept !== undefined && Number(this.#kept) < value) this.#before ??= this.#kept;
        return true;
      }
      writeFileSync(this.#path, String(value));
      this.#before ??= this.#kept ?? current;
      return true;
    } catch {
      // A read-only /proc/sys (a container), or an interface that went away.
      return false;
    }
  }

  restore(): void {
    if (this.#before === undefined) return;
    try {
      writeFileSync(this.#path, this.#before);
    } catch {
      // Gone with its interface.
    }
    this.#before = undefined;
  }
}
