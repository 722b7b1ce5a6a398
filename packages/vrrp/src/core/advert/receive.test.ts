// Whom a router believes: senders, transports, versions, passwords, signed adverts with keys in rotation, replays, and
// clocks that are an hour apart or go back. The wire images are those that keepalived publishes for its auth_hmac.
import { createHmac } from 'node:crypto';
import { parseIp } from '@tospann/linux';
import { expect, test } from 'vitest';
import { fuzz } from '../../../test/fuzz.ts';
import { ipPacket } from '../../../test/packets.ts';
import { encodeAdvert, type Advert, type AdvertProof } from './advert.ts';
import { hmacTrailer, isAuthentic, readTrailer, type Hmac } from './auth-hmac.ts';
import { passwordBytes } from './auth-password.ts';
import { vrrpGroup4, vrrpGroup6 } from './ip.ts';
import { AdvertReceiver, type ReceiveFilter, type RequiredProof } from './receive.ts';
import { nextSequence, ReplayWindow, sequenceAt, type HeardSequence, type Moment } from './replay.ts';

const hmac: Hmac = (key, bytes) => createHmac('sha256', key).update(bytes).digest();
const own = parseIp('10.99.0.2');
const peer = parseIp('10.99.0.3');
const stranger = parseIp('10.99.0.9');
const vip = parseIp('10.99.0.100');
const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const otherKey = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const advert: Advert = { version: 3, routerId: 51, priority: 200, intervalMs: 100, addresses: [vip] };
const noon = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;
const filter: ReceiveFilter = {
  routerId: 51,
  family: 4,
  version: 3,
  intervalMs: 100,
  ownAddress: own,
  peers: [peer],
  transport: 'unicast',
  proof: { type: 'none' },
};

interface Sent {
  readonly advert?: Partial<Advert>;
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
  readonly proof?: AdvertProof;
}

function packet({ advert: change = {}, from = peer, to = own, proof }: Sent = {}): Uint8Array {
  const route = { source: from, destination: to, dialect: 'pseudo-header' } as const;
  return ipPacket(encodeAdvert({ ...advert, ...change }, route, proof), from, to);
}

interface Signature {
  readonly sequence?: bigint;
  readonly keyId?: number;
  readonly secret?: Uint8Array;
  readonly from?: Uint8Array;
}

function signed({ sequence = sequenceAt(noon), keyId = 1, secret = key, from = peer }: Signature = {}): Uint8Array {
  const trailerOf = (message: Uint8Array): Uint8Array =>
    hmacTrailer(message, { version: 3, routerId: 51, source: from }, { keyId, key: secret, sequence, hmac });
  return packet({ from, proof: { type: 'trailer', trailerOf } });
}

function demand(mode: 'enforce' | 'permissive', keys: Record<number, Uint8Array> = { 1: key }): RequiredProof {
  return { type: 'hmac', keys: new Map(Object.entries(keys).map(([id, secret]) => [Number(id), secret])), mode, hmac };
}

function verdict(bytes: Uint8Array, change: Partial<ReceiveFilter> = {}): string {
  return told(new AdvertReceiver([{ ...filter, ...change }]), bytes);
}

/** Both clocks of the receiver; the monotonic one runs beside the other. */
function at(utcMs: number, monotonicMs = utcMs - noon + hour): Moment {
  return { utcMs, monotonicMs };
}

/** `ok`, or the reason, with `!` when it counts as a contender. */
function told(receiver: AdvertReceiver, bytes: Uint8Array, utcMs = noon): string {
  const received = receiver.receive(bytes, at(utcMs));
  if (received.ok) return received.unsigned ? 'ok unsigned' : 'ok';
  return `${received.reason}${received.contender === undefined ? '' : received.contender.isPeer ? '!peer' : '!'}`;
}

