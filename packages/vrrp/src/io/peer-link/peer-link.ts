// The peer link: the second path between the nodes (failover rule "two paths"). Both nodes listen and dial on their own
// addresses; of two connections that of the node whose name sorts first is kept. It carries words four times an advert
// interval, and says at once when they stop. Whatever fails is "no peer link", with a reason: nothing is thrown into the
// agent. Side effects: one listening socket, at most a few connections, timers of the main thread.
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { connect, type ConnectionOptions, createServer, type Server, type TLSSocket } from 'node:tls';
import { PeerClock } from '../../core/peer/peer-clock.ts';
import { type PeerHello, peerProtocol, type PeerSaying } from '../../core/peer/peer-message.ts';
import type { LinkFacts, LinkFailure } from '../../core/peer/peer-findings.ts';
import { PeerConnection } from './peer-connection.ts';
import { type PeerKey, saysOtherKey, tlsOptions } from './peer-tls.ts';

/** Time for TCP and TLS, ms. */
const handshakeLimitMs = 3000;
/** Time for TCP alone, ms: a lost SYN is sent again after 1 s, then after 2 s more. */
const connectLimitMs = 1500;
/** The peer needs one; a restart of it another, and one more that crosses ours. */
const socketsMax = 4;
/** A dial costs three packets, and a path that has healed is to be used soon: the owner learns over it what it has missed. */
const dialAgainMs = { first: 100, most: 1000 };
/** The other node has this long to dial first, so that two connections at once are rare, ms. */
const secondDialerWaitsMs = 500;
/** How often an address that is not there yet is tried, ms. */
const listenAgainMs = 1000;
/** Three words are missing, and TCP has had the time to send a lost packet again, ms. What is held by a word is bounded by its age. */
const silentLeastMs = 250;
/** A connection without words for so long is given up, ms: retransmission may bring them after a second or two. */
const deadConnectionMs = 3000;
/** The peer dials at least this often while it cannot connect: what it showed longer ago says nothing, ms. */
const otherKeyHoldsMs = 15_000;

export interface PeerLinkOptions {
  readonly node: string;
  readonly cluster: string;
  readonly version: string;
  readonly address: string;
  readonly port: number;
  readonly peer: { readonly name: string; readonly address: string };
  readonly key: PeerKey;
  /** How often either node says something at least, ms. */
  readonly periodMs: number;
  /** `saidAtMs` is when the word was said at the latest, monotonic. */
  readonly onWord: (saying: PeerSaying, saidAtMs: number) => void;
  /** The connection is lost, or too many words are missing. Called once until the next word. */
  readonly onSilence: () => void;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #hello: PeerHello;
  readonly #silentMs: number;
  readonly #connections = new Set<PeerConnection>();
  #server: Server | undefined;
  #dialing: TLSSocket | undefined;
  #kept: PeerConnection | undefined;
  #keptAtMs = -Infinity;
  #clock = new PeerClock();
  #heard: PeerSaying | undefined;
  /** When `#heard` was read. */
  #readMs = -1;
  #speaking = false;
  #sinceMs: number;
  #failure: LinkFailure | undefined;
  #otherKeyAtMs = -Infinity;
  #peerVersion = '';
  #connectionsTotal = 0;
  #strangersTotal = 0;
  #dialDelayMs = dialAgainMs.first;
  #dialTimer: NodeJS.Timeout | undefined;
  #listenTimer: NodeJS.Timeout | undefined;
  #beatTimer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Begins to listen and to dial. */
  constructor(options: PeerLinkOptions) {
    const { node, cluster, version, periodMs } = options;
    this.#options = options;
    this.#hello = { type: 'hello', protocol: peerProtocol, node, cluster, version };
    this.#silentMs = Math.max(3 * periodMs, silentLeastMs);
    this.#sinceMs = options.monotonicMs();
    this.#listen();
    this.#dialAfter(node < options.peer.name ? 0 : secondDialerWaitsMs);
    this.#beatTimer = setInterval(() => this.#beat(), periodMs);
  }

  facts(): LinkFacts {
    return {
      connected: this.#kept !== undefined,
      speaking: this.#speaking,
      sinceMs: this.#sinceMs,
      lastWordAtMs: this.#readMs,
      roundTripMs: this.#clock.roundTripMs,
      clockAheadMs: this.#clock.aheadMs,
      failure: this.#shownFailure(),
      peerVersion: this.#peerVersion,
      connectionsTotal: this.#connectionsTotal,
      strangersTotal: this.#strangersTotal,
    };
  }

