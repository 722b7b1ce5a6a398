// The packets that come in: read from the sockets, judged, counted by reason, and what passed is handed on as an event.
// What claims one of our router ids but is not valid is handed on as evidence, now and then. No timers, no decisions.
import { isIP } from 'node:net';
import { formatIp, monotonicMs, parseIp } from '@tospann/linux';
import type { ReceivedAdvert } from '../../core/advert/advert-decode.ts';
import { compareIp, type IpBytes } from '../../core/advert/ip.ts';
import type { AgentPlan, PlannedElection } from '../../core/plan.ts';
import type { HeardSequence, Vouched } from '../../core/advert/replay.ts';
import { AdvertReceiver, type DropReason, type Received, type ReceiveFilter } from '../../core/advert/receive.ts';
import type { MachineEvent } from '../../core/state.ts';
import { type UnsignedNotice, UnsignedWatch } from '../../core/advert/unsigned-watch.ts';
import type { SequenceMark } from './advert-clock.ts';
import type { AdvertPorts } from './advert-ports.ts';
import type { AdvertProofs } from './advert-proof.ts';
import type { AdvertStreams, StreamKey } from './advert-stream.ts';

/**
 * Packets read from a socket before timers are looked at: more than its receive buffer holds, so that all that waited is
 * read, and a flood that goes on cannot starve the timers.
 */
const packetsPerRound = 256;
const packetBytes = 2048;
/** Evidence from the same side about the same election comes no more often than twice an advert interval: a flood is one contender. */
const contendersPerInterval = 2;
/** Reasons that a peer of ours may have which lives but is configured otherwise: it has not lost the address. */
const peersOwnReasons: ReadonlySet<DropReason> = new Set([
  'version',
  'interval',
  'auth-type',
  'auth-missing',
  'auth-format',
  'auth-key',
  'auth-failed',
]);

export interface IntakeHandlers {
  readonly onEvent: (election: number, event: MachineEvent) => void;
  /** A router follows its peer's checksum. */
  readonly onDialect: (election: number, detail: string) => void;
  /** A peer does not sign, in mode permissive, or signs again. */
  readonly onUnsigned: (election: number, notice: UnsignedNotice) => void;
}

export interface IntakeSockets {
  readonly ports: AdvertPorts;
  readonly streams: AdvertStreams;
  readonly proofs: AdvertProofs;
  /** What an earlier life of this node has heard. */
  readonly kept: readonly SequenceMark[];
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
  /** When evidence may come again: of strangers and of the peer, for each election. */
  readonly #nextContenderUs: number[] = [];
  readonly #unsigned = new UnsignedWatch();
  readonly #receiver: AdvertReceiver;
  readonly #proofs: AdvertProofs;
  #dropped = 0;

