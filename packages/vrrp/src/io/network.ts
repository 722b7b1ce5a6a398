// The agent's hands on the kernel: the links it depends on, its addresses through rtnetlink, the sockets of its adverts
// and the announcements. It decides nothing: the loop asks and tells. Lives on the loop's thread.
import { isTospannError, TospannError } from '@tospann/errors';
import {
  AddressControl,
  AddressFlag,
  AddressMonitor,
  NeighbourTable,
  type AddressEvent,
  type AddressRecord,
  type LinkRecord,
} from '@tospann/linux';
import { addressesOf, type AgentPlan, type PlannedAddress, type PlannedElection } from '../core/plan.ts';
import { AdvertPorts, type Family, type Sources } from './adverts/advert-ports.ts';
import type { AdvertProofs } from './adverts/advert-proof.ts';
import { AdvertStreams } from './adverts/advert-stream.ts';
import { Announcer } from './announcer.ts';
import { ipv6IsOff, ipv6OffDetail, LinkParts } from './link-parts.ts';

/** IFA_PROTO of the addresses that this agent adds: the number of VRRP, so that a stale one is known at start. */
const addressTag = 112;
const hostPrefix = { 4: 32, 6: 128 } as const;
/** In every network namespace `lo` is the first interface. */
const loopbackIndex = 1;

/** Whether an election can be heard and an address of it served; the errors say what is missing, of it or of a part. */
export type LinkReport =
  | { readonly up: true; readonly lacks: readonly TospannError[] }
  | { readonly up: false; readonly error: TospannError };

/** Where the kernel has an address: as the agent adds it, and in other places or forms. */
export interface AddressView {
  readonly ours: boolean;
  readonly others: readonly AddressRecord[];
}

/** What the kernel told since the last look. */
export interface KernelNews {
  readonly link: boolean;
  /** Indices of the VIPs whose presence may have changed. */
  readonly vips: ReadonlySet<number>;
}

export class VipNetwork {
  readonly ports: AdvertPorts;
  readonly streams: AdvertStreams;
  readonly #plan: AgentPlan;
  readonly #vips: readonly PlannedAddress[];
  /** By address its place among them. */
  readonly #places: ReadonlyMap<string, number>;
  /** Addresses of elections that do not touch them (announce `none`). */
  readonly #untouched: ReadonlySet<string>;
  readonly #interfaces: ReadonlySet<string>;
  readonly #control = new AddressControl();
  readonly #monitor = new AddressMonitor();
  readonly #announcer: Announcer;
  readonly #neighbours = new NeighbourTable();
  readonly #parts = new LinkParts();
  #links: ReadonlyMap<string, LinkRecord> = new Map();
  #announcedTotal = 0;

  /** @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_CALL. */
  constructor(plan: AgentPlan, proofs: AdvertProofs) {
    this.#plan = plan;
    this.#vips = addressesOf(plan);
    this.#places = new Map(this.#vips.map(({ address }, index) => [address, index]));
    const silent = plan.elections.filter(({ announce }) => announce.type === 'none');
    this.#untouched = new Set(addressesOf({ elections: silent }).map(({ address }) => address));
    this.#interfaces = new Set([plan.interface, ...this.#vips.map((vip) => vip.interface)]);
    this.#announcer = new Announcer();
    this.ports = new AdvertPorts(plan);
    this.streams = new AdvertStreams(plan, this.ports, proofs);
  }

  get monitorFd(): number {
    return this.#monitor.fd;
  }

  /** Frames of announcements that have left since the start. */
  get announcedTotal(): number {
    return this.#announcedTotal;
  }