test('receive() takes only an advert of a peer to us with our router id', () => {
  const good = packet();
  expect(new AdvertReceiver([{ ...filter, routerId: 7 }, filter]).receive(good, at(noon))).toMatchObject({
    ok: true,
    index: 1,
    advert: { priority: 200, source: peer },
  });
  expect(verdict(good, { routerId: 7 })).toBe('router-id');
  expect(verdict(good, { ownAddress: peer })).toBe('own-source!peer');
  expect(verdict(packet({ from: stranger }))).toBe('unknown-source!');
  expect(verdict(good, { transport: 'multicast' })).toBe('transport!peer');
  expect(verdict(packet({ to: vrrpGroup4 }), { transport: 'multicast' })).toBe('ok');
  expect(verdict(packet({ to: vrrpGroup4 }))).toBe('transport!peer');
  expect(verdict(good, { version: 2, intervalMs: 1000 })).toBe('version!peer');
});

test('receive() keeps the families apart: one router id may be used in both', () => {
  const six = { ...filter, family: 6, ownAddress: parseIp('fe80::2'), peers: [], transport: 'multicast' } as const;
  const receiver = new AdvertReceiver([filter, six]);
  const of = (from: string): Uint8Array => {
    const source = parseIp(from);
    const listed = { ...advert, addresses: [parseIp('fe80::100')] };
    return ipPacket(
      encodeAdvert(listed, { source, destination: vrrpGroup6, dialect: 'pseudo-header' }),
      source,
      vrrpGroup6,
    );
  };
  expect(receiver.receive(of('fe80::3'), at(noon))).toMatchObject({ ok: true, index: 1, advert: { family: 6 } });
  expect(receiver.receive(packet(), at(noon))).toMatchObject({ ok: true, index: 0 });
  // Multicast of IPv6 comes from a link-local address, or it is not VRRP.
  expect(told(receiver, of('2001:db8::3'))).toBe('unknown-source!');
  expect(told(receiver, of('fe80::2'))).toBe('own-source!peer');
});

test('receive() counts a broken advert for the router that it claims, and calls it no contender', () => {
  const broken = packet();
  broken[27] = (broken[27] ?? 0) ^ 1;
  const received = new AdvertReceiver([{ ...filter, routerId: 7 }, filter]).receive(broken, at(noon));
  expect(received).toEqual({ ok: false, index: 1, reason: 'checksum' });
});

test('receive() takes version 2 with the same password and the same interval only', () => {
  const of = (change: Partial<Advert>, proof?: AdvertProof): Uint8Array =>
    packet({ advert: { version: 2, intervalMs: 1000, ...change }, ...(proof === undefined ? {} : { proof }) });
  const secret = { type: 'password', password: passwordBytes('secret') } as const;
  const two = { version: 2, intervalMs: 1000 } as const;
  expect(verdict(of({}), two)).toBe('ok');
  expect(verdict(of({ intervalMs: 2000 }), two)).toBe('interval!peer');
  expect(verdict(of({}, secret), two)).toBe('auth-type!peer');
  expect(verdict(of({}, secret), { ...two, proof: secret })).toBe('ok');
  expect(verdict(of({}), { ...two, proof: secret })).toBe('auth-type!peer');
  const wrong = { type: 'password', password: passwordBytes('secreT') } as const;
  expect(verdict(of({}, wrong), { ...two, proof: secret })).toBe('auth-failed!peer');
  expect(passwordBytes('longer than eight')).toEqual(passwordBytes('longer t'));
});

test('hmacTrailer() makes the trailer that keepalived makes, in both families', () => {
  const sequence = 0x6800000080000000n;
  const of = ([source = '', destination = '', listed = '']: readonly string[], image: string): void => {
    const of3 = { ...advert, intervalMs: 1000, addresses: [parseIp(listed)] };
    const binding = { version: 3, routerId: 51, source: parseIp(source) } as const;
    const trailerOf = (message: Uint8Array): Uint8Array =>
      hmacTrailer(message, binding, { keyId: 1, key, sequence, hmac });
    const route = { source: binding.source, destination: parseIp(destination), dialect: 'message-only' } as const;
    expect(Buffer.from(encodeAdvert(of3, route, { type: 'trailer', trailerOf })).toString('hex')).toBe(image);
  };
  const head = '010100006800000080000000';
  of(['198.51.100.10', '192.0.2.10', '192.0.2.100'], `3133c80100644402c0000264${head}1b84bc4e8e43892dc6d98448f8ee2265`);
  of(
    ['fe80::10', 'fe80::20', 'fe80::100'],
    `3133c8010064a2e9fe800000000000000000000000000100${head}c8c56146ebfd66ee10ec4d8186461b78`,
  );
});

