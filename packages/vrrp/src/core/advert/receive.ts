// Is a packet a valid advert for one of our routers? The checks that need the configuration, after those of the decoder:
// router id, sender, transport, version, authentication, interval of version 2. Only what passes all of them may reach
// an election, so nothing else can touch a timer. What claims our router id and is well formed, but does not pass, is a
// contender: evidence. Pure but for the replay window; the caller counts the reasons.
import { claimedRouter, decodeAdvert, type DecodeObjection, type ReceivedAdvert } from './advert-decode.ts';
import { isAuthentic, readTrailer, sameBytes, type Hmac } from './auth-hmac.ts';
import { isLinkLocal6, sameIp, vrrpGroup4, vrrpGroup6, type IpBytes } from './ip.ts';
import { ReplayWindow, type HeardSequence, type Moment, type Vouched } from './replay.ts';

/** Why a packet was dropped; the keys of the drop counters. */
export type DropReason =
  | DecodeObjection
  | 'router-id'
  | 'own-source'
  | 'unknown-source'
  | 'transport'
  /** Of version 2: authentication of another type than ours. */
  | 'auth-type'
  /** Not signed, though signed ones are required. */
  | 'auth-missing'
  /** A trailer of another format. */
  | 'auth-format'
  /** Signed with a key that we do not have. */
  | 'auth-key'
  /** Another password, or a wrong MAC. */
  | 'auth-failed'
  | 'replayed'
  /** The first one since the start, and too old to be from now (replay.ts). */
  | 'stale';

/** What a router demands as proof. */
export type RequiredProof =
  | { readonly type: 'none' }
  /** 8 bytes. */
  | { readonly type: 'password'; readonly password: Uint8Array }
  | {
      readonly type: 'hmac';
      readonly keys: ReadonlyMap<number, Uint8Array>;
      /** permissive: adverts without a trailer count; a wrong one never does. */
      readonly mode: 'enforce' | 'permissive';
      readonly hmac: Hmac;
    };

/** What one router accepts. */
export interface ReceiveFilter {
  readonly routerId: number;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  /** Version 2: the adverts' must be the same. Version 3 adopts theirs. */
  readonly intervalMs: number;
  readonly ownAddress: IpBytes;
  /** Of the family. IPv6 multicast comes from link-local addresses, which no configuration knows: any is taken. */
  readonly peers: readonly IpBytes[];
  readonly transport: 'unicast' | 'multicast';
  readonly proof: RequiredProof;
}

export type Received =
  /** `index` is the filter's; `unsigned`: it was taken without a trailer though we have keys. */
  | { readonly ok: true; readonly index: number; readonly advert: ReceivedAdvert; readonly unsigned: boolean }
  | {
      readonly ok: false;
      /** The filter that the packet claims to be for; -1 for none. */
      readonly index: number;
      readonly reason: DropReason;
      /** Well formed, and of our router id: somebody means it. */
      readonly contender?: { readonly source: IpBytes; readonly isPeer: boolean };
    };

/** Judges packets for some routers; remembers the sequences of signed adverts. */
export class AdvertReceiver {
  #filters: readonly ReceiveFilter[] = [];
  readonly #windows: ReplayWindow[] = [];
  readonly #kept: readonly (readonly HeardSequence[])[];
  #vouched: Vouched | undefined;

  /** @param kept What an earlier life of this node has heard, by filter. */
  constructor(filters: readonly ReceiveFilter[], kept: readonly (readonly HeardSequence[])[] = []) {
    this.#kept = kept;
    this.setFilters(filters);
  }

  /** The highest sequence of each sender, by filter: what is to be kept over a restart. */
  get heard(): readonly (readonly HeardSequence[])[] {
    return this.#filters.map((_, index) => this.#window(index).heard);
  }

