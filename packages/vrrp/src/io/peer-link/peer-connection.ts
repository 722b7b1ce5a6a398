// One connection of the peer link after its TLS handshake: sends our hello, takes the other's, then words both ways.
// It holds little: a peer that does not read gets no more words, one that says nothing valid is cut off. Not the choice
// between connections (peer-link.ts).
import type { TLSSocket } from 'node:tls';
import {
  encodePeerMessage,
  type PeerHello,
  type PeerMessage,
  PeerMessageReader,
  type PeerSaying,
} from '../../core/peer/peer-message.ts';

/** A peer that has not said hello by then is none, ms. Words are four an advert interval. */
const helloLimitMs = 3000;
/** Words wait in the kernel at most; what is more is not said: the next word says the same. */
const waitingBytesMax = 65_536;
/** What the other side may take to close its half, ms. */
const endLimitMs = 1000;
/** For the kernel's own probes on an idle connection, ms. */
const keepAliveMs = 5000;

export interface PeerConnectionOptions {
  readonly socket: TLSSocket;
  /** This node opened it. */
  readonly dialed: boolean;
  readonly hello: PeerHello;
  readonly onHello: (hello: PeerHello, connection: PeerConnection) => void;
  readonly onWord: (saying: PeerSaying, connection: PeerConnection) => void;
  /** Called once, however it ended. */
  readonly onClosed: (reason: string, connection: PeerConnection) => void;
}

export class PeerConnection {
  readonly dialed: boolean;
  readonly #socket: TLSSocket;
  readonly #options: PeerConnectionOptions;
  readonly #reader = new PeerMessageReader();
  #limit: NodeJS.Timeout;
  #greeted = false;
  #reason = '';
  #closed = false;

  constructor(options: PeerConnectionOptions) {
    const { socket } = options;
    this.dialed = options.dialed;
    this.#options = options;
    this.#socket = socket;
    this.#limit = setTimeout(() => this.close('it says no hello'), helloLimitMs);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => (this.#reason ||= error.message));
    socket.on('end', () => (this.#reason ||= 'the peer has closed it'));
    socket.on('close', () => this.#ended());
    this.send(options.hello);
  }

  /** Says something, unless the peer does not read. */
  send(message: PeerMessage): void {
    if (this.#closed || this.#socket.destroyed || this.#socket.writableLength > waitingBytesMax) return;
    this.#socket.write(encodePeerMessage(message));
  }

  /** Ends it at once. */
  close(reason: string): void {
    this.#reason ||= reason;
    this.#socket.destroy();
  }

  /** Ends it after what was said is on its way: the other side may read why. */
  end(reason: string): void {
    this.#reason ||= reason;
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#socket.destroy(), endLimitMs);
    this.#socket.end();
  }

  #read(chunk: Buffer): void {
    for (const message of this.#reader.push(chunk)) {
      if (this.#socket.destroyed) return;
      if (message.type === 'bad') return this.close(message.detail);
      if (message.type === 'hello') this.#greet(message);
      else if (!this.#greeted) return this.close('it speaks before its hello');
      else this.#options.onWord(message, this);
    }
  }

  #greet(hello: PeerHello): void {
    if (this.#greeted) return this.close('it says hello twice');
    this.#greeted = true;
    clearTimeout(this.#limit);
    this.#options.onHello(hello, this);
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#limit);
    this.#options.onClosed(this.#reason || 'it broke', this);
  }
}
