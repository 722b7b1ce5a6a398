// Mutated packets against the receiver, judged by an oracle that knows nothing of the decoder: what was accepted is built
// again from what the receiver says of it, and must be the packet; a signature is computed again by plain node:crypto.
//   node --conditions=@tospann/source packages/vrrp/test/fuzz.ts [COUNT] [SEED]
import { createHmac } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { parseIp } from '@tospann/linux';
import { encodeAdvert, type Advert, type AdvertProof, type AdvertRoute } from '../src/core/advert/advert.ts';
import type { ReceivedAdvert } from '../src/core/advert/advert-decode.ts';
import { hmacTrailer, type Hmac } from '../src/core/advert/auth-hmac.ts';
import { passwordBytes } from '../src/core/advert/auth-password.ts';
import { vrrpGroup6 } from '../src/core/advert/ip.ts';
import { AdvertReceiver, type ReceiveFilter } from '../src/core/advert/receive.ts';
import { ipPacket } from './packets.ts';

export interface FuzzReport {
  readonly packets: number;
  readonly accepted: number;
  readonly byReason: Readonly<Record<string, number>>;
  readonly packetsPerSecond: number;
  /** Packets that were accepted and are not valid, as hexadecimal digits; at most 10. */
  readonly wrong: readonly string[];
}

const hmac: Hmac = (key, bytes) => createHmac('sha256', key).update(bytes).digest();
const key = new Uint8Array(32).fill(9);
const own = parseIp('10.99.0.2');
const peer = parseIp('10.99.0.3');
const own6 = parseIp('fe80::2');
const peer6 = parseIp('fe80::3');
const common = { intervalMs: 100, ownAddress: own, peers: [peer], family: 4, transport: 'unicast' } as const;
const password = { type: 'password', password: passwordBytes('secret') } as const;

/** One router for each form of advert that there is. */
const filters: readonly ReceiveFilter[] = [
  { ...common, routerId: 1, version: 3, proof: { type: 'none' } },
  { ...common, routerId: 2, version: 2, intervalMs: 1000, proof: { type: 'none' } },
  { ...common, routerId: 3, version: 2, intervalMs: 1000, proof: password },
  { ...common, routerId: 4, version: 3, proof: { type: 'hmac', keys: new Map([[1, key]]), mode: 'enforce', hmac } },
  {
    ...common,
    routerId: 5,
    version: 3,
    family: 6,
    transport: 'multicast',
    ownAddress: own6,
    peers: [],
    proof: { type: 'none' },
  },
];

/** xorshift32: quick enough for ten million packets. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

function good(filter: ReceiveFilter, sequence: bigint, priority: number): Uint8Array {
  const { version, routerId, family, intervalMs, proof: required } = filter;
  const addresses = family === 6 ? [parseIp('fe80::64'), parseIp('fd00::64')] : [parseIp('10.99.0.100')];
  const advert: Advert = { version, routerId, priority, intervalMs, addresses };
  const source = family === 6 ? peer6 : peer;
  const destination = family === 6 ? vrrpGroup6 : own;
  const route: AdvertRoute = { source, destination, dialect: 'pseudo-header' };
  let proof: AdvertProof = { type: 'none' };
  if (required.type === 'password') proof = required;
  if (required.type === 'hmac') {
    const by = { keyId: 1, key, sequence, hmac };
    proof = { type: 'trailer', trailerOf: (message) => hmacTrailer(message, { version, routerId, source }, by) };
  }
  return ipPacket(encodeAdvert(advert, route, proof), source, destination);
}

/** Damage of every kind; one in sixteen stays whole, so that acceptance is tried too. */
function mutate(packet: Uint8Array, random: (below: number) => number): Uint8Array {
  const kind = random(16);
  if (kind === 0) return packet;
  if (kind === 1) return packet.subarray(0, random(packet.length));
  if (kind === 2) return new Uint8Array(random(120)).map(() => random(256));
  const changed = new Uint8Array(packet.length + (kind === 3 ? random(40) : 0));
  changed.set(packet);
  for (let count = 1 + random(kind < 8 ? 1 : 4); count > 0; count--) {
    const at = random(changed.length);
    if (kind % 3 === 0) changed[at] = random(256);
    else changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
  }
  if (kind === 4) repairChecksum(changed);
  return changed;
}

