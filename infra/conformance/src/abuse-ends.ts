// The ends of the abuse rows: a server that misbehaves by path, and a client that writes what it is told and remembers
// when things happened. Neither knows what a row expects.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { monotonicMs, pause } from '@tospann/lab';

/** The server's side of one connection, as far as rows ask. */
export interface ServedConnection {
  readonly path: string;
  /** Bytes that the kernel has taken from the server. */
  bytesTaken: number;
  closedAtMs: number | undefined;
}

const ENDLESS_CHUNK = Buffer.alloc(65_536, 'x');
/** What the server does for a path; everything else is a short 200. */
const scripts: Readonly<Record<string, (socket: Socket, served: ServedConnection) => void>> = {
  '/endless': (socket, served) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n');
    const write = (): void => {
      if (!socket.writable) return;
      socket.write(ENDLESS_CHUNK, (error) => {
        if (error) return;
        served.bytesTaken += ENDLESS_CHUNK.length;
        write();
      });
    };
    write();
  },
  '/cut-length': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'),
  '/cut-chunked': (socket) =>
    void socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde'),
  '/silent': () => undefined,
  '/stalls': (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'),
};

/** A server on 127.0.0.1 whose path says what it does: /endless, /cut-length, /cut-chunked, /silent, /stalls. */
export class AbuseOrigin implements AsyncDisposable {
  readonly served: ServedConnection[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async open(): Promise<AbuseOrigin> {
    const origin = new AbuseOrigin();
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // a TCP server that listens
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    let text = '';
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const path = text.split(' ')[1] ?? '';
        // Bodies are not read as such: rows that send one close their connection.
        text = text.slice(end + 4);
        this.#answer(socket, path);
      }
    });
  }

  #answer(socket: Socket, path: string): void {
    const script = scripts[path];
    if (script === undefined) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      return;
    }
    const served: ServedConnection = { path, bytesTaken: 0, closedAtMs: undefined };
    this.served.push(served);
    socket.on('close', () => (served.closedAtMs = monotonicMs()));
    script(socket, served);
  }
}

/** One client connection. */
export class AbuseClient implements Disposable {
  readonly socket: Socket;
  text = '';
  readonly openedAtMs = monotonicMs();
  firstByteAtMs: number | undefined;
  closedAtMs: number | undefined;

  constructor(at: { readonly address: string; readonly port: number }) {
    this.socket = connect({ host: at.address, port: at.port, allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (bytes: Buffer) => {
      this.firstByteAtMs ??= monotonicMs();
      // Enough to judge by; an endless answer is not kept.
      if (this.text.length < 65_536) this.text += bytes.toString('latin1');
    });
    const over = (): void => void (this.closedAtMs ??= monotonicMs());
    this.socket.on('end', over).on('close', over).on('error', over);
  }

  get over(): boolean {
    return this.closedAtMs !== undefined;
  }

  /** Status of the first answer; 0: none. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.text)?.[1] ?? 0);
  }

  write(text: string): void {
    if (!this.over && !this.socket.destroyed) this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Waits until something has been answered or the connection is over, or `ms` have passed. */
  async answered(ms: number): Promise<void> {
    await this.wait(() => this.text !== '' || this.over, ms);
  }

  async ended(ms: number): Promise<void> {
    await this.wait(() => this.over, ms);
  }

  async wait(done: () => boolean, ms: number): Promise<void> {
    const endMs = monotonicMs() + ms;
    while (!done() && monotonicMs() < endMs) await pause(5);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Memory in bytes that processes have for themselves and their share of what is shared (Pss). */
export function memoryOf(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) {
    try {
      bytes += 1024 * Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return bytes;
}
