// The packets that come in: read from the sockets, judged, counted by reason, and what passed is handed on as an event.
// What claims one of our router ids but is not valid is handed on as evidence, now and then. No timers, no decisions.
import { receiveAdvert, type ReceiveFilter } from '../core/receive.ts';
import { parseAddress } from '../core/ipv4.ts';
import type { AgentPlan } from '../core/plan.ts';
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
    const received = receiveAdvert(packet, this.#filters);
    const key = this.#keys[received.index];
    if (!received.ok) {
      const election = key?.election ?? this.#plan.elections.length;
      const drops = this.drops[election];
      if (drops !== undefined) drops[received.reason] = (drops[received.reason] ?? 0) + 1;
      if (key !== undefined) this.#contender(election, { reason: received.reason, source: '', nowUs });
      return;
    }
    if (key === undefined) return;
    const { advert } = received;
    if (this.#streams.follow(key, advert.dialect)) this.#handlers.onDialect(key.election, advert.dialect);
    const election = this.#plan.elections[key.election];
    const ownAddress = parseAddress(this.#plan.address);
    this.#handlers.onEvent(key.election, advertEvent(advert, election, { ownAddress, nowUs }));
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