  /**
   * Takes stock at start: removes what an earlier agent left (the VIPs in any form, and addresses with our tag that are
   * no VIP any more), but keeps a VIP whose lease was renewed not before `leasedSinceMs` of its index.
   *
   * @returns What was removed, as `address/prefix`, and when the kept ones were renewed, by index, in monotonic ms.
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_ADMIN), LB_KERNEL_CALL.
   */
  takeStock(leasedSinceMs: readonly number[]): { readonly removed: string[]; readonly kept: Map<number, number> } {
    const removed: string[] = [];
    const kept = new Map<number, number>();
    this.#readLinks();
    for (const record of this.#control.list()) {
      const index = this.#vips.findIndex(({ address }) => address === record.address);
      const vip = this.#vips[index];
      if (this.#isNodes(record) || (!this.#managed(record.address) && record.protocol !== addressTag)) continue;
      const asAdded = vip !== undefined && record.protocol === addressTag && this.#isOurs(vip, record);
      if (asAdded && record.updatedAtMs >= (leasedSinceMs[index] ?? Infinity)) {
        kept.set(index, record.updatedAtMs);
        continue;
      }
      this.#control.delete(record);
      removed.push(`${record.address}/${record.prefixLength}`);
    }
    // Nothing was there: ask the kernel anyway whether this process may change addresses at all.
    const first = this.#vips[0];
    if (first !== undefined) this.endDrain(first);
    return { removed, kept };
  }

  /** Looks at all links again; opens the sockets where they are usable. @returns One report for each election. */
  refreshLinks(): readonly LinkReport[] {
    const { interface: name } = this.#plan;
    const before = this.#links.get(name)?.index;
    this.#readLinks();
    const link = this.#links.get(name);
    if (link === undefined || link.index !== before) this.ports.close();
    for (const [index, vip] of this.#vips.entries())
      this.#announcer.prepare(index, vip, this.#links.get(vip.interface));
    const sources = this.#sources(link);
    const failures = link?.running === true ? this.ports.open(link, sources) : new Map<Family, TospannError>();
    const down = this.#linkProblem(name);
    if (down !== undefined) return this.#plan.elections.map(() => ({ up: false, error: down }));
    return this.#plan.elections.map((election) => this.#report(election, sources, failures));
  }

  /** Reads the monitor; never blocks. */
  readNews(): KernelNews {
    const vips = new Set<number>();
    let link = false;
    for (const event of this.#monitor.read()) {
      link ||= this.#concernsLinks(event);
      if (event.kind === 'overflow') for (const index of this.#vips.keys()) vips.add(index);
      if (!('address' in event)) continue;
      const index = this.#places.get(event.address.address);
      if (index !== undefined && this.#managed(event.address.address)) vips.add(index);
    }
    return { link, vips };
  }

  /** All addresses of this machine now, for `look`. */
  records(): readonly AddressRecord[] {
    return this.#control.list();
  }

  /** Where the kernel has the VIP now, by all that it has. */
  look(vip: PlannedAddress, all = this.records()): AddressView {
    // On lo it is a draining one of ours, which answers no ARP and no neighbour solicitation.
    const records = all.filter(
      ({ address, interfaceIndex }) => address === vip.address && interfaceIndex !== loopbackIndex,
    );
    const others = records.filter((record) => !this.#isOurs(vip, record));
    return { ours: others.length < records.length, others };
  }

  removeOthers(records: readonly AddressRecord[]): void {
    for (const record of records) this.#control.delete(record);
  }

  /**
   * Adds the VIP with a lease, or renews it.
   *
   * @returns LB_VRRP_ADDRESS_REFUSED when the kernel does not take it.
   */
  own(vip: PlannedAddress, validSeconds: number): TospannError | undefined {
    if (!this.#managed(vip.address)) return undefined;
    try {
      this.#control.add({ ...requestOf(vip, this.#indexOf(vip)), ...lifetimes(vip.family, validSeconds) });
      return undefined;
    } catch (cause) {
      const { address, interface: name } = vip;
      const refusal = cause instanceof Error ? cause.message : String(cause);
      const detail = vip.family === 6 && ipv6IsOff(name) ? ipv6OffDetail(name) : refusal;
      return new TospannError('LB_VRRP_ADDRESS_REFUSED', { address, interface: name, detail }, { cause });
    }
  }

  /**
   * Keeps the VIP on `lo` until the kernel removes it: sockets under way go on, nobody who asks the link for the address
   * is answered (handover/drain.ts).
   *
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
   */
  keepForDrain(vip: PlannedAddress, validSeconds: number): void {
    this.#control.add({ ...requestOf(vip, loopbackIndex), ...lifetimes(vip.family, validSeconds) });
  }

  /** Ends a drain that is under way, if there is one. */
  endDrain(vip: PlannedAddress): void {
    if (this.#managed(vip.address)) this.#control.delete(requestOf(vip, loopbackIndex));
  }

  release(vip: PlannedAddress): void {
    if (this.#managed(vip.address)) this.#control.delete(requestOf(vip, this.#indexOf(vip)));
  }

  /** Announces a VIP once. */
  announce(index: number): void {
    if (!this.#managed(this.#vips[index]?.address ?? '')) return;
    this.#announcedTotal += this.#announcer.announce(index);
  }

  /** Tells the link once that the peer whose adverts come from `source` has these VIPs, if the kernel knows where it is. */
  pointTo(vips: readonly PlannedAddress[], source: string): void {
    const link = this.#links.get(this.#plan.interface);
    const mac = link === undefined ? undefined : this.#macOf(source, link);
    if (link === undefined || mac === undefined) return;
    for (const vip of vips) {
      // On another interface the peer has another, unknown hardware address.
      if (!this.#managed(vip.address) || vip.interface !== link.name) continue;
      this.#announcedTotal += this.#announcer.pointTo(vip, { link, mac });
    }
  }

  #macOf(source: string, link: LinkRecord): Uint8Array | undefined {
    try {
      const mac = this.#neighbours.macOf(source, link.index);
      return mac?.length === link.mac.length ? mac : undefined;
    } catch (error) {
      if (isTospannError(error)) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#neighbours.close();
    this.ports.close();
    this.#announcer.close();
    this.#monitor.close();
    this.#control.close();
  }

  /** Whether the address is one of ours to add and remove. */
  #managed(address: string): boolean {
    return !this.#untouched.has(address) && this.#places.has(address);
  }

  #isNodes({ address }: AddressRecord): boolean {
    return address === this.#plan.address || address === this.#plan.address6;
  }

  #isOurs(vip: PlannedAddress, record: AddressRecord): boolean {
    return record.interfaceIndex === this.#indexOf(vip) && record.prefixLength === hostPrefix[vip.family];
  }

  #indexOf(vip: PlannedAddress): number {
    return this.#links.get(vip.interface)?.index ?? 0;
  }

  #readLinks(): void {
    const links = this.#control.links().filter(({ name }) => this.#interfaces.has(name));
    this.#links = new Map(links.map((link) => [link.name, link]));
  }

  #sources(link: LinkRecord | undefined): Sources {
    const { address, address6 } = this.#plan;
    const usable = this.#control.list(link?.index ?? -1).filter(({ flags }) => (flags & AddressFlag.TENTATIVE) === 0);
    const own = (wanted: string | undefined): string | undefined =>
      usable.find((record) => record.address === wanted)?.address;
    const linkLocals = usable
      .map((record) => record.address)
      .filter((text) => /^fe[89ab]/.test(text) && !this.#places.has(text));
    // The one in use as long as it is there: peers know a node by its source.
    const multicast = linkLocals.find((text) => text === this.ports.source(6, 'multicast')) ?? linkLocals[0];
    return { 4: own(address), 6: { unicast: own(address6), multicast } };
  }

  /** The node's own link is up: what of an election can be heard, and which addresses can be served? */
  #report(election: PlannedElection, sources: Sources, failures: ReadonlyMap<Family, TospannError>): LinkReport {
    const { transport } = election.machine;
    const families = [...new Set(election.routers.map((router) => router.family))];
    const unheard = families.flatMap((family) => {
      const source = family === 4 ? sources[4] : sources[6][transport];
      return source === undefined ? this.#sourceMissing(family, transport) : (failures.get(family) ?? []);
    });
    const own = this.#control.list().filter(({ address }) => !this.#places.has(address));
    const vips = election.announce.type === 'none' ? [] : election.addresses;
    const parts = vips.flatMap((vip) => this.#parts.problemOf(vip, this.#links.get(vip.interface), own) ?? []);
    const gone = parts.filter((part) => part.gone).map(({ error }) => error);
    const [first] = unheard.length === families.length ? unheard : gone.length === vips.length ? gone : [];
    if (first !== undefined) return { up: false, error: first };
    return { up: true, lacks: [...unheard, ...parts.map(({ error }) => error)] };
  }

  #sourceMissing(family: Family, transport: 'unicast' | 'multicast'): TospannError {
    const { address, address6, interface: name, node } = this.#plan;
    if (family === 4) return new TospannError('LB_VRRP_ADDRESS_MISSING', { address, interface: name, node });
    const wanted = transport === 'multicast' ? 'link-local address' : address6;
    const detail = wanted === undefined ? 'cluster.nodes has no address6 for it' : `it has no usable ${wanted}`;
    return new TospannError('LB_VRRP_NO_IPV6', { interface: name, node, detail });
  }

  #linkProblem(name: string): TospannError | undefined {
    const link = this.#links.get(name);
    if (link === undefined) return new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name });
    return link.running ? undefined : new TospannError('LB_VRRP_INTERFACE_DOWN', { interface: name });
  }

  #concernsLinks(event: AddressEvent): boolean {
    if (event.kind === 'overflow') return true;
    if ('link' in event) return this.#interfaces.has(event.link.name) || this.#isLinkIndex(event.link.index);
    // An own address that appears, goes or has passed its duplicate address detection.
    return this.#isLinkIndex(event.address.interfaceIndex) && !this.#managed(event.address.address);
  }

  #isLinkIndex(index: number): boolean {
    return [...this.#links.values()].some((link) => link.index === index);
  }
}

function requestOf(
  { address, family }: PlannedAddress,
  interfaceIndex: number,
): { interfaceIndex: number; address: string; prefixLength: number } {
  return { interfaceIndex, address, prefixLength: hostPrefix[family] };
}

/**
 * An IPv6 VIP is used at once (no duplicate address detection: the old owner may still have it), brings no route, and is
 * deprecated from the start: the kernel never chooses it as the source of connections that this node opens (measured,
 * also that such an address accepts connections as any other). Kernel 6.18 removes a leased one 0 to 0.3 s after its
 * end, like IPv4; the same request renews it.
 */
function lifetimes(
  family: Family,
  validSeconds: number,
): { validSeconds: number; preferredSeconds: number; protocol: number; flags: number } {
  if (family === 4) return { validSeconds, preferredSeconds: validSeconds, protocol: addressTag, flags: 0 };
  const flags = AddressFlag.NODAD | AddressFlag.NOPREFIXROUTE;
  return { validSeconds, preferredSeconds: 0, protocol: addressTag, flags };
}