test('isAuthentic() is false after any flipped bit but those of the checksum', () => {
  const bytes = signed().subarray(20);
  const message = bytes.subarray(0, 12);
  const by = { version: 3, routerId: 51, source: peer, key, hmac } as const;
  expect(isAuthentic(message, bytes.subarray(12), by)).toBe(true);
  expect(isAuthentic(message, bytes.subarray(12), { ...by, source: stranger })).toBe(false);
  expect(isAuthentic(message, bytes.subarray(12), { ...by, routerId: 52 })).toBe(false);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const broken = bytes.slice();
    broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const isChecksum = bit >> 4 === 3;
    expect(isAuthentic(broken.subarray(0, 12), broken.subarray(12), by)).toBe(isChecksum);
  }
  expect(readTrailer(bytes.subarray(12))).toEqual({ keyId: 1, sequence: sequenceAt(noon) });
  expect(readTrailer(bytes.subarray(13))).toBeUndefined();
});

test('receive() demands a signature of a known key, and can be lenient with unsigned adverts only', () => {
  const enforce = { proof: demand('enforce') };
  const permissive = { proof: demand('permissive') };
  expect(verdict(signed(), enforce)).toBe('ok');
  expect(verdict(signed(), permissive)).toBe('ok');
  expect(verdict(packet(), enforce)).toBe('auth-missing!peer');
  expect(verdict(packet(), permissive)).toBe('ok unsigned');
  expect(verdict(signed({ keyId: 2 }), enforce)).toBe('auth-key!peer');
  expect(verdict(signed({ secret: otherKey }), enforce)).toBe('auth-failed!peer');
  expect(verdict(signed({ secret: otherKey }), permissive)).toBe('auth-failed!peer');
  expect(verdict(signed({ from: stranger }), enforce)).toBe('unknown-source!');
  const format = signed();
  format[32] = 2;
  expect(verdict(format, enforce)).toBe('auth-format!peer');
  // A node without keys reads the adverts of one that has them: so a pair can be changed over.
  expect(verdict(signed())).toBe('ok');
});

test('receive() takes both keys while one replaces the other', () => {
  const receiver = new AdvertReceiver([{ ...filter, proof: demand('enforce', { 1: key, 2: otherKey }) }]);
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 5n }))).toBe('ok');
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 6n, keyId: 2, secret: otherKey }))).toBe('ok');
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 6n }))).toBe('replayed!peer');
});

test('receive() drops what it has heard before, and moves no window for what is not authentic', () => {
  const receiver = new AdvertReceiver([{ ...filter, proof: demand('enforce') }]);
  const first = signed({ sequence: sequenceAt(noon) + 10n });
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 99n, secret: otherKey }))).toBe('auth-failed!peer');
  expect(told(receiver, first)).toBe('ok');
  expect(told(receiver, first)).toBe('replayed!peer');
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 9n }))).toBe('replayed!peer');
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 11n }))).toBe('ok');
  // The sockets were opened anew: what was heard stays known.
  receiver.setFilters([{ ...filter, proof: demand('enforce') }]);
  expect(told(receiver, signed({ sequence: sequenceAt(noon) + 11n }))).toBe('replayed!peer');
});

test('a sender is heard whatever its clock says, also after it has gone back, and after a restart', () => {
  for (const apart of [0, hour, -hour, 30 * 365 * 24 * hour]) {
    const receiver = new AdvertReceiver([{ ...filter, proof: demand('enforce') }]);
    // What the peer link says of the first one; without it, it would have to be of now.
    receiver.vouch({ sequence: sequenceAt(noon + apart), saidMs: at(noon).monotonicMs });
    let sequence = 0n;
    const send = (clock: number, atUtcMs: number): string => {
      sequence = nextSequence(sequence, clock);
      return told(receiver, signed({ sequence }), atUtcMs);
    };
    for (let ms = 0; ms < 500; ms += 100) expect(send(noon + apart + ms, noon + ms)).toBe('ok');
    // The clock is set back a day while it runs.
    for (let ms = 500; ms < 1000; ms += 100) expect(send(noon + apart - 24 * hour + ms, noon + ms)).toBe('ok');
    // A restart with the clock of the first time, later.
    sequence = 0n;
    expect(send(noon + apart + 5000, noon + 5000)).toBe('ok');
    // A restart with a clock that is wrong by years: the floor that it kept is above all that it sent.
    sequence = sequenceAt(noon + apart + 60_000);
    expect(send(0, noon + 10_000)).toBe('ok');
  }
});

