// Watches whether somebody else announces an address that this node owns: ARP frames (also requests that come from the
// address) and neighbour advertisements on every interface that carries one. The other node is no stranger: who of the two
// owns is the election's to say, and two that defend against each other would only turn clients to and fro. What follows is
// core/address-conflict.ts. Looked at a few times a second on the main thread, a bounded number of frames each time.
import { readdirSync, readFileSync } from 'node:fs';
import { TospannError } from '@tospann/errors';
import {
  AdvertisementReceiver,
  closeFd,
  decodeArp,
  monotonicMs,
  NeighbourTable,
  openArpReceiver,
  receivePacket,
} from '@tospann/linux';
import { AddressConflicts } from '../core/address-conflict.ts';
import { PeerAlarms, type PeerFinding } from '../core/peer/peer-findings.ts';
import { addressesOf, type AgentPlan, type PlannedAddress } from '../core/plan.ts';
import type { TimedSnapshot, VrrpEvent } from './messages.ts';

const lookEveryMs = 250;
/** Frames read in one look at one interface: a storm must not hold up the thread. */
const framesMost = 200;
/** Hardware addresses of the other node that are remembered. */
const peerMacsMost = 16;

export interface AddressWatchOptions {
  readonly plan: AgentPlan;
  /** Announce these VIPs, if they are still owned. */
  readonly defend: (vips: readonly string[]) => void;
  readonly emit: (event: Exclude<VrrpEvent, { readonly event: 'vrrp-state' }>) => void;
}

interface Ears {
  readonly index: number;
  readonly arpFd: number;
  readonly advertisements: AdvertisementReceiver | undefined;
}

export class AddressWatch {
  readonly #options: AddressWatchOptions;
  readonly #vips: ReadonlyMap<string, PlannedAddress>;
  readonly #interfaces: readonly string[];
  readonly #ears = new Map<string, Ears>();
  readonly #conflicts = new AddressConflicts();
  readonly #alarms = new PeerAlarms();
  readonly #frame = new Uint8Array(new ArrayBuffer(2048));
  readonly #timer: NodeJS.Timeout;
  #peerMacs: readonly string[] = [];
  #owned: ReadonlySet<string> = new Set();

