// How many connections a listener takes, and from whom: a bound for all, one for each address, and places of its own for the
// other node, whose questions must get through whatever strangers do. Pure.

/** Options of a ConnectionGate. */
export interface GateOptions {
  /** Connections of everybody but the other node. */
  readonly total: number;
  /** Of these, from one address (IPv6: one network of 64 bits, which one client may have whole). */
  readonly perAddress: number;
  /** Addresses of the other nodes, and how many connections each may have. They count for nobody else. */
  readonly peers: readonly string[];
  readonly perPeer: number;
}

/** Counts connections that are open. */
export class ConnectionGate {
  readonly #options: GateOptions;
  readonly #peers: ReadonlySet<string>;
  readonly #open = new Map<string, number>();
  #strangers = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#peers = new Set(options.peers.map(clientKey));
  }

  /** Most connections that can be open at one time. */
  get limit(): number {
    const { total, perPeer } = this.#options;
    return total + this.#peers.size * perPeer;
  }

  /** Takes a connection in; undefined: there is no place for it. The result is called once when it has ended. */
  enter(address: string): (() => void) | undefined {
    const { total, perAddress, perPeer } = this.#options;
    const key = clientKey(address);
    const isPeer = this.#peers.has(key);
    const open = this.#open.get(key) ?? 0;
    if (open >= (isPeer ? perPeer : perAddress) || (!isPeer && this.#strangers >= total)) return undefined;
    this.#open.set(key, open + 1);
    if (!isPeer) this.#strangers += 1;
    return () => this.#leave(key, isPeer);
  }

  #leave(key: string, isPeer: boolean): void {
    const open = (this.#open.get(key) ?? 1) - 1;
    if (open === 0) this.#open.delete(key);
    else this.#open.set(key, open);
    if (!isPeer) this.#strangers -= 1;
  }
}

/** Whom an address stands for: IPv4 in IPv6 is IPv4, and of IPv6 the network counts. A unix socket has none. */
export function clientKey(address: string | undefined): string {
  if (address === undefined) return '';
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return plain;
  const [left = '', right] = (plain.split('%')[0] ?? '').split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