test('a sender whose clock ran ahead and was set right is heard again, its old adverts are not', () => {
  const window = new ReplayWindow();
  const ahead = sequenceAt(noon + hour);
  expect(window.accept(peer, ahead, at(noon))).toBe('fresh');
  expect(window.accept(peer, sequenceAt(noon + 1000), at(noon + 1000))).toBe('fresh');
  expect(window.accept(peer, sequenceAt(noon + 1000), at(noon + 1000))).toBe('replayed');
  // An advert recorded an hour ago, played while the last one is from now.
  expect(window.accept(peer, sequenceAt(noon - hour), at(noon + 2000))).toBe('replayed');
});

test('the memory of senders is bounded', () => {
  const now = sequenceAt(noon);
  const window = new ReplayWindow();
  for (let index = 0; index < 200; index++) window.accept(Uint8Array.of(10, 0, 0, index), now, at(noon));
  expect(window.accept(Uint8Array.of(10, 0, 0, 199), now, at(noon))).toBe('replayed');
  expect(window.accept(Uint8Array.of(10, 0, 0, 0), now, at(noon))).toBe('fresh');
});

/** What is known of the peer after a restart of the receiver: heard at noon. */
function restarted(change: Partial<HeardSequence> = {}): AdvertReceiver {
  const heard = { source: peer, sequence: sequenceAt(noon), heardMs: at(noon).monotonicMs, heardUtcMs: noon };
  return new AdvertReceiver([{ ...filter, proof: demand('enforce') }], [[{ ...heard, ...change }]]);
}

test('what was recorded before a restart of the receiver is not believed after it', () => {
  const receiver = restarted();
  const now = noon + 60_000;
  for (let recorded = noon - 30_000; recorded <= noon; recorded += 1000)
    expect(told(receiver, signed({ sequence: sequenceAt(recorded) }), now)).toBe('replayed!peer');
  // Recorded while the receiver did not run: above all that it has heard, but not of now.
  for (let recorded = noon + 1000; recorded < now - 2000; recorded += 1000)
    expect(told(receiver, signed({ sequence: sequenceAt(recorded) }), now)).toBe('stale!peer');
  expect(told(receiver, signed({ sequence: sequenceAt(now) }), now)).toBe('ok');
  expect(told(receiver, signed({ sequence: sequenceAt(now - 10) }), now)).toBe('replayed!peer');
});

test('a peer whose clock is hours away is heard at once after a restart of the receiver', () => {
  for (const apart of [3 * hour, -3 * hour]) {
    const receiver = restarted({ sequence: sequenceAt(noon + apart) });
    expect(told(receiver, signed({ sequence: sequenceAt(noon + apart + 20_000) }), noon + 60_000)).toBe('stale!peer');
    expect(told(receiver, signed({ sequence: sequenceAt(noon + apart + 60_000) }), noon + 60_000)).toBe('ok');
  }
});

test('after a start of the machine the wall clock says how much later it is, and a clock that went back says nothing', () => {
  const later = noon + hour;
  const rebooted = restarted({ heardMs: undefined });
  const send = (receiver: AdvertReceiver, sentMs: number, moment: Moment): string => {
    const received = receiver.receive(signed({ sequence: sequenceAt(sentMs) }), moment);
    return received.ok ? 'ok' : received.reason;
  };
  expect(send(rebooted, noon + 60_000, at(later, 5))).toBe('stale');
  expect(send(rebooted, later, at(later, 5))).toBe('ok');
  const of1970 = restarted({ heardMs: undefined });
  expect(send(of1970, noon - 1000, at(1000, 5))).toBe('replayed');
  expect(send(of1970, later, at(1000, 5))).toBe('ok');
});

