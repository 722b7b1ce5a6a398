// Lab helper: floods an address with packets of IP protocol 112 that no agent may believe, or records adverts to be
// replayed. One argument, JSON: FloodOrder or RecordOrder; a flood says `ready` and begins at a line on standard input;
// both print one JSON line at the end. Packets are made before the
// first is sent, from a seeded generator, so a flood repeats and costs little.
import { createHmac } from 'node:crypto';
import {
  closeFd,
  encodeDestination,
  openRawReceiver,
  openRawSender,
  parseIp,
  receivePacket,
  sendPacket,
} from '@tospann/linux';
import { encodeAdvert } from '../src/core/advert/advert.ts';
import { hmacTrailer } from '../src/core/advert/auth-hmac.ts';
import { sequenceAt } from '../src/core/advert/replay.ts';
import { seededRandom } from './simulation.ts';

/**
 * random: bytes, with our router id where it belongs; cut: a good advert cut short; flipped: one wrong bit in its message;
 * stranger: good (the source is not); wrong-key: the right key's id; unknown-key: another id; unsigned: good but for the
 * trailer; replayed: of `recorded`; foreign: good, of another router id.
 */
export type FloodKind =
  | 'random'
  | 'cut'
  | 'flipped'
  | 'stranger'
  | 'wrong-key'
  | 'unknown-key'
  | 'unsigned'
  | 'replayed'
  | 'foreign';

export interface FloodOrder {
  readonly own: string;
  readonly target: string;
  readonly routerId: number;
  readonly vip: string;
  readonly intervalMs: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** In turn. */
  readonly kinds: readonly FloodKind[];
  /** The election's key, hex; its id is 1. Absent: adverts are not signed. */
  readonly key?: string;
  /** Payloads, hex. */
  readonly recorded?: readonly string[];
}

export type FloodReport = Readonly<Partial<Record<FloodKind, number>>>;

/** Records payloads that come to `own` from `record`. */
export interface RecordOrder {
  readonly own: string;
  readonly record: string;
  readonly count: number;
}

/** An advert of one address, without its trailer. */
const messageBytes = 12;
/** In place of a key's id. */
const unsignedId = 0;
/** Packets made of each kind. */
const variety = 64;
const random = seededRandom(7);
function flood(by: FloodOrder): void {
  const group = by.target.startsWith('224.') ? { multicastGroup: by.target } : {};
  const fd = openRawSender({ protocol: 112, interface: 'eth0', interfaceIndex: 0, localAddress: by.own, ...group });
  const destination = encodeDestination(by.target);
  const packets = by.kinds.map((kind) => Array.from({ length: variety }, (_, index) => makers[kind](by, index)));
  process.stdout.write('ready\n');
  process.stdin.once('data', () => send(by, packets, { fd, destination }));
}

function send(
  by: FloodOrder,
  packets: readonly (readonly Uint8Array[])[],
  { fd, destination }: { readonly fd: number; readonly destination: Uint8Array },
): void {
  const report: Partial<Record<FloodKind, number>> = {};
  let due = 0;
  let sent = 0;
  const start = performance.now();
  const timer = setInterval(() => {
    const elapsedMs = Math.min(performance.now() - start, by.seconds * 1000);
    // Never a burst of more than a tenth of a second's worth: a sender that was held up does not make up for it.
    due = Math.min((elapsedMs / 1000) * by.perSecond, sent + by.perSecond / 10);
    for (; sent < due; sent++) {
      const at = sent % by.kinds.length;
      const kind = by.kinds[at];
      const packet = packets[at]?.[Math.floor(sent / by.kinds.length) % variety];
      if (kind === undefined || packet === undefined) continue;
      if (sendPacket(fd, packet, destination) === 0) report[kind] = (report[kind] ?? 0) + 1;
    }
    if (elapsedMs < by.seconds * 1000) return;
    clearInterval(timer);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.stdin.destroy();
  }, 2);
}

const makers: Readonly<Record<FloodKind, (by: FloodOrder, index: number) => Uint8Array>> = {
  random: ({ routerId }) => {
    const bytes = new Uint8Array(2 + Math.floor(random() * 60)).map(() => Math.floor(random() * 256));
    bytes[1] = routerId;
    return bytes;
  },
  cut: (by) => advertOf(by, 1).slice(0, 2 + Math.floor(random() * (messageBytes - 2))),
  flipped: (by) => {
    const bytes = advertOf(by, 1).slice();
    const at = 2 + Math.floor(random() * (messageBytes - 2));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return bytes;
  },
  stranger: (by) => advertOf(by, 1),
  'wrong-key': (by) => advertOf({ ...by, key: '55'.repeat(32) }, 1),
  'unknown-key': (by) => advertOf(by, 2),
  unsigned: (by) => advertOf(by, unsignedId),
  replayed: ({ recorded = [] }, index) => new Uint8Array(Buffer.from(recorded[index % recorded.length] ?? '', 'hex')),
  foreign: (by) => advertOf({ ...by, routerId: (by.routerId % 255) + 1 }, 1),
};

/** An advert that would win any election, signed with the order's key under this id, or not at all. */
function advertOf(by: FloodOrder, keyId: number): Uint8Array {
  const { routerId, intervalMs } = by;
  const source = parseIp(by.own);
  const advert = { version: 3, routerId, priority: 254, intervalMs, addresses: [parseIp(by.vip)] } as const;
  const route = { source, destination: parseIp(by.target), dialect: 'pseudo-header' } as const;
  if (by.key === undefined || keyId === unsignedId) return encodeAdvert(advert, route);
  const key = Buffer.from(by.key, 'hex');
  const hmac = (secret: Uint8Array, bytes: Uint8Array): Uint8Array =>
    createHmac('sha256', secret).update(bytes).digest();
  const sign = { keyId, sequence: sequenceAt(Date.now()), key, hmac };
  const trailerOf = (message: Uint8Array): Uint8Array => hmacTrailer(message, { version: 3, routerId, source }, sign);
  return encodeAdvert(advert, route, { type: 'trailer', trailerOf });
}

function record(by: RecordOrder): void {
  const fd = openRawReceiver({ protocol: 112, interface: 'eth0', interfaceIndex: 0, localAddress: by.own });
  const packet = new Uint8Array(new ArrayBuffer(2048));
  const from = parseIp(by.record).join('.');
  const payloads: string[] = [];
  const timer = setInterval(() => {
    for (let length = receivePacket(fd, packet); length > 0; length = receivePacket(fd, packet)) {
      const header = ((packet[0] ?? 0) & 15) * 4;
      if (packet.subarray(12, 16).join('.') !== from) continue;
      payloads.push(Buffer.from(packet.subarray(header, length)).toString('hex'));
    }
    if (payloads.length < by.count) return;
    clearInterval(timer);
    closeFd(fd);
    process.stdout.write(`${JSON.stringify(payloads)}\n`);
  }, 5);
}

const order = JSON.parse(process.argv[2] ?? '{}') as FloodOrder | RecordOrder;
if ('record' in order) record(order);
else flood(order);
