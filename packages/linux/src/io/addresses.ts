// Addresses of interfaces through rtnetlink: add with a lease, delete, list, watch. Needs CAP_NET_ADMIN to change.
// Microseconds a call; not shared between threads.
import {
  decodeAddress,
  decodeLink,
  encodeAddressAdd,
  encodeAddressDelete,
  encodeAddressDump,
  encodeLinkDump,
  type AddressRecord,
  type AddressRequest,
  type LinkRecord,
} from '../core/netlink-address.ts';
import { Netlink, type NetlinkMessage } from '../core/netlink.ts';
import { TospannError } from '@tospann/errors';
import { capabilityError, errnoName, ErrorNumber } from './kernel-error.ts';
import { NetlinkSocket } from './netlink-socket.ts';

const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;

/** One netlink socket for requests about addresses and links. */
export class AddressControl {
  readonly #socket = new NetlinkSocket();

  /**
   * Adds an address, or renews lease and flags of one that is there (same address and prefix length).
   *
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_ADMIN), LB_KERNEL_NO_INTERFACE, LB_KERNEL_BAD_ADDRESS,
   *   LB_KERNEL_CALL.
   */
  add(request: AddressRequest): void {
    const tried = `add address ${request.address}/${request.prefixLength}`;
    const failed = this.#socket.request(encodeAddressAdd(request, this.#socket.nextSequence()), tried);
    if (failed !== 0) throw addressError(request, tried, failed);
  }

  /**
   * Deletes exactly this address and prefix length.
   *
   * @returns false when it was not there (or its interface was not).
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_ADMIN), LB_KERNEL_BAD_ADDRESS, LB_KERNEL_CALL.
   */
  delete(request: Pick<AddressRequest, 'interfaceIndex' | 'address' | 'prefixLength'>): boolean {
    const tried = `delete address ${request.address}/${request.prefixLength}`;
    const failed = this.#socket.request(encodeAddressDelete(request, this.#socket.nextSequence()), tried);
    if (failed === ErrorNumber.EADDRNOTAVAIL || failed === ErrorNumber.ENODEV) return false;
    if (failed !== 0) throw addressError(request, tried, failed);
    return true;
  }

  /** All addresses of one interface, or of all. @throws {TospannError} LB_KERNEL_CALL. */
  list(interfaceIndex?: number): AddressRecord[] {
    const messages = this.#socket.dump((sequence) => encodeAddressDump(sequence), 'list addresses');
    const records = messages.map(decodeAddress).filter((record) => record !== null);
    return interfaceIndex === undefined ? records : records.filter((r) => r.interfaceIndex === interfaceIndex);
  }

  /** All links. @throws {TospannError} LB_KERNEL_CALL. */
  links(): LinkRecord[] {
    const messages = this.#socket.dump((sequence) => encodeLinkDump(sequence), 'list interfaces');
    return messages.filter(({ type }) => type === Netlink.NEWLINK).map(decodeLink);
  }

  /** One link by name. @throws {TospannError} LB_KERNEL_NO_INTERFACE, LB_KERNEL_CALL. */
  link(name: string): LinkRecord {
    const found = this.links().find((link) => link.name === name);
    if (found === undefined) throw new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name });
    return found;
  }

  close(): void {
    this.#socket.close();
  }
}

/** A change that somebody (also this process) made. */
export type AddressEvent =
  | { readonly kind: 'address-added' | 'address-removed'; readonly address: AddressRecord }
  | { readonly kind: 'link-changed' | 'link-removed'; readonly link: LinkRecord }
  /** Events were lost: list everything again. */
  | { readonly kind: 'overflow' };

/** Watches addresses and links; put `fd` into a Poller and call `read` when it is readable. */
export class AddressMonitor {
  readonly #socket = new NetlinkSocket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);

  get fd(): number {
    return this.#socket.fd;
  }

  /** All events that have arrived, oldest first; empty when none. @throws {TospannError} LB_KERNEL_CALL. */
  read(): AddressEvent[] {
    const events: AddressEvent[] = [];
    // Bounded, so that a flood of changes cannot hold the failover loop.
    for (let i = 0; i < 64; i++) {
      const messages = this.#socket.readNow();
      if (messages === 'empty') break;
      if (messages === 'overflow') events.push({ kind: 'overflow' });
      else for (const message of messages) appendEvent(events, message);
    }
    return events;
  }

  close(): void {
    this.#socket.close();
  }
}

function appendEvent(events: AddressEvent[], message: NetlinkMessage): void {
  if (message.type === Netlink.NEWADDR || message.type === Netlink.DELADDR) {
    const address = decodeAddress(message);
    const kind = message.type === Netlink.NEWADDR ? 'address-added' : 'address-removed';
    if (address !== null) events.push({ kind, address });
  } else if (message.type === Netlink.NEWLINK || message.type === Netlink.DELLINK) {
    const kind = message.type === Netlink.NEWLINK ? 'link-changed' : 'link-removed';
    events.push({ kind, link: decodeLink(message) });
  }
}

function addressError({ interfaceIndex }: { interfaceIndex: number }, tried: string, errno: number): TospannError {
  if (errno === ErrorNumber.ENODEV) {
    const cause = new Error(`${errnoName(errno)} while trying to ${tried}`);
    return new TospannError('LB_KERNEL_NO_INTERFACE', { interface: `index ${interfaceIndex}` }, { cause });
  }
  return capabilityError('CAP_NET_ADMIN', { call: 'rtnetlink', tried, errno });
}