test('the first advert of a sender that was never heard is of now, or the peer link has said so', () => {
  const receiver = new AdvertReceiver([{ ...filter, proof: demand('enforce') }]);
  expect(told(receiver, signed({ sequence: sequenceAt(noon - 6000) }))).toBe('stale!peer');
  receiver.vouch({ sequence: sequenceAt(noon - hour), saidMs: at(noon).monotonicMs });
  expect(told(receiver, signed({ sequence: sequenceAt(noon - hour - 3000) }))).toBe('stale!peer');
  expect(told(receiver, signed({ sequence: sequenceAt(noon - hour + 60_000) }), noon + 60_000)).toBe('ok');
});

test('what the peer link says of the sequence heals a window that is too high, and raises one that is too low', () => {
  // The state of both nodes was lost, the peer began again with a clock of yesterday.
  const lowered = restarted();
  const yesterday = noon - 24 * hour;
  expect(told(lowered, signed({ sequence: sequenceAt(yesterday) }), noon + 1000)).toBe('replayed!peer');
  lowered.vouch({ sequence: sequenceAt(yesterday), saidMs: at(noon + 1000).monotonicMs });
  expect(told(lowered, signed({ sequence: sequenceAt(yesterday + 100) }), noon + 1100)).toBe('ok');
  expect(told(lowered, signed({ sequence: sequenceAt(yesterday + 100) }), noon + 1200)).toBe('replayed!peer');
  // A sender in this life: what was recorded while it was not heard here is below what it says.
  const raised = new AdvertReceiver([{ ...filter, proof: demand('enforce') }]);
  expect(told(raised, signed({ sequence: sequenceAt(noon) }))).toBe('ok');
  raised.vouch({ sequence: sequenceAt(noon + hour), saidMs: at(noon + hour).monotonicMs });
  expect(told(raised, signed({ sequence: sequenceAt(noon + 60_000) }), noon + hour)).toBe('replayed!peer');
  // What the word overtook on its way counts.
  expect(told(raised, signed({ sequence: sequenceAt(noon + hour - 20) }), noon + hour)).toBe('ok');
});

test('what one sender has said moves no window of another, and a key that is replaced moves none', () => {
  const other = parseIp('10.99.0.4');
  const keys = demand('enforce', { 1: key, 2: otherKey });
  const two = { ...filter, peers: [peer, other], proof: keys };
  const heard = { source: peer, sequence: sequenceAt(noon), heardMs: at(noon).monotonicMs, heardUtcMs: noon };
  const receiver = new AdvertReceiver([two], [[heard]]);
  expect(told(receiver, signed({ from: other, sequence: sequenceAt(noon - 1000) }))).toBe('ok');
  // Recorded of the other one and sent as if it were the peer's.
  const replayed = signed({ from: other, sequence: sequenceAt(noon + 60_000) });
  replayed.set(peer, 12);
  expect(told(receiver, replayed, noon + 60_000)).not.toBe('ok');
  const next = { keyId: 2, secret: otherKey };
  expect(told(receiver, signed({ ...next, sequence: sequenceAt(noon - 1) }), noon + 1000)).toBe('replayed!peer');
  expect(told(receiver, signed({ ...next, sequence: sequenceAt(noon + 1000) }), noon + 1000)).toBe('ok');
});

test('of 100 000 mutated packets none is accepted that is not valid, and every kind of objection is met', () => {
  const report = fuzz(100_000, 4);
  expect(report.wrong).toEqual([]);
  expect(report.accepted).toBeGreaterThan(1000);
  const reasons = ['too-short', 'ip-length', 'ttl', 'protocol', 'version', 'type', 'truncated', 'checksum'];
  const judged = ['unknown-source', 'transport', 'auth-type', 'auth-missing', 'auth-failed', 'replayed', 'interval'];
  expect(Object.keys(report.byReason)).toEqual(expect.arrayContaining([...reasons, ...judged]));
});