  constructor(plan: AgentPlan, sockets: IntakeSockets, handlers: IntakeHandlers) {
    this.#plan = plan;
    this.#ports = sockets.ports;
    this.#streams = sockets.streams;
    this.#handlers = handlers;
    this.#proofs = sockets.proofs;
    this.#keys = plan.elections.flatMap(({ routers }, election) => routers.map((_, router) => ({ election, router })));
    this.#receiver = new AdvertReceiver(
      [],
      this.#keys.map((key) => sockets.kept.filter(({ router }) => router === this.#routerName(key)).map(heardOf)),
    );
    this.drops = [...plan.elections.map(() => ({})), {}];
  }

  /** The sockets were opened anew: own addresses may be others. */
  refresh(): void {
    this.#receiver.setFilters(this.#keys.flatMap((key) => this.#filterOf(key)));
  }

  /** The peer has said over the peer link where its sequence stands. */
  vouch(vouched: Vouched): void {
    this.#receiver.vouch(vouched);
  }

  /** The highest sequence of each sender: what is to be kept over a restart. */
  marks(): readonly SequenceMark[] {
    return this.#receiver.heard.flatMap((senders, index) => {
      const key = this.#keys[index];
      const router = key === undefined ? '' : this.#routerName(key);
      return senders.map(({ source, sequence, heardMs, heardUtcMs }) => ({
        router,
        source: formatIp(source),
        sequence,
        heardMs,
        heardUtcMs,
      }));
    });
  }

  #routerName({ election, router: at }: StreamKey): string {
    const router = this.#plan.elections[election]?.routers[at];
    return router === undefined ? '' : `${router.family}/${router.routerId}`;
  }

  #filterOf({ election: index, router: at }: StreamKey): ReceiveFilter[] {
    const election = this.#plan.elections[index];
    const router = election?.routers[at];
    if (election === undefined || router === undefined) return [];
    const { family, routerId } = router;
    const { transport, intervalUs } = election.machine;
    const own = this.#ports.source(family, transport) ?? (family === 4 ? this.#plan.address : '::');
    const peers = this.#plan.peers.flatMap(({ address, address6 }) => (family === 4 ? address : (address6 ?? [])));
    return [
      {
        routerId,
        family,
        version: election.version,
        intervalMs: intervalUs / 1000,
        ownAddress: parseIp(own),
        peers: peers.map(parseIp),
        transport,
        proof: this.#proofs.required(election),
      },
    ];
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
    const received = this.#receiver.receive(packet, { utcMs: Date.now(), monotonicMs: monotonicMs() });
    const key = this.#keys[received.index];
    if (!received.ok) return this.#onDrop(received, { election: key?.election, nowUs });
    if (key === undefined) return;
    const { advert } = received;
    if (received.unsigned) this.#count(key.election, 'unsigned');
    if (this.#streams.follow(key, advert.dialect)) this.#handlers.onDialect(key.election, advert.dialect ?? '');
    const election = this.#plan.elections[key.election];
    if (election === undefined) return;
    this.#noteSigning(key.election, { source: formatIp(advert.source), unsigned: received.unsigned, nowUs });
    this.#handlers.onEvent(key.election, {
      type: 'advert',
      nowUs,
      source: formatIp(advert.source),
      wins: this.#wins(advert, election),
      priority: advert.priority,
      intervalUs: advert.intervalMs * 1000,
      addressesDiffer: differ(advert, election.routers[key.router]?.addresses ?? []),
    });
  }

  #noteSigning(
    index: number,
    { source, ...advert }: { readonly source: string; readonly unsigned: boolean; readonly nowUs: number },
  ): void {
    const election = this.#plan.elections[index]?.name ?? '';
    const peer = this.#plan.peers.find(({ address, address6 }) => address === source || address6 === source);
    const sender = peer === undefined ? `the node at ${source}` : `node "${peer.name}" (${source})`;
    const notice = this.#unsigned.note({ election, sender, ...advert });
    if (notice !== undefined) this.#handlers.onUnsigned(index, notice);
  }

  #onDrop(
    { reason, contender }: Extract<Received, { ok: false }>,
    { election, nowUs }: { readonly election: number | undefined; readonly nowUs: number },
  ): void {
    this.#count(election ?? this.#plan.elections.length, reason);
    this.#dropped++;
    if (election === undefined || contender === undefined) return;
    const fromPeer = contender.isPeer && peersOwnReasons.has(reason);
    const place = election * 2 + (fromPeer ? 1 : 0);
    if (nowUs < (this.#nextContenderUs[place] ?? 0)) return;
    const intervalUs = this.#plan.elections[election]?.machine.intervalUs ?? 0;
    this.#nextContenderUs[place] = nowUs + intervalUs / contendersPerInterval;
    const source = formatIp(contender.source);
    this.#handlers.onEvent(election, { type: 'contender', nowUs, source, fromPeer, reason });
  }

  /** How many packets were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #count(election: number, reason: string): void {
    const drops = this.drops[election];
    if (drops !== undefined) drops[reason] = (drops[reason] ?? 0) + 1;
  }

  /**
   * The higher source address wins a tie. An election with routers of both families has one answer for both, by the
   * nodes' IPv4 addresses: otherwise each node could win by one family, and both would yield.
   */
  #wins({ source, family }: ReceivedAdvert, { routers, machine }: PlannedElection): boolean {
    const { peers, address } = this.#plan;
    const [peer] = peers;
    if (peer !== undefined && peers.length === 1 && routers.some((router) => router.family === 4))
      return isHigher(parseIp(peer.address), parseIp(address));
    const own = this.#ports.source(family, machine.transport) ?? (family === 4 ? address : '::');
    return isHigher(source, parseIp(own));
  }
}

/** A file is anybody's text: a source that is no address is nobody's. */
function heardOf({ source, ...heard }: SequenceMark): HeardSequence {
  return { ...heard, source: isIP(source) === 0 ? new Uint8Array(0) : parseIp(source) };
}

function isHigher(a: IpBytes, b: IpBytes): boolean {
  return compareIp(a, b) > 0;
}

function differ({ addresses }: ReceivedAdvert, ours: readonly string[]): boolean {
  return addresses.length !== ours.length || addresses.some((address) => !ours.includes(formatIp(address)));
}