  /**
   * Says something, if there is a connection. Call it once a period and at each change: who says nothing is silent.
   *
   * @param sentMs When it was true, monotonic: what waited in this process is not new to the peer.
   */
  say(said: Pick<PeerSaying, 'word' | 'arp'>, sentMs: number): void {
    if (this.#kept === undefined) return;
    const echoMs = this.#heard?.sentMs ?? -1;
    const heldMs = this.#heard === undefined ? -1 : Math.max(0, sentMs - this.#readMs);
    this.#kept.send({ type: 'word', sentMs, echoMs, heldMs, ...said });
  }

  /** Ends, after what was said is on its way. Resolves when the connection is closed, soon in any case. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#beatTimer);
    clearTimeout(this.#dialTimer);
    clearTimeout(this.#listenTimer);
    this.#dialing?.destroy();
    this.#server?.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = setTimeout(resolve, 200);
    for (const connection of this.#connections) connection.end('this node ends');
    if (this.#connections.size === 0) resolve();
    this.#onEmpty = resolve;
    await promise;
    clearTimeout(limit);
    for (const connection of this.#connections) connection.close('this node has ended');
  }

  #onEmpty: () => void = () => {};

  #beat(): void {
    const silentForMs = this.#options.monotonicMs() - this.#readMs;
    if (this.#speaking && silentForMs > this.#silentMs) this.#silence();
    const keptForMs = this.#options.monotonicMs() - this.#keptAtMs;
    if (Math.min(silentForMs, keptForMs) > deadConnectionMs) this.#kept?.close('no word came through it');
  }

  #silence(): void {
    if (!this.#speaking) return;
    this.#speaking = false;
    this.#options.onSilence();
  }

  #listen(): void {
    const { address, port, key, peer } = this.#options;
    const server = createServer({
      ...tlsOptions,
      handshakeTimeout: handshakeLimitMs,
      pskCallback: (_socket, identity) => {
        const { psk, otherKey } = key.server(identity);
        if (otherKey !== undefined) this.#otherKeyAtMs = this.#options.monotonicMs();
        return psk;
      },
    });
    server.maxConnections = socketsMax;
    // Before TLS sees a byte: whoever has another address than the peer is not spoken to.
    server.prependListener('connection', (socket: Socket) => {
      if (socket.remoteAddress === peer.address) return;
      this.#strangersTotal += 1;
      socket.destroy();
    });
    server.on('secureConnection', (socket) => this.#open(socket, false));
    // Its reason is the dialer's to tell; an unhandled one would end this process.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('error', (error) => {
      server.close();
      this.#failure = listenFailure(error, { address, port });
      if (!this.#closed) this.#listenTimer = setTimeout(() => this.#listen(), listenAgainMs);
    });
    this.#server = server;
    server.listen({ host: address, port });
  }

  #dialAfter(delayMs: number): void {
    clearTimeout(this.#dialTimer);
    if (!this.#closed) this.#dialTimer = setTimeout(() => this.#dial(), delayMs);
  }

  #dial(): void {
    if (this.#closed || this.#kept !== undefined || this.#dialing !== undefined) return;
    const { address, port, peer, key } = this.#options;
    const options: ConnectionOptions & Pick<TcpNetConnectOpts, 'localAddress'> = {
      ...tlsOptions,
      host: peer.address,
      port,
      localAddress: address,
      pskCallback: () => key.client(),
      // Only who has the key ends the handshake; there is no certificate to look at.
      checkServerIdentity: () => undefined,
    };
    const socket = connect(options);
    this.#dialing = socket;
    let limit = setTimeout(() => socket.destroy(new Error('timeout')), connectLimitMs);
    let tcp = false;
    const failed = (error?: Error): void => {
      clearTimeout(limit);
      if (this.#dialing !== socket) return;
      this.#dialing = undefined;
      this.#failure = dialFailure(error, { tcp, peer: peer.name, to: `${peer.address}:${port}`, from: address });
      this.#dialAgain();
    };
    socket.on('connect', () => {
      tcp = true;
      clearTimeout(limit);
      limit = setTimeout(() => socket.destroy(new Error('timeout')), handshakeLimitMs);
    });
    socket.on('error', failed);
    socket.on('close', () => failed());
    socket.on('secureConnect', () => {
      clearTimeout(limit);
      if (this.#dialing === socket) this.#dialing = undefined;
      socket.removeListener('error', failed);
      this.#open(socket, true);
    });
  }

  #dialAgain(): void {
    this.#dialAfter(this.#dialDelayMs);
    this.#dialDelayMs = Math.min(2 * this.#dialDelayMs, dialAgainMs.most);
  }

  #open(socket: TLSSocket, dialed: boolean): void {
    const connection = new PeerConnection({
      socket,
      dialed,
      hello: this.#hello,
      onHello: (hello) => this.#greeted(hello, connection),
      onWord: (saying) => this.#onWord(saying, connection),
      onClosed: (reason) => this.#onClosed(reason, connection),
    });
    this.#connections.add(connection);
  }

  #greeted(hello: PeerHello, connection: PeerConnection): void {
    const { node, cluster, peer } = this.#options;
    if (hello.protocol !== peerProtocol) {
      const detail = `"${hello.node}" speaks version ${hello.protocol} of the peer link, this node ${peerProtocol}`;
      return this.#refuse(connection, { kind: 'protocol', detail });
    }
    const wrong = wrongName(hello, { node, cluster, peer: peer.name, address: peer.address });
    if (wrong !== undefined) return this.#refuse(connection, { kind: 'name', detail: wrong });
    const kept = this.#kept;
    if (kept !== undefined && this.#prefers(kept, connection)) return connection.close('there is another one');
    this.#kept = connection;
    this.#keptAtMs = this.#options.monotonicMs();
    this.#clock = new PeerClock();
    this.#heard = undefined;
    kept?.close('there is a newer one');
    this.#failure = undefined;
    this.#otherKeyAtMs = -Infinity;
    this.#dialDelayMs = dialAgainMs.first;
    this.#peerVersion = hello.version;
    this.#connectionsTotal += 1;
    if (kept === undefined) this.#sinceMs = this.#keptAtMs;
  }

  /** Both nodes must come to the same answer, so it depends on who dialed; a silent or equal one gives way to the new. */
  #prefers(kept: PeerConnection, other: PeerConnection): boolean {
    const first = this.#options.node < this.#options.peer.name;
    return this.#speaking && kept.dialed !== other.dialed && kept.dialed === first;
  }

