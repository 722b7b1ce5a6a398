// The agent's hands on the kernel: raw sockets of one interface, its link and addresses through rtnetlink, gratuitous
// ARP. It decides nothing: the loop asks and tells. Lives on the loop's thread. RFC 9568 section 5.1, RFC 5227.
import { isTospannError, TospannError } from '@tospann/errors';
import {
  AddressControl,
  AddressMonitor,
  closeFd,
  encodeDestination,
  encodeGratuitousArp,
  encodePacketAddress,
  errnoName,
  openPacketSender,
  openRawReceiver,
  openRawSender,
  receivePacket,
  sendPacket,
  type AddressRecord,
  type LinkRecord,
} from '@tospann/linux';
import { encodeAdvert, type ChecksumDialect } from '../core/advert.ts';
import { parseAddress, vrrpGroup } from '../core/ipv4.ts';
import { addressesOf, type AgentPlan, type PlannedAddress, type PlannedElection } from '../core/plan.ts';

const vrrpProtocol = 112;
const group = '224.0.0.18';
/** IFA_PROTO of the addresses that this agent adds: the number of VRRP, so that a stale one is known at start. */
const addressTag = 112;
const hostPrefix = 32;
/** In every network namespace `lo` is the first interface. */
const loopbackIndex = 1;

/** Whether adverts can leave the interface; the error says what is missing. */
export type LinkReport = { readonly up: true } | { readonly up: false; readonly error: TospannError };

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

interface Port {
  readonly receiveFd: number;
  readonly sendFd: number;
  readonly destinations: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

export class VipNetwork {
  readonly #plan: AgentPlan;
  readonly #vips: readonly PlannedAddress[];
  readonly #control = new AddressControl();
  readonly #monitor = new AddressMonitor();
  readonly #packetFd: number;
  readonly #ports = new Map<'unicast' | 'multicast', Port>();
  readonly #frames: (readonly Uint8Array[])[] = [];
  #packetAddress = encodePacketAddress(0);
  #link: LinkRecord | undefined;

  /** @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_CALL. */
  constructor(plan: AgentPlan) {
    this.#plan = plan;
    this.#vips = addressesOf(plan);
    this.#packetFd = openPacketSender();
  }

  get monitorFd(): number {
    return this.#monitor.fd;
  }

  /** The receiving sockets by transport; -1 while there is none. */
  receiveFd(transport: 'unicast' | 'multicast'): number {
    return this.#ports.get(transport)?.receiveFd ?? -1;
  }

