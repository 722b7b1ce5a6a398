// An engine's listening sockets: which frontend each one is for, and whether it accepts just now. A frontend that has its
// maximum of connections pauses; a socket that a new plan does not name stops for good. The sockets belong to somebody else.
import type { FrontendPlan, Plan } from './plan.ts';
import { NetworkList } from './source.ts';
import type { Transport } from './transport.ts';

/** A listening socket and the slot of the frontend that it is for. */
export interface EngineListener {
  readonly fd: number;
  readonly frontend: number;
  /** Networks whose connections begin with a PROXY protocol header. Absent: none. */
  readonly proxies?: readonly string[] | undefined;
  /** Absent: not known. */
  readonly port?: number | undefined;
}

interface Listener {
  readonly fd: number;
  readonly port: number;
  proxies: NetworkList | null;
  /** Of the plan that serves; of the last one that had it, once the frontend is gone. */
  frontend: FrontendPlan;
  accepts: boolean;
  /** No plan names it any more. */
  gone: boolean;
}

export class Listeners {
  readonly #transport: Transport;
  /** By the listener's number, which is never used again: a late connection must not meet another frontend. */
  readonly #list: Listener[] = [];
  #paused = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Whether any listener waits for connections to end. */
  get anyPaused(): boolean {
    return this.#paused > 0;
  }

  /** The frontend for a connection from this listener. */
  frontendOf(listener: number): FrontendPlan {
    return this.#list[listener]!.frontend;
  }

  /** Its port; 0: not known. */
  portOf(listener: number): number {
    return this.#list[listener]!.port;
  }

  /** Peers that begin with a PROXY protocol header; null: none. */
  proxiesOf(listener: number): NetworkList | null {
    return this.#list[listener]!.proxies;
  }

  add({ fd, frontend, proxies, port }: EngineListener, plan: Plan): void {
    const listener = this.#list.length;
    this.#list.push({
      fd,
      port: port ?? 0,
      frontend: plan.frontendAt[frontend]!,
      proxies: networksOf(proxies),
      accepts: true,
      gone: false,
    });
    this.#transport.listen(fd, listener);
  }

  /**
   * Goes over to a new plan: the same sockets accept on for the frontends of the new plan, others begin or stop.
   *
   * @param draining None begins any more.
   */
  replace(plan: Plan, wanted: readonly EngineListener[], draining: boolean): void {
    for (const [number, listener] of this.#list.entries()) {
      if (listener.gone) continue;
      const still = wanted.find(({ fd }) => fd === listener.fd);
      const frontend = plan.frontendAt[still?.frontend ?? listener.frontend.index];
      if (frontend) listener.frontend = frontend;
      if (still !== undefined) {
        listener.proxies = networksOf(still.proxies);
        continue;
      }
      listener.gone = true;
      if (listener.accepts) this.#transport.stopListening(number);
      else this.#paused--;
      listener.accepts = false;
    }
    for (const listener of wanted) {
      const known = this.#list.some(({ gone, fd }) => !gone && fd === listener.fd);
      if (!known && !draining) this.add(listener, plan);
    }
  }

  /** Accepts no more for a frontend, by its slot. */
  pause(frontend: number): void {
    for (const [number, listener] of this.#list.entries()) {
      if (listener.frontend.index !== frontend || !listener.accepts) continue;
      listener.accepts = false;
      this.#paused++;
      this.#transport.stopListening(number);
    }
  }

  /** Accepts again for a frontend. */
  resume(frontend: number): void {
    for (const [number, listener] of this.#list.entries()) {
      if (listener.frontend.index !== frontend || listener.accepts || listener.gone) continue;
      listener.accepts = true;
      this.#paused--;
      this.#transport.listen(listener.fd, number);
    }
  }
}

function networksOf(proxies: readonly string[] | undefined): NetworkList | null {
  return proxies === undefined || proxies.length === 0 ? null : new NetworkList(proxies);
}