  constructor(options: AddressWatchOptions) {
    this.#options = options;
    const moved = options.plan.elections.filter(({ announce }) => announce.type !== 'none');
    const addresses = addressesOf({ elections: moved });
    this.#vips = new Map(addresses.map((vip) => [vip.address, vip]));
    this.#interfaces = [...new Set(addresses.map((vip) => vip.interface))];
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** The loop's last picture: what this node owns. */
  see({ vips }: TimedSnapshot): void {
    const owned = new Set(vips.flatMap(({ name, state }) => (state === 'master' ? [name] : [])));
    for (const vip of this.#owned) if (!owned.has(vip)) this.#conflicts.forget(vip);
    this.#owned = owned;
  }

  /** What is wrong now, in sentences. */
  problems(): readonly string[] {
    return this.#alarms.standing.map(({ code, params }) => new TospannError(code, params).message);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const name of this.#ears.keys()) this.#deafen(name);
  }

  #look(): void {
    for (const name of this.#interfaces) this.#listen(name);
    const nowMs = monotonicMs();
    const due = this.#conflicts.takeDue(nowMs);
    if (due.length > 0) this.#options.defend(due);
    const { started, ended } = this.#alarms.note(this.#findings(nowMs), nowMs);
    for (const { code, params } of started) {
      const { message, hint } = new TospannError(code, params);
      this.#options.emit({ event: 'vrrp-problem', code, message, hint, monotonicMs: nowMs });
    }
    for (const { finding } of ended) {
      const detail = `${finding.params['mac']} does not announce it any more`;
      const vip = String(finding.params['vip']);
      this.#options.emit({ event: 'vrrp-notice', vip, what: 'conflict-ended', detail, monotonicMs: nowMs });
    }
  }

  #findings(nowMs: number): readonly PeerFinding[] {
    return this.#conflicts.standing(nowMs).map(({ vip, mac }) => {
      const address = [...this.#vips.values()].find(({ name }) => name === vip)?.address ?? '';
      const params = { vip, address, mac, node: this.#options.plan.node };
      return { key: `LB_VRRP_ADDRESS_CONFLICT ${vip} ${mac}`, code: 'LB_VRRP_ADDRESS_CONFLICT', params, afterMs: 0 };
    });
  }

  #listen(name: string): void {
    const ears = this.#open(name);
    if (ears === undefined) return;
    try {
      for (let count = 0; count < framesMost; count++) {
        const length = receivePacket(ears.arpFd, this.#frame);
        if (length < 0) break;
        const packet = decodeArp(this.#frame.subarray(0, length));
        if (packet !== null) this.#note({ name, index: ears.index, address: packet.senderIp, mac: packet.senderMac });
      }
      for (let count = 0; count < framesMost; count++) {
        const seen = ears.advertisements?.read();
        if (seen === undefined) break;
        this.#note({ name, index: ears.index, address: seen.target, mac: seen.mac });
      }
    } catch {
      // The interface went down or away; it is opened anew when it is there again.
      this.#deafen(name);
    }
  }

  #note(seen: {
    readonly name: string;
    readonly index: number;
    readonly address: string;
    readonly mac: Uint8Array;
  }): void {
    const vip = this.#vips.get(seen.address);
    if (vip === undefined || vip.interface !== seen.name || seen.mac.length === 0) return;
    const mac = Array.from(seen.mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
    if (ownMacs().has(mac)) return;
    // Whoever announces it while the other node owns it is the other node.
    if (!this.#owned.has(vip.name)) return this.#rememberPeer(mac);
    if (this.#peerMacs.includes(mac) || this.#isPeer(seen)) return this.#rememberPeer(mac);
    this.#conflicts.note({ vip: vip.name, mac, seenMs: monotonicMs() });
  }

  #rememberPeer(mac: string): void {
    this.#peerMacs = [...this.#peerMacs.filter((known) => known !== mac), mac].slice(-peerMacsMost);
  }

  /** By what the kernel knows of the other node's own addresses. */
  #isPeer({ index, mac }: { readonly index: number; readonly mac: Uint8Array }): boolean {
    const table = new NeighbourTable();
    try {
      const addresses = this.#options.plan.peers.flatMap(({ address, address6 }) =>
        address6 === undefined ? [address] : [address, address6],
      );
      return addresses.some((address) => Buffer.compare(table.macOf(address, index) ?? Buffer.alloc(0), mac) === 0);
    } catch {
      return false;
    } finally {
      table.close();
    }
  }

  /** The sockets of an interface; new ones when the interface was made anew under its name. */
  #open(name: string): Ears | undefined {
    const index = Number(read(`/sys/class/net/${name}/ifindex`));
    const known = this.#ears.get(name);
    if (known !== undefined && known.index === index) return known;
    this.#deafen(name);
    if (index === 0) return undefined;
    try {
      const arpFd = openArpReceiver(index);
      const six = [...this.#vips.values()].some((vip) => vip.family === 6 && vip.interface === name);
      const ears = { index, arpFd, advertisements: six ? new AdvertisementReceiver(name) : undefined };
      this.#ears.set(name, ears);
      return ears;
    } catch {
      return undefined;
    }
  }

  #deafen(name: string): void {
    const ears = this.#ears.get(name);
    this.#ears.delete(name);
    if (ears === undefined) return;
    closeFd(ears.arpFd);
    ears.advertisements?.close();
  }
}

/** Of all interfaces: two of them may be on one segment. */
function ownMacs(): ReadonlySet<string> {
  try {
    return new Set(readdirSync('/sys/class/net').map((name) => read(`/sys/class/net/${name}/address`)));
  } catch {
    return new Set();
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