  #refuse(connection: PeerConnection, failure: LinkFailure): void {
    this.#failure = failure;
    connection.end(failure.detail);
  }

  #onWord(saying: PeerSaying, connection: PeerConnection): void {
    if (connection !== this.#kept) return;
    const nowMs = this.#options.monotonicMs();
    const nowWallMs = this.#options.wallMs();
    const { sentMs, echoMs, heldMs, word } = saying;
    const saidAtMs = this.#clock.note({ sentMs, echoMs, heldMs, wallMs: word.wallMs, nowMs, nowWallMs });
    this.#heard = saying;
    this.#readMs = nowMs;
    this.#speaking = true;
    this.#options.onWord(saying, saidAtMs);
  }

  #onClosed(reason: string, connection: PeerConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty();
    if (connection !== this.#kept) {
      if (this.#kept === undefined && connection.dialed) this.#dialAgain();
      return;
    }
    this.#kept = undefined;
    this.#sinceMs = this.#options.monotonicMs();
    this.#failure = { kind: 'closes', detail: `the connection was lost: ${reason}` };
    this.#silence();
    this.#dialAgain();
  }

  #shownFailure(): LinkFailure | undefined {
    if (this.#kept !== undefined) return undefined;
    const recent = this.#options.monotonicMs() - this.#otherKeyAtMs < otherKeyHoldsMs;
    return recent ? otherKey(this.#options.peer.name) : this.#failure;
  }
}

function otherKey(peer: string): LinkFailure {
  return { kind: 'other-key', detail: `"${peer}" has another cluster key` };
}

function wrongName(
  hello: PeerHello,
  own: { readonly node: string; readonly cluster: string; readonly peer: string; readonly address: string },
): string | undefined {
  if (hello.node === own.node) return `the node at ${own.address} is named "${own.node}" as this one is`;
  if (hello.node !== own.peer) return `the node at ${own.address} is named "${hello.node}", not "${own.peer}"`;
  if (hello.cluster !== own.cluster) return `"${own.peer}" is of cluster "${hello.cluster}", not "${own.cluster}"`;
  return undefined;
}

function listenFailure(error: Error, at: { readonly address: string; readonly port: number }): LinkFailure {
  const code = 'code' in error ? String(error.code) : '';
  const why = code === 'EADDRNOTAVAIL' ? 'no interface has this address' : error.message;
  return { kind: 'listen', detail: `cannot listen on ${at.address}:${at.port}: ${why}` };
}

interface Dial {
  readonly tcp: boolean;
  readonly peer: string;
  readonly to: string;
  readonly from: string;
}

function dialFailure(error: Error | undefined, { tcp, peer, to, from }: Dial): LinkFailure {
  if (error !== undefined && saysOtherKey(error)) return otherKey(peer);
  const code = error !== undefined && 'code' in error ? String(error.code) : '';
  if (error?.message === 'timeout' || code === 'ETIMEDOUT') {
    const detail = tcp ? `${to} takes the connection and says nothing` : `${to} does not answer`;
    return { kind: 'no-answer', detail };
  }
  if (tcp && ['', 'ECONNRESET'].includes(code))
    return { kind: 'closes', detail: `${to} closes the connection at once: it does not expect ${from} as its peer` };
  const known: Readonly<Record<string, LinkFailure>> = {
    ECONNREFUSED: { kind: 'refused', detail: `nobody listens on ${to}` },
    EADDRNOTAVAIL: { kind: 'listen', detail: `this node does not have its address ${from}` },
  };
  return known[code] ?? { kind: 'other', detail: `${to}: ${error?.message ?? 'closed'}` };
}
