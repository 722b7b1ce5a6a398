// What this node sees of the peer's gratuitous ARP: reads the ARP frames of the interfaces that carry VIPs and remembers
// who announced a VIP last. A self-test of the path for the peer, which is told what arrived here; no decision follows
// from it. Looked at a few times a second on the main thread; what the kernel's buffer does not hold is lost.
import { readFileSync } from 'node:fs';
import { closeFd, decodeArp, monotonicMs, openArpReceiver, receivePacket } from '@tospann/linux';
import type { ArpSeen } from '../../core/peer/peer-message.ts';
import type { PlannedAddress } from '../../core/plan.ts';

/** An owner announces its addresses once a minute: what is older has ended, ms. */
const forgetMs = 180_000;
/** Who has watched for less may have missed an announcement, ms. */
const settleMs = 75_000;
/** Frames read in one look at one interface: a storm must not hold up the thread. */
const framesMost = 200;

interface Seen {
  readonly mac: string;
  readonly atMs: number;
}

export class ArpWatch {
  readonly #vips: ReadonlyMap<string, string>;
  readonly #interfaces: readonly string[];
  /** By interface; -1 where there is none yet. */
  readonly #fds = new Map<string, { readonly fd: number; readonly index: string }>();
  /** When the last interface was opened, monotonic ms. */
  #sinceMs = Infinity;
  readonly #seen = new Map<string, Seen>();
  readonly #frame = new Uint8Array(new ArrayBuffer(2048));

  constructor(addresses: readonly PlannedAddress[]) {
    const v4 = addresses.filter(({ family }) => family === 4);
    this.#vips = new Map(v4.map(({ name, address }) => [address, name]));
    this.#interfaces = [...new Set(v4.map((address) => address.interface))];
  }

  /** Reads what has come. Never throws: an interface that is not there is not watched. */
  look(): void {
    for (const name of this.#interfaces) {
      const index = read(`/sys/class/net/${name}/ifindex`);
      const mac = read(`/sys/class/net/${name}/address`);
      const fd = this.#open(name, index);
      if (fd < 0) continue;
      for (let count = 0; count < framesMost; count++) {
        const length = receive(fd, this.#frame);
        if (length <= 0) break;
        this.#note(this.#frame.subarray(0, length), mac);
      }
    }
  }

  /** What was seen of each VIP; undefined while that is not all: an interface is missing, or watched only since lately. */
  seen(): Readonly<Record<string, ArpSeen>> | undefined {
    if (this.#fds.size < this.#interfaces.length || this.#fds.size === 0) return undefined;
    const nowMs = monotonicMs();
    if (nowMs - this.#sinceMs < settleMs) return undefined;
    const fresh = [...this.#seen].filter(([, { atMs }]) => nowMs - atMs < forgetMs);
    return Object.fromEntries(fresh.map(([vip, { mac, atMs }]) => [vip, { mac, ageMs: Math.round(nowMs - atMs) }]));
  }

  close(): void {
    for (const { fd } of this.#fds.values()) closeFd(fd);
    this.#fds.clear();
  }

  #note(frame: Uint8Array, ownMac: string): void {
    const packet = decodeArp(frame);
    if (packet === null || packet.senderIp !== packet.targetIp) return;
    const vip = this.#vips.get(packet.senderIp);
    const mac = macText(packet.senderMac);
    // The socket sees this node's own frames too, also those that speak for the other node.
    const isOwn = macText(frame.subarray(6, 12)) === ownMac || mac === ownMac;
    if (vip !== undefined && !isOwn) this.#seen.set(vip, { mac, atMs: monotonicMs() });
  }

  /** The socket of an interface; a new one when the interface was made anew under its name. */
  #open(name: string, index: string): number {
    const open = this.#fds.get(name);
    if (open !== undefined && open.index === index) return open.fd;
    if (open !== undefined) closeFd(open.fd);
    this.#fds.delete(name);
    if (index === '') return -1;
    try {
      const fd = openArpReceiver(Number(index));
      this.#fds.set(name, { fd, index });
      this.#sinceMs = monotonicMs();
      return fd;
    } catch {
      return -1;
    }
  }
}

function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function receive(fd: number, frame: Uint8Array): number {
  try {
    return receivePacket(fd, frame);
  } catch {
    // The interface went down: there is nothing to read until it is up.
    return -1;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