  /**
   * Takes stock at start: removes what an earlier agent left (the VIPs in any form, and addresses with our tag that are
   * no VIP any more), but keeps a VIP whose lease was renewed not before `warmSinceMs` of its index.
   *
   * @returns What was removed, as `address/prefix`, and when the kept ones were renewed, by index, in monotonic ms.
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_ADMIN), LB_KERNEL_CALL.
   */
  takeStock(warmSinceMs: readonly number[]): { readonly removed: string[]; readonly kept: Map<number, number> } {
    const removed: string[] = [];
    const kept = new Map<number, number>();
    const ownIndex = this.#control.links().find(({ name }) => name === this.#plan.interface)?.index;
    for (const record of this.#control.list()) {
      const index = this.#vips.findIndex(({ address }) => address === record.address);
      if (record.address === this.#plan.address || (index < 0 && record.protocol !== addressTag)) continue;
      const form = record.protocol === addressTag && record.interfaceIndex === ownIndex;
      if (form && record.prefixLength === hostPrefix && record.updatedAtMs >= (warmSinceMs[index] ?? Infinity)) {
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

  /** Looks at the interface again; opens the sockets when it is usable and they are not open for it. */
  refreshLink(): LinkReport {
    const { interface: name, address, node } = this.#plan;
    const link = this.#control.links().find((candidate) => candidate.name === name);
    if (link === undefined) {
      this.#closePorts();
      return { up: false, error: new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name }) };
    }
    if (link.index !== this.#link?.index) this.#closePorts();
    this.#link = link;
    if (!link.running) return { up: false, error: new TospannError('LB_VRRP_INTERFACE_DOWN', { interface: name }) };
    if (!this.#control.list(link.index).some((record) => record.address === address))
      return { up: false, error: new TospannError('LB_VRRP_ADDRESS_MISSING', { address, interface: name, node }) };
    try {
      this.#openPorts(link);
    } catch (error) {
      if (!isTospannError(error)) throw error;
      return { up: false, error };
    }
    return { up: true };
  }

  /** Reads the monitor; never blocks. */
  readNews(): KernelNews {
    const vips = new Set<number>();
    let link = false;
    for (const event of this.#monitor.read()) {
      if (event.kind === 'overflow') {
        link = true;
        for (const index of this.#vips.keys()) vips.add(index);
      } else if ('link' in event) {
        link ||= event.link.name === this.#plan.interface || event.link.index === this.#link?.index;
      } else {
        link ||= event.address.address === this.#plan.address;
        const index = this.#vips.findIndex((vip) => vip.address === event.address.address);
        if (index >= 0) vips.add(index);
      }
    }
    return { link, vips };
  }

  /** Where the kernel has the VIP now. */
  look(vip: PlannedAddress): AddressView {
    // On lo it is a draining one of ours, which answers no ARP.
    const records = this.#control
      .list()
      .filter(({ address, interfaceIndex }) => address === vip.address && interfaceIndex !== loopbackIndex);
    const isOurs = (record: AddressRecord): boolean =>
      record.interfaceIndex === this.#link?.index && record.prefixLength === hostPrefix;
    return { ours: records.some(isOurs), others: records.filter((record) => !isOurs(record)) };
  }

  removeOthers(records: readonly AddressRecord[]): void {
    for (const record of records) this.#control.delete(record);
  }

  /**
   * Adds the VIP with a lease, or renews it.
   *
   * @throws {TospannError} LB_VRRP_ADDRESS_REFUSED.
   */
  own(vip: PlannedAddress, validSeconds: number): void {
    const { interface: name } = this.#plan;
    try {
      this.#control.add({
        interfaceIndex: this.#link?.index ?? 0,
        address: vip.address,
        prefixLength: hostPrefix,
        validSeconds,
        preferredSeconds: validSeconds,
        protocol: addressTag,
      });
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new TospannError('LB_VRRP_ADDRESS_REFUSED', { address: vip.address, interface: name, detail }, { cause });
    }
  }

  /**
   * Keeps the VIP on `lo` until the kernel removes it: sockets under way go on, ARP is not answered (ArpManners).
   *
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
   */
  keepForDrain(vip: PlannedAddress, validSeconds: number): void {
    const { address } = vip;
    const lifetime = { validSeconds, preferredSeconds: validSeconds, protocol: addressTag };
    this.#control.add({ interfaceIndex: loopbackIndex, address, prefixLength: hostPrefix, ...lifetime });
  }

  /** Ends a drain that is under way, if there is one. */
  endDrain(vip: PlannedAddress): void {
    this.#control.delete({ interfaceIndex: loopbackIndex, address: vip.address, prefixLength: hostPrefix });
  }

  release(vip: PlannedAddress): void {
    this.#control.delete({ interfaceIndex: this.#link?.index ?? 0, address: vip.address, prefixLength: hostPrefix });
  }

  /**
   * Sends one advert to every peer, or to the group.
   *
   * @returns Empty when one of them left, else the errno's name.
   */
  sendAdvert(
    election: PlannedElection,
    advert: { readonly priority: number; readonly dialect: ChecksumDialect },
  ): string {
    const port = this.#ports.get(election.machine.transport);
    const router = election.routers[0];
    if (port === undefined || router === undefined) return 'no socket';
    const { routerId, addresses } = router;
    const intervalMs = election.machine.intervalUs / 1000;
    const message = { routerId, priority: advert.priority, intervalMs, addresses: addresses.map(parseAddress) };
    const ownAddress = parseAddress(this.#plan.address);
    let failure = '';
    let left = port.destinations.length === 0;
    for (const destination of port.destinations) {
      const route = { source: ownAddress, destination: destination.address, dialect: advert.dialect };
      const errno = sendPacket(port.sendFd, encodeAdvert(message, route), destination.bytes);
      if (errno === 0) left = true;
      else failure = errnoName(errno);
    }
    return left ? '' : failure;
  }

  /** Sends the gratuitous ARP of a VIP in both forms. @returns How many frames left. */
  announce(index: number): number {
    let sent = 0;
    for (const frame of this.#frames[index] ?? [])
      if (sendPacket(this.#packetFd, frame, this.#packetAddress) === 0) sent++;
    return sent;
  }

  /**
   * Reads one packet.
   *
   * @returns Its length; -1 when none is waiting; 0 when the socket told an error (the interface went down).
   */
  receive(fd: number, into: Uint8Array): number {
    try {
      return receivePacket(fd, into);
    } catch (error) {
      if (isTospannError(error)) return 0;
      throw error;
    }
  }

  close(): void {
    this.#closePorts();
    closeFd(this.#packetFd);
    this.#monitor.close();
    this.#control.close();
  }

  #openPorts(link: LinkRecord): void {
    const { elections, peers } = this.#plan;
    this.#packetAddress = encodePacketAddress(link.index);
    this.#vips.forEach((vip, index) => {
      const forms = ['request', 'reply'] as const;
      this.#frames[index] = forms.map((form) => encodeGratuitousArp(form, link.mac, vip.address));
    });
    for (const transport of new Set(elections.map(({ machine }) => machine.transport))) {
      if (this.#ports.has(transport)) continue;
      const addresses = transport === 'multicast' ? [group] : peers.map(({ address }) => address);
      this.#ports.set(transport, this.#openPort(link, transport === 'multicast' ? group : undefined, addresses));
    }
  }

  #openPort(link: LinkRecord, multicastGroup: string | undefined, addresses: readonly string[]): Port {
    const options = {
      protocol: vrrpProtocol,
      interface: link.name,
      interfaceIndex: link.index,
      localAddress: this.#plan.address,
      ...(multicastGroup === undefined ? {} : { multicastGroup }),
    };
    const receiveFd = openRawReceiver(options);
    try {
      const destinations = addresses.map((text) => ({
        address: text === group ? vrrpGroup : parseAddress(text),
        bytes: encodeDestination(text),
      }));
      return { receiveFd, sendFd: openRawSender(options), destinations };
    } catch (error) {
      closeFd(receiveFd);
      throw error;
    }
  }

  #closePorts(): void {
    for (const { receiveFd, sendFd } of this.#ports.values()) {
      closeFd(receiveFd);
      closeFd(sendFd);
    }
    this.#ports.clear();
    this.#link = undefined;
  }
}
