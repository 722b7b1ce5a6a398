// What of an election this node cannot serve though its own link is up: an address whose interface is down, has IPv6 switched
// off or has lost this node's own address of that network. A part that is not served takes not the rest with it; it is
// known before a take-over. Reads /proc; changes nothing.
import { readFileSync } from 'node:fs';
import { TospannError } from '@tospann/errors';
import { AddressFlag, type AddressRecord, type LinkRecord, parseIp } from '@tospann/linux';
import type { PlannedAddress } from '../core/plan.ts';

/** An address that cannot be served; `gone`: its interface is. */
export interface PartProblem {
  readonly error: TospannError;
  readonly gone: boolean;
}

export class LinkParts {
  /** By VIP: the network of an own address that covered it once since the start. */
  readonly #networks = new Map<string, string>();

  /**
   * @param records The node's own addresses, without VIPs.
   * @returns What stands against serving this address here.
   */
  problemOf(
    vip: PlannedAddress,
    link: LinkRecord | undefined,
    records: readonly AddressRecord[],
  ): PartProblem | undefined {
    const { address, interface: name } = vip;
    if (link === undefined)
      return { error: new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name }), gone: true };
    if (!link.running) return { error: new TospannError('LB_VRRP_INTERFACE_DOWN', { interface: name }), gone: true };
    if (vip.family === 6 && ipv6IsOff(name)) {
      const detail = ipv6OffDetail(name);
      return { error: new TospannError('LB_VRRP_ADDRESS_REFUSED', { address, interface: name, detail }), gone: true };
    }
    const around = records.find((record) => record.interfaceIndex === link.index && covers(record, address));
    if (around !== undefined) this.#networks.set(address, `${around.address}/${around.prefixLength}`);
    const network = this.#networks.get(address);
    if (around !== undefined || network === undefined) return undefined;
    return { error: new TospannError('LB_VRRP_NETWORK_LOST', { address, interface: name, network }), gone: false };
  }
}

/** Whether the address is in the network of an own one that can be used. */
function covers({ address, prefixLength, flags }: AddressRecord, vip: string): boolean {
  if ((flags & AddressFlag.TENTATIVE) !== 0 || address.includes(':') !== vip.includes(':')) return false;
  const [own, other] = [parseIp(address), parseIp(vip)];
  if (prefixLength === 0 || prefixLength >= 8 * own.length) return false;
  return own.every((byte, at) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, prefixLength - 8 * at)));
    return (byte & mask) === ((other[at] ?? 0) & mask);
  });
}

/** Whether the kernel takes no IPv6 address on this interface. */
export function ipv6IsOff(interfaceName: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/disable_ipv6`, 'utf8').trim() === '1';
  } catch {
    return true;
  }
}

export function ipv6OffDetail(interfaceName: string): string {
  return `net.ipv6.conf.${interfaceName}.disable_ipv6 is 1`;
}
