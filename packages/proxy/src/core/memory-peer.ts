// The two ends of a connection of the memory transport: the state of one end, and the hand of a test that plays a client
// or a server. What moves the bytes between two ends is memory-transport.ts.

/** One end of a connection. An end with a handle belongs to the engine, one without to a `MemoryPeer`. */
export interface Side {
  handle: number;
  /** Port that was connected to; 0: this end was connected to. */
  port: number;
  other: Side | null;
  /** Bytes that have arrived and were not read. */
  inbox: Uint8Array[];
  inboxBytes: number;
  wanted: boolean;
  /** Pieces that may still come although they are not wanted. */
  late: number;
  /** The other side has sent FIN; told: the engine knows. */
  fin: boolean;
  finTold: boolean;
  finSent: boolean;
  reset: boolean;
  /** It has been reset; the side learns of it a moment later. */
  doomed: boolean;
  closed: boolean;
  mute: boolean;
  /** The send under way. */
  sendOffset: number;
  sendLeft: number;
  sending: boolean;
  peer: MemoryPeer | null;
}

/** What the transport does for its peers. */
export interface PeerHost {
  peerWrite(side: Side, text: string): void;
  peerEnd(side: Side): void;
  peerClose(side: Side, reset: boolean): void;
  peerRead(side: Side): void;
}

/** A client or server played by a test. */
export class MemoryPeer {
  /** Everything received so far, as Latin-1. */
  text = '';
  ended = false;
  wasReset = false;
  /** False: reads nothing more, so that the other side stalls. */
  reading = true;
  /** Called after each arrival of bytes, FIN or RST. */
  onChange: (peer: MemoryPeer) => void = () => undefined;
  readonly #host: PeerHost;
  readonly #side: Side;

  constructor(host: PeerHost, side: Side) {
    this.#host = host;
    this.#side = side;
  }

  /** Sends text (Latin-1); never stalls. */
  write(text: string): void {
    this.#host.peerWrite(this.#side, text);
  }

  /** Sends FIN. */
  end(): void {
    this.#host.peerEnd(this.#side);
  }

  /** Closes both directions; with unread bytes or `reset`, by RST. */
  close(reset = false): void {
    this.#host.peerClose(this.#side, reset);
  }

  /** Reads again after `reading = false`. */
  resume(): void {
    this.reading = true;
    this.#host.peerRead(this.#side);
  }

  /** Takes what was received so far. */
  take(): string {
    const text = this.text;
    this.text = '';
    return text;
  }
}

/** A side of a connection that has just been made. */
export function emptySide(): Side {
  return {
    handle: -1,
    port: 0,
    other: null,
    inbox: [],
    inboxBytes: 0,
    wanted: false,
    late: 0,
    fin: false,
    finTold: false,
    finSent: false,
    reset: false,
    doomed: false,
    closed: false,
    mute: false,
    sendOffset: 0,
    sendLeft: 0,
    sending: false,
    peer: null,
  };
}
