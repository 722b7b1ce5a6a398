// The drain of a planned hand-over: the address stays on `lo` for a while, silently, so that the sockets of connections
// under way live on. Silence needs two kernel settings of the interface: arp_ignore 1 (answer ARP only for the interface's
// own addresses), set as long as the agent runs, and arp_announce 2 (never ask with a foreign source), set only while
// draining: it would hinder an owner whose clients are on a link where it has no other address. Both are put back.
import { readFileSync, writeFileSync } from 'node:fs';
import { isTospannError } from '@tospann/errors';
import { addressesOf, type AgentPlan, type PlannedAddress } from '../core/plan.ts';
import type { VipNetwork } from './network.ts';

const ignoreForeign = 1;
const announceOwn = 2;

export class Drain {
  readonly #plan: AgentPlan;
  readonly #vips: readonly PlannedAddress[];
  readonly #network: VipNetwork;
  readonly #ignore: Setting;
  readonly #announce: Setting;
  /** When the kernel removes the address of each draining VIP, monotonic µs. */
  readonly #endsUs = new Map<number, number>();
  #possible = false;

  constructor(plan: AgentPlan, network: VipNetwork) {
    this.#plan = plan;
    this.#vips = addressesOf(plan);
    this.#network = network;
    this.#ignore = new Setting(plan.interface, 'arp_ignore');
    this.#announce = new Setting(plan.interface, 'arp_announce');
  }

  /** Makes a drain possible; the interface is there. A kernel that refuses the setting means none. */
  prepare(): void {
    this.#possible = this.#ignore.raise(ignoreForeign);
  }

  /** @returns Empty, or why the connections of this VIP will break. */
  begin(index: number, nowUs: number): string {
    const vip = this.#vips[index];
    if (!this.#possible || vip === undefined) return 'the kernel refuses arp_ignore';
    try {
      this.#network.keepForDrain(vip, this.#plan.drainSeconds);
    } catch (error) {
      if (!isTospannError(error)) throw error;
      return error.message;
    }
    this.#announce.raise(announceOwn);
    this.#endsUs.set(index, nowUs + this.#plan.drainSeconds * 1_000_000);
    return '';
  }

  /** The VIP is owned again: `lo` is not its place any more. */
  end(index: number): void {
    const vip = this.#vips[index];
    if (vip === undefined || !this.#endsUs.delete(index)) return;
    this.#network.endDrain(vip);
    if (this.#endsUs.size === 0) this.#announce.restore();
  }

  /** When `expire` wants to be called; Infinity when nothing drains. */
  get dueUs(): number {
    return Math.min(Infinity, ...this.#endsUs.values());
  }

  expire(nowUs: number): void {
    if (nowUs < this.dueUs) return;
    for (const [index, endUs] of this.#endsUs) if (endUs <= nowUs) this.#endsUs.delete(index);
    if (this.#endsUs.size === 0) this.#announce.restore();
  }

  /** The agent ends. What drains goes on without it; arp_ignore then stays, or the address would not be silent. */
  leave(): void {
    this.#announce.restore();
    if (this.#endsUs.size === 0) this.#ignore.restore();
  }
}

/** One setting of an interface: raised, never lowered, and put back. */
class Setting {
  readonly #path: string;
  #before: string | undefined;

  constructor(interfaceName: string, name: string) {
    this.#path = `/proc/sys/net/ipv4/conf/${interfaceName}/${name}`;
  }

  raise(value: number): boolean {
    try {
      const current = readFileSync(this.#path, 'utf8').trim();
      if (Number(current) >= value) return true;
      writeFileSync(this.#path, String(value));
      this.#before ??= current;
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
