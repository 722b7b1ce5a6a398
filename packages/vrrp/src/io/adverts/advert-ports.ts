// The raw sockets of the agent: one pair (receive, send) for each family and transport that an election speaks, and one
// that only listens on the other transport, so that a stranger with our router id is seen whichever way it speaks.
// Not the adverts (advert-stream.ts), not their judgement (core/advert/receive.ts). RFC 9568 section 5.1.
import { isTospannError, type TospannError } from '@tospann/errors';
import {
  closeFd,
  encodeDestination,
  errnoName,
  openRawReceiver,
  openRawSender,
  receivePacket,
  receivePacket6,
  routerIdFilter,
  sendPacket,
  type LinkRecord,
} from '@tospann/linux';
import type { AgentPlan } from '../../core/plan.ts';

const vrrpProtocol = 112;
/** The group of each family: RFC 9568 sections 5.1.1.2 and 5.1.2.2. */
export const vrrpGroups = { 4: '224.0.0.18', 6: 'ff02::12' } as const;
/**
 * Of the receive buffer: some 170 waiting adverts. The first ones of a peer that took over during a freeze are among
 * them, and a flood cannot make the loop read for long.
 */
const receiveBufferBytes = 65_536;
/** No advert is fragmented, so none is longer than this. */
const longestPacket = 1500;

export type Family = 4 | 6;
export type Transport = 'unicast' | 'multicast';

/** A place for a receiving socket; its index is fixed, the descriptor behind it comes and goes. */
export const slots: readonly { readonly family: Family; readonly transport: Transport }[] = [
  { family: 4, transport: 'unicast' },
  { family: 4, transport: 'multicast' },
  { family: 6, transport: 'unicast' },
  { family: 6, transport: 'multicast' },
];

/** Where the adverts of a family come from; a missing one cannot be sent from now. */
export interface Sources {
  readonly 4: string | undefined;
  readonly 6: { readonly unicast: string | undefined; readonly multicast: string | undefined };
}

interface Port {
  readonly source: string;
  readonly receiveFd: number;
  /** -1 where it only listens. */
  readonly sendFd: number;
}

export class AdvertPorts {
  readonly #plan: AgentPlan;
  readonly #ports: (Port | undefined)[] = slots.map(() => undefined);
  readonly #destinations = new Map<string, Uint8Array>();

  constructor(plan: AgentPlan) {
    this.#plan = plan;
  }

  /** The receiving socket of a slot; -1 while there is none. */
  fd(slot: number): number {
    return this.#ports[slot]?.receiveFd ?? -1;
  }

  /** The address that adverts of this family leave from now; undefined while they cannot. */
  source(family: Family, transport: Transport): string | undefined {
    const port = this.#ports[slotOf(family, transport)];
    return port === undefined || port.sendFd < 0 ? undefined : port.source;
  }

  /**
   * Opens what is needed and not open, and again what is open with another source.
   *
   * @returns The first failure by family.
   */
  open(link: LinkRecord, sources: Sources): ReadonlyMap<Family, TospannError> {
    const failures = new Map<Family, TospannError>();
    for (const [slot, { family, transport }] of slots.entries()) {
      const routers = this.#routersOf(family);
      const source = family === 4 ? sources[4] : sources[6][transport];
      if (routers.length === 0 || source === undefined || this.#ports[slot]?.source !== source) this.#close(slot);
      if (routers.length === 0 || source === undefined || this.#ports[slot] !== undefined) continue;
      try {
        this.#ports[slot] = this.#openPort(link, { slot, source });
      } catch (error) {
        if (!isTospannError(error)) throw error;
        if (!failures.has(family)) failures.set(family, error);
      }
    }
    return failures;
  }

  /**
   * Reads one packet, IP header first (that of IPv6 is made).
   *
   * @returns Its length; -1 when none is waiting; 0 when the socket told an error (the interface went down).
   */
  receive(slot: number, into: Uint8Array): number {
    const fd = this.fd(slot);
    if (fd < 0) return -1;
    try {
      return slots[slot]?.family === 6 ? receivePacket6(fd, into) : receivePacket(fd, into);
    } catch (error) {
      if (isTospannError(error)) return 0;
      throw error;
    }
  }

  /** Sends one advert. @returns Empty, or the errno's name. */
  send(port: { readonly family: Family; readonly transport: Transport }, payload: Uint8Array, to: string): string {
    const fd = this.#ports[slotOf(port.family, port.transport)]?.sendFd ?? -1;
    const destination = this.#destinations.get(to);
    if (fd < 0 || destination === undefined) return 'no socket';
    const errno = sendPacket(fd, payload, destination);
    return errno === 0 ? '' : errnoName(errno);
  }

  close(): void {
    for (const slot of slots.keys()) this.#close(slot);
    this.#destinations.clear();
  }

  #routersOf(family: Family): { readonly routerId: number; readonly transport: Transport }[] {
    return this.#plan.elections.flatMap(({ routers, machine: { transport } }) =>
      routers.filter((router) => router.family === family).map(({ routerId }) => ({ routerId, transport })),
    );
  }

  #openPort(link: LinkRecord, at: { readonly slot: number; readonly source: string }): Port {
    const { family, transport } = slots[at.slot] ?? { family: 4, transport: 'unicast' };
    const routers = this.#routersOf(family);
    const options = {
      protocol: vrrpProtocol,
      interface: link.name,
      interfaceIndex: link.index,
      localAddress: at.source,
      ...(transport === 'multicast' ? { multicastGroup: vrrpGroups[family] } : {}),
    };
    const layer = family === 4 ? 'ipv4-header' : 'message';
    const ids = routers.map(({ routerId }) => routerId);
    const filter = routerIdFilter(layer, ids, longestPacket);
    const receiveFd = openRawReceiver({ ...options, filter, receiveBufferBytes });
    try {
      const speaks = routers.some((router) => router.transport === transport);
      const port = { source: at.source, receiveFd, sendFd: speaks ? openRawSender(options) : -1 };
      for (const text of [vrrpGroups[family], ...this.#peerAddresses(family)])
        this.#destinations.set(text, encodeDestination(text, family === 6 ? link.index : 0));
      return port;
    } catch (error) {
      closeFd(receiveFd);
      throw error;
    }
  }

  #peerAddresses(family: Family): string[] {
    return this.#plan.peers.flatMap(({ address, address6 }) => (family === 4 ? address : (address6 ?? [])));
  }

  #close(slot: number): void {
    const port = this.#ports[slot];
    if (port === undefined) return;
    closeFd(port.receiveFd);
    if (port.sendFd >= 0) closeFd(port.sendFd);
    this.#ports[slot] = undefined;
  }
}

function slotOf(family: Family, transport: Transport): number {
  return slots.findIndex((slot) => slot.family === family && slot.transport === transport);
}
