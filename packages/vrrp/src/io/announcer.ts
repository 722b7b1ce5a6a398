// Tells a link who has an address: gratuitous ARP in both forms (RFC 5227), or the unsolicited neighbour advertisement
// (RFC 4861 section 7.2.6). Frames are made once for each state of the link. When they go out is core/garp.ts.
import { readFileSync } from 'node:fs';
import {
  closeFd,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodePacketAddress,
  ETHERTYPE_IPV6,
  openPacketSender,
  sendPacket,
  type LinkRecord,
} from '@tospann/linux';
import type { PlannedAddress } from '../core/plan.ts';

interface Frame {
  readonly bytes: Uint8Array;
  readonly to: Uint8Array;
}

const ethernetAddressBytes = 6;

export class Announcer {
  readonly #fd = openPacketSender();
  readonly #frames: (readonly Frame[])[] = [];

  /** Makes the frames of one VIP for its link; none without a link, or where it has no Ethernet address (a tunnel). */
  prepare(index: number, vip: PlannedAddress, link: LinkRecord | undefined): void {
    this.#frames[index] = link?.mac.length === ethernetAddressBytes ? framesOf(vip, link) : [];
  }

  /** Sends the frames of a VIP. @returns How many left. */
  announce(index: number): number {
    let sent = 0;
    for (const { bytes, to } of this.#frames[index] ?? []) if (sendPacket(this.#fd, bytes, to) === 0) sent++;
    return sent;
  }

  /** Sends the frames that say of a VIP that another node of the link has it. @returns How many left. */
  pointTo(vip: PlannedAddress, { link, mac }: { readonly link: LinkRecord; readonly mac: Uint8Array }): number {
    let sent = 0;
    for (const { bytes, to } of framesOf(vip, { ...link, mac })) {
      // They leave from here: a switch that learns senders must not look for the other node behind this port.
      bytes.set(link.mac, ethernetAddressBytes);
      if (sendPacket(this.#fd, bytes, to) === 0) sent++;
    }
    return sent;
  }

  close(): void {
    closeFd(this.#fd);
  }
}

function framesOf({ address, family }: PlannedAddress, { index, mac, name }: LinkRecord): Frame[] {
  if (family === 4) {
    const to = encodePacketAddress(index);
    return (['request', 'reply'] as const).map((form) => ({ bytes: encodeGratuitousArp(form, mac, address), to }));
  }
  const bytes = encodeNeighbourAdvertisement(mac, address, forwards(name));
  return [{ bytes, to: encodePacketAddress(index, bytes.subarray(0, ethernetAddressBytes), ETHERTYPE_IPV6) }];
}

/** Whether hosts may have this node as their router. */
function forwards(interfaceName: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/forwarding`, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}
