// The packets that come in: read from the sockets, judged, counted by reason, and what passed is handed on as an event.
// What claims one of our router ids but is not valid is handed on as evidence, now and then. No timers, no decisions.
import { formatIp, parseIp } from '@tospann/linux';
import { decodeAdvert6, type Advert6 } from './advert6.ts';
import { receiveAdvert, type ReceiveFilter } from '../core/receive.ts';
import { parseAddress } from '../core/ipv4.ts';
import type { AgentPlan, PlannedElection } from '../core/plan.ts';
import type { MachineEvent } from '../core/state.ts';
import { advertEvent } from './advert-event.ts';
import type { AdvertPorts } from './advert-ports.ts';
import type { AdvertStreams, StreamKey } from './advert-stream.ts';

/**
 * Packets read from a socket before timers are looked at: more than its receive buffer holds, so that all that waited is
 * read, and a flood that goes on cannot starve the timers.
 */
const packetsPerRound = 256;
const packetBytes = 2048;
/** Evidence of the same kind about the same election comes no more often: a flood is one contender. */
const contenderEveryUs = 5000;
/** Reasons that mean: somebody else uses our router id. The others are noise or damage. */
const contenderReasons: ReadonlySet<string> = new Set(['unknown-source', 'transport', 'own-source', 'version']);

type Heard6 = Advert6 & { readonly source: Uint8Array; readonly destination: Uint8Array };

export interface IntakeHandlers {
  readonly onEvent: (election: number, event: MachineEvent) => void;
  /** A router follows its peer's checksum. */
  readonly onDialect: (election: number, detail: string) => void;
}

export class AdvertIntake {
  /** Drop counters by election; the last one is for packets that belong to none. */
  readonly drops: readonly Record<string, number>[];
  readonly #plan: AgentPlan;
  readonly #ports: AdvertPorts;
  readonly #streams: AdvertStreams;
  readonly #handlers: IntakeHandlers;
  readonly #keys: readonly StreamKey[];
  readonly #packet = new Uint8Array(new ArrayBuffer(packetBytes));
  /** When evidence of a reason may come again, by election and reason: bounded by the reasons there are. */
  readonly #nextContenderUs = new Map<string, number>();
  #filters: readonly ReceiveFilter[] = [];

  constructor(
    plan: AgentPlan,
    sockets: { readonly ports: AdvertPorts; readonly streams: AdvertStreams },
    handlers: IntakeHandlers,
  ) {
    this.#plan = plan;
    this.#ports = sockets.ports;
    this.#streams = sockets.streams;
    this.#handlers = handlers;
    this.#keys = plan.elections.flatMap(({ routers }, election) => routers.map((_, router) => ({ election, router })));
    this.drops = [...plan.elections.map(() => ({})), {}];
  }

