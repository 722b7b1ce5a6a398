// The listening sockets of the node. The supervisor opens and keeps them, and lends them to the proxy child: when
// that child dies, new connections wait in the backlog until the next one accepts; none is refused.
// See docs/adr/0004. Side effects: sockets of this process.
import type { BindConfig, PairConfig } from '@tospann/config';
import { closeFd, openListener, setBacklog } from '@tospann/linux';

/** One open listening socket of this process. */
export interface OpenListener {
  readonly frontend: string;
  readonly address: string;
  readonly port: number;
  readonly fd: number;
}

/** Length of the queue of connections not yet accepted: the kernel caps it at net.core.somaxconn, which decides. */
const BACKLOG = 65_535;

/** The set of open listeners, changed as a whole: either every bind of a configuration is open, or nothing changed. */
export class Listeners {
  #open = new Map<string, OpenListener>();

  /** Takes sockets that are open in this process already. */
  adopt(open: readonly OpenListener[]): void {
    for (const listener of open) this.#open.set(keyOf(listener), listener);
  }

  list(): readonly OpenListener[] {
    return [...this.#open.values()];
  }

  /**
   * Opens what the configuration names and is not open yet. What it no longer names stays open until `closeUnused`.
   *
   * @throws {TospannError} LB_KERNEL_PORT_IN_USE and others of openListener; then nothing has changed.
   */
  open(config: PairConfig): void {
    const wanted = bindsOf(config);
    const fresh: OpenListener[] = [];
    // A VIP comes and goes, and the other node's address never comes; both may stand in the file of both nodes.
    const ofPair = new Set([...config.vips, ...config.cluster.nodes].map(({ address }) => address));
    try {
      for (const { frontend, bind } of wanted) {
        const known = this.#open.get(keyOf(bind));
        if (known !== undefined) {
          // net.core.somaxconn may have been raised since.
          setBacklog(known.fd, BACKLOG);
          continue;
        }
        const { address, port } = bind;
        // One of ours on the same port, on an address that overlaps: both are open until the old one is not needed.
        const beside = [...this.#open.values(), ...fresh].filter((open) => open.port === port).map(({ fd }) => fd);
        const fd = openListener({ address, port, backlog: BACKLOG, freeBind: ofPair.has(address), beside });
        fresh.push({ frontend, address, port, fd });
      }
    } catch (error) {
      for (const listener of fresh) closeFd(listener.fd);
      throw error;
    }
    for (const listener of fresh) this.#open.set(keyOf(listener), listener);
    for (const { frontend, bind } of wanted) {
      const listener = this.#open.get(keyOf(bind));
      if (listener !== undefined) this.#open.set(keyOf(bind), { ...listener, frontend });
    }
  }

  /** Closes what the configuration does not need. */
  closeUnused(config: PairConfig): void {
    const needed = new Set(this.of(config).map(keyOf));
    for (const [key, listener] of this.#open) {
      if (needed.has(key)) continue;
      closeFd(listener.fd);
      this.#open.delete(key);
    }
  }

  /**
   * The listeners that the configuration names, in its order; then those that a wildcard bind of it covers: closing one of
   * these would reset the connections in its backlog, and keeping it means the same.
   */
  of(config: PairConfig): readonly OpenListener[] {
    const binds = bindsOf(config);
    const named = binds.flatMap(({ bind }) => this.#open.get(keyOf(bind)) ?? []);
    const covered = [...this.#open.values()].flatMap((listener) => {
      if (named.some((other) => keyOf(other) === keyOf(listener))) return [];
      const wildcard = listener.address.includes(':') ? '::' : '0.0.0.0';
      const by = binds.find(({ bind }) => bind.port === listener.port && bind.address === wildcard);
      return by === undefined ? [] : [{ ...listener, frontend: by.frontend }];
    });
    return [...named, ...covered];
  }
}

function bindsOf(config: PairConfig): readonly { readonly frontend: string; readonly bind: BindConfig }[] {
  return config.frontends.flatMap((frontend) => frontend.binds.map((bind) => ({ frontend: frontend.name, bind })));
}

/** What makes two listening sockets the same. */
export function keyOf(bind: { readonly address: string; readonly port: number }): string {
  return `${bind.address} ${bind.port}`;
}