/** An attacker can do that: the checksum of the message alone is right again. */
function repairChecksum(packet: Uint8Array): void {
  const from = packet[0] === 0x60 ? 40 : 20;
  if (packet.length < from + 8 || from === 40) return;
  packet.fill(0, from + 6, from + 8);
  let sum = 0;
  for (let at = from; at < packet.length; at += 2) sum += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set([(~sum >> 8) & 255, ~sum & 255], from + 6);
}

/** Is the packet what the receiver says of it? */
function isValid(packet: Uint8Array, advert: ReceivedAdvert, filter: ReceiveFilter): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const isIp6 = filter.family === 6;
  const [header, end, protocol, hops] = isIp6
    ? [40, 40 + view.getUint16(4), packet[6], packet[7]]
    : [(view.getUint8(0) & 15) * 4, view.getUint16(2), packet[9], packet[8]];
  if (hops !== 255 || protocol !== 112) return false;
  if (advert.routerId !== filter.routerId || advert.version !== filter.version) return false;
  const route = { ...advert, dialect: advert.dialect ?? 'pseudo-header' };
  const again = encodeAdvert(advert, route, filter.proof.type === 'password' ? filter.proof : { type: 'none' });
  const body = packet.subarray(header, end);
  return isSame(again, body, filter) && (filter.proof.type !== 'hmac' || isSigned(body, again.length, advert));
}

/**
 * Without the checksum, whose dialect and padding may differ, the reserved bits of version 3, and the authentication data
 * of version 2 without a password, which RFC 3768 section 5.3.10 has ignored.
 */
function isSame(again: Uint8Array, body: Uint8Array, { version, proof }: ReceiveFilter): boolean {
  const unused = version === 2 && proof.type === 'none' ? 8 : 0;
  return again.subarray(0, again.length - unused).every((byte, at) => {
    const mask = version === 3 && at === 4 ? 15 : 255;
    return at === 6 || at === 7 || byte === ((body[at] ?? 0) & mask);
  });
}

function isSigned(body: Uint8Array, length: number, { version, routerId, source }: ReceivedAdvert): boolean {
  const mac = createHmac('sha256', key);
  mac.update(Uint8Array.of(4, version, routerId, 0, ...source, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  mac.update(body.subarray(0, 6));
  mac.update(new Uint8Array(2));
  mac.update(body.subarray(8, length + 12));
  mac.update(new Uint8Array(16));
  return (
    body.length === length + 28 &&
    mac
      .digest()
      .subarray(0, 16)
      .equals(body.subarray(length + 12))
  );
}

/** Plays so many mutated packets; the same seed plays the same ones. */
export function fuzz(count: number, seed: number): FuzzReport {
  const random = numbers(seed);
  const receiver = new AdvertReceiver(filters);
  const byReason: Record<string, number> = {};
  const wrong: string[] = [];
  let accepted = 0;
  let sequence = 1n;
  let templates = filters.map((filter) => good(filter, sequence, 100));
  const startMs = performance.now();
  for (let index = 0; index < count; index++) {
    // Signatures cost the most: a new round of good packets only now and then.
    if (index % 1000 === 0) {
      sequence += 1n;
      templates = filters.map((filter) => good(filter, sequence, random(256)));
    }
    const packet = mutate(templates[random(templates.length)] ?? new Uint8Array(0), random);
    const received = receiver.receive(packet, { utcMs: 0, monotonicMs: 0 });
    if (!received.ok) byReason[received.reason] = (byReason[received.reason] ?? 0) + 1;
    else {
      accepted += 1;
      const filter = filters[received.index];
      const valid = filter !== undefined && isValid(packet, received.advert, filter);
      if (!valid && wrong.length < 10) wrong.push(Buffer.from(packet).toString('hex'));
    }
  }
  const packetsPerSecond = Math.round(count / ((performance.now() - startMs) / 1000));
  return { packets: count, accepted, byReason, packetsPerSecond, wrong };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const report = fuzz(Number(process.argv[2] ?? 10_000_000), Number(process.argv[3] ?? 1));
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = report.wrong.length === 0 ? 0 : 1;
}