  /** The one peer has said over the peer link where its sequence stands. */
  vouch(vouched: Vouched): void {
    this.#vouched = vouched;
    for (const window of this.#windows) window.vouch(vouched);
  }

  /** New filters, in the same order: what was heard before stays known. */
  setFilters(filters: readonly ReceiveFilter[]): void {
    this.#filters = filters;
  }

  /**
   * Decodes and judges one packet of a raw socket.
   *
   * @param packet From the IP header on; borrowed, not kept.
   * @param now Only for the replay window.
   * @returns The advert and whose it is, or the first reason against it. Never throws.
   */
  receive(packet: Uint8Array, now: Moment): Received {
    const claimed = claimedRouter(packet);
    const index = this.#filters.findIndex(
      ({ routerId, family }) => routerId === claimed.routerId && family === claimed.family,
    );
    const decoded = decodeAdvert(packet);
    if (!decoded.ok) return { ok: false, index, reason: decoded.reason };
    const filter = this.#filters[index];
    if (filter === undefined) return { ok: false, index: -1, reason: 'router-id' };
    const { advert } = decoded;
    const reason = objection(advert, filter) ?? this.#refusal(advert, { index, filter, now });
    if (reason !== undefined) return { ok: false, index, reason, contender: contenderOf(advert, filter) };
    const unsigned = filter.proof.type === 'hmac' && advert.trailer === undefined;
    return { ok: true, index, advert, unsigned };
  }

  /** What is wrong with the proof; and for version 2, behind it, the interval: only a peer's counts. */
  #refusal(
    advert: ReceivedAdvert,
    { index, filter, now }: { readonly index: number; readonly filter: ReceiveFilter; readonly now: Moment },
  ): DropReason | undefined {
    const { proof } = filter;
    const reason = proof.type === 'hmac' ? hmacRefusal(advert, proof) : passwordRefusal(advert, proof);
    if (reason !== undefined) return reason;
    if (advert.version === 2 && advert.intervalMs !== filter.intervalMs) return 'interval';
    const trailer = proof.type === 'hmac' && advert.trailer !== undefined ? readTrailer(advert.trailer) : undefined;
    if (trailer === undefined) return undefined;
    const verdict = this.#window(index).accept(advert.source, trailer.sequence, now);
    return verdict === 'fresh' ? undefined : verdict;
  }

  /** All of them exist up to the highest that was asked for: filters have places without gaps. */
  #window(index: number): ReplayWindow {
    while (this.#windows.length <= index) {
      const window = new ReplayWindow(this.#kept[this.#windows.length]);
      if (this.#vouched !== undefined) window.vouch(this.#vouched);
      this.#windows.push(window);
    }
    return this.#windows[index] ?? new ReplayWindow();
  }
}

function objection(advert: ReceivedAdvert, filter: ReceiveFilter): DropReason | undefined {
  if (sameIp(advert.source, filter.ownAddress)) return 'own-source';
  // The peer list is checked for multicast too: a stranger who uses our router id is a configuration fault.
  if (!isKnown(advert.source, filter)) return 'unknown-source';
  const group = filter.family === 4 ? vrrpGroup4 : vrrpGroup6;
  const wanted = filter.transport === 'multicast' ? group : filter.ownAddress;
  if (!sameIp(advert.destination, wanted)) return 'transport';
  return advert.version === filter.version ? undefined : 'version';
}

function isKnown(source: IpBytes, { family, transport, peers }: ReceiveFilter): boolean {
  if (family === 6 && transport === 'multicast') return isLinkLocal6(source);
  return peers.some((peer) => sameIp(peer, source));
}

function passwordRefusal(
  advert: ReceivedAdvert,
  proof: Exclude<RequiredProof, { type: 'hmac' }>,
): DropReason | undefined {
  // RFC 3768 knows no authentication but keeps the field; RFC 2338: the type must be the same at both ends.
  if (advert.authType !== (proof.type === 'password' ? 1 : 0)) return 'auth-type';
  if (proof.type === 'none') return undefined;
  return sameBytes(advert.authData, proof.password) ? undefined : 'auth-failed';
}

function hmacRefusal(
  advert: ReceivedAdvert,
  { keys, mode, hmac }: Extract<RequiredProof, { type: 'hmac' }>,
): DropReason | undefined {
  if (advert.authType !== 0) return 'auth-type';
  if (advert.trailer === undefined) return mode === 'permissive' ? undefined : 'auth-missing';
  const trailer = readTrailer(advert.trailer);
  if (trailer === undefined) return 'auth-format';
  const key = keys.get(trailer.keyId);
  if (key === undefined) return 'auth-key';
  return isAuthentic(advert.message, advert.trailer, { ...advert, key, hmac }) ? undefined : 'auth-failed';
}

function contenderOf(advert: ReceivedAdvert, filter: ReceiveFilter): { source: IpBytes; isPeer: boolean } {
  return { source: advert.source, isPeer: isKnown(advert.source, filter) };
}