  /** The sockets were opened anew: own addresses may be others. */
  refresh(): void {
    const { elections, peers } = this.#plan;
    this.#filters = this.#keys.map(({ election, router }) => {
      const planned = elections[election];
      return {
        routerId: planned?.routers[router]?.routerId ?? 0,
        ownAddress: parseAddress(this.#plan.address),
        peers: peers.map(({ address }) => parseAddress(address)),
        transport: planned?.machine.transport ?? 'unicast',
      };
    });
  }

  /** Reads what waits in one slot, within the bound. */
  read(slot: number, now: () => number): void {
    for (let count = 0; count < packetsPerRound; count++) {
      const length = this.#ports.receive(slot, this.#packet);
      if (length < 0) return;
      if (length > 0) this.#onPacket(this.#packet.subarray(0, length), now());
    }
  }

  #onPacket(packet: Uint8Array, nowUs: number): void {
    if ((packet[0] ?? 0) >> 4 === 6) return this.#onPacket6(packet, nowUs);
    const received = receiveAdvert(packet, this.#filters);
    const key = this.#keys[received.index];
    if (!received.ok) {
      const election = key?.election ?? this.#plan.elections.length;
      const drops = this.drops[election];
      if (drops !== undefined) drops[received.reason] = (drops[received.reason] ?? 0) + 1;
      const source = formatIp(packet.subarray(12, 16));
      if (key !== undefined) this.#contender(election, { reason: received.reason, source, nowUs });
      return;
    }
    if (key === undefined) return;
    const { advert } = received;
    if (this.#streams.follow(key, advert.dialect)) this.#handlers.onDialect(key.election, advert.dialect);
    const election = this.#plan.elections[key.election];
    const ownAddress = parseAddress(this.#plan.address);
    this.#handlers.onEvent(key.election, advertEvent(advert, election, { ownAddress, nowUs }));
  }

  #onPacket6(packet: Uint8Array, nowUs: number): void {
    const key = this.#keys.find(({ election, router }) => {
      const planned = this.#plan.elections[election]?.routers[router];
      return planned?.family === 6 && planned.routerId === packet[41];
    });
    const planned = this.#plan.elections[key?.election ?? -1];
    const decoded = decodeAdvert6(packet);
    if (key === undefined || planned === undefined) return;
    const reason = decoded.ok ? this.#objection6(decoded.advert, planned.machine.transport) : decoded.reason;
    const drops = this.drops[key.election];
    if (reason !== undefined && drops !== undefined) drops[reason] = (drops[reason] ?? 0) + 1;
    if (reason !== undefined || !decoded.ok)
      return this.#contender(key.election, { reason: reason ?? '', source: formatIp(packet.subarray(8, 24)), nowUs });
    this.#onAdvert6(key, decoded.advert, nowUs);
  }

  #onAdvert6({ election, router }: StreamKey, advert: Heard6, nowUs: number): void {
    const planned = this.#plan.elections[election];
    if (planned === undefined) return;
    const listed = planned.routers[router]?.addresses ?? [];
    this.#handlers.onEvent(election, {
      type: 'advert',
      nowUs,
      source: formatIp(advert.source),
      wins: this.#wins(advert.source, planned),
      priority: advert.priority,
      intervalUs: advert.intervalMs * 1000,
      addressesDiffer:
        listed.length !== advert.addresses.length || advert.addresses.some((text) => !listed.includes(text)),
    });
  }

  /**
   * The higher source address wins a tie. An election with routers of both families has one answer for both, by the
   * nodes' IPv4 addresses: otherwise each node could win by one family, and both would yield.
   */
  #wins(source: Uint8Array, { routers, machine }: PlannedElection): boolean {
    const { peers, address } = this.#plan;
    const [peer] = peers;
    if (peer !== undefined && peers.length === 1 && routers.some(({ family }) => family === 4))
      return parseAddress(peer.address) > parseAddress(address);
    return Buffer.compare(source, parseIp(this.#ports.source(6, machine.transport) ?? '::')) > 0;
  }

  #objection6(
    advert: { readonly source: Uint8Array; readonly destination: Uint8Array },
    transport: 'unicast' | 'multicast',
  ): string | undefined {
    const source = formatIp(advert.source);
    const multicast = advert.destination[0] === 0xff;
    if (source === this.#ports.source(6, transport)) return 'own-source';
    // By multicast the source is link-local, which no configuration knows.
    const known = this.#plan.peers.some(({ address6 }) => address6 === source);
    if (!known && !(multicast && source.startsWith('fe80:'))) return 'unknown-source';
    return multicast === (transport === 'multicast') ? undefined : 'transport';
  }

  #contender(
    election: number,
    evidence: { readonly reason: string; readonly source: string; readonly nowUs: number },
  ): void {
    const { reason, source, nowUs } = evidence;
    const name = `${election} ${reason}`;
    if (!contenderReasons.has(reason) || nowUs < (this.#nextContenderUs.get(name) ?? 0)) return;
    this.#nextContenderUs.set(name, nowUs + contenderEveryUs);
    this.#handlers.onEvent(election, { type: 'contender', nowUs, source, fromPeer: false, reason });
  }
}
