// The raw ends of a conformance case: a client that sends given bytes and keeps what comes back, and a server that
// reads strictly and keeps what it was sent. Nothing here knows what a case expects.
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expand, readRequest, readResponse, type Segment, type StrictMessage } from '@tospann/testing';

/** One answer that a client received. */
export interface Answer {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** False if the connection ended or stalled in the middle of the body. */
  readonly complete: boolean;
  /** True if only the end of the connection ended the body. */
  readonly untilClose: boolean;
}

export interface Exchange {
  readonly answers: readonly Answer[];
  readonly interims: readonly number[];
  /** Everything received, as Latin-1. */
  readonly received: string;
  /** What follows the last answer. */
  readonly rest: string;
  readonly closed: boolean;
  readonly elapsedMs: number;
}

export interface ExchangeOptions {
  readonly address: string;
  readonly port: number;
  readonly segments: readonly Segment[];
  /** Methods of the requests, in order: an answer to HEAD has no body. */
  readonly methods: readonly (string | null)[];
  /** The exchange ends this long after a final answer if nothing more comes. */
  readonly quietMs: number;
  /** It ends at the latest so long after the last segment. */
  readonly longestMs: number;
}

/** Sends segments and collects the answers until the proxy closes, is quiet, or the time is up. */
export async function exchange(options: ExchangeOptions): Promise<Exchange> {
  const begin = performance.now();
  const done = Promise.withResolvers<void>();
  let received = '';
  let closed = false;
  let sent = false;
  let quiet: NodeJS.Timeout | undefined;
  const socket = connect(options.port, options.address).setNoDelay(true);
  const stop = (): void => {
    closed = true;
    done.resolve();
  };
  const listen = (): void => {
    clearTimeout(quiet);
    if (sent && readAnswers(received, options.methods).answers.length > 0) {
      quiet = setTimeout(done.resolve, options.quietMs);
    }
  };
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    listen();
  });
  socket.on('end', stop).on('error', stop).on('close', stop);
  void (async () => {
    for (const segment of options.segments) {
      if (segment.delayMs !== undefined) await sleep(segment.delayMs);
      if (closed) return;
      socket.write(Buffer.from(expand(segment.bytes), 'latin1'));
    }
    sent = true;
    listen();
    setTimeout(done.resolve, options.longestMs).unref();
  })();
  await done.promise;
  clearTimeout(quiet);
  socket.destroy();
  const elapsedMs = performance.now() - begin;
  return { ...readAnswers(received, options.methods), received, closed, elapsedMs };
}

function readAnswers(
  received: string,
  methods: readonly (string | null)[],
): Pick<Exchange, 'answers' | 'interims' | 'rest'> {
  const answers: Answer[] = [];
  const interims: number[] = [];
  let text = received;
  while (text !== '') {
    const toHead = methods[answers.length] === 'HEAD';
    const result = readResponse(text, toHead);
    if (result.kind === 'invalid') break;
    const message = result.kind === 'message' ? result.message : headOf(text);
    if (message === undefined) break;
    const status = Number(message.start[1]);
    text = text.slice(message.length);
    if (status < 200) {
      interims.push(status);
      if (status === 101) break;
      continue;
    }
    answers.push({
      status,
      fields: message.fields,
      body: message.body,
      complete: result.kind === 'message',
      untilClose: !hasLength(message, toHead),
    });
    if (result.kind !== 'message') break;
  }
  return { answers, interims, rest: text };
}

/** The head of an answer whose body is not complete, with what has come of it as the body. */
function headOf(text: string): StrictMessage | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = readResponse(text.slice(0, end + 4), true);
  if (head.kind !== 'message') return undefined;
  return { ...head.message, body: text.slice(end + 4), length: text.length };
}

function hasLength(message: StrictMessage, toHead: boolean): boolean {
  const status = Number(message.start[1]);
  if (toHead || status === 204 || status === 304) return true;
  return message.fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
}

/** What a server does with the requests on one connection. */
export interface OriginScript {
  /** Called for each complete request. `connection` numbers the connections from 1. */
  request(socket: Socket, request: StrictMessage, connection: number): void | Promise<void>;
  /** Called once for each request whose head is there but whose body is not. True: it has been answered. */
  begun?(socket: Socket, target: string, connection: number): boolean;
}

/** A server that reads requests as strictly as the grammar allows, and remembers them. */
export class Origin implements AsyncDisposable {
  requests: StrictMessage[] = [];
  faults: string[] = [];
  /** Both, in the order in which they came: a fault as its reason. */
  events: (StrictMessage | string)[] = [];
  /** All bytes received, as Latin-1. */
  received = '';
  script: OriginScript = { request: answerOk };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async open(): Promise<Origin> {
    const origin = new Origin();
    const listening = Promise.withResolvers<void>();
    origin.#server.listen(0, '127.0.0.1', listening.resolve);
    await listening.promise;
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // a TCP server that listens
  }

  /** Forgets what it has seen and closes all connections. */
  async reset(script: OriginScript = { request: answerOk }): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await sleep(15); // the proxy sees its idle connections close
    this.requests = [];
    this.faults = [];
    this.events = [];
    this.received = '';
    this.script = script;
  }

  /** Forgets what it has seen; connections stay. */
  forget(): void {
    this.requests = [];
    this.faults = [];
    this.events = [];
    this.received = '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    await closed.promise;
  }

  #serve(socket: Socket): void {
    const connection = ++this.#connections;
    let text = '';
    let begun = false;
    let ended = false;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', async (bytes) => {
      text += bytes.toString('latin1');
      this.received += bytes.toString('latin1');
      while (text !== '' && !ended) {
        const result = readRequest(text);
        if (result.kind === 'invalid') {
          ended = true;
          this.faults.push(result.reason);
          this.events.push(result.reason);
          socket.end(
            'HTTP/1.1 400 Bad Request\r\nX-Target: (invalid)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
          );
          return;
        }
        if (result.kind === 'incomplete') {
          if (!begun) begun = this.#begin(socket, text, connection);
          return;
        }
        begun = false;
        text = text.slice(result.message.length);
        this.requests.push(result.message);
        this.events.push(result.message);
        await this.script.request(socket, result.message, connection);
      }
    });
  }

  #begin(socket: Socket, text: string, connection: number): boolean {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (/\r\nexpect: 100-continue\r\n/i.test(text.slice(0, end + 2))) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    this.script.begun?.(socket, text.split(' ')[1] ?? '', connection);
    return true;
  }
}

/** Answers 200, with target and method in fields: a client can tell whether the answer is its own, and how to read it. */
export function answerOk(socket: Socket, request: StrictMessage): void {
  const target = request.start[1].slice(0, 200).replaceAll(/[^\x21-\x7e]/g, '?');
  const body = request.start[0] === 'HEAD' ? '' : 'ok';
  socket.write(
    `HTTP/1.1 200 OK\r\nX-Target: ${target}\r\nX-Method: ${request.start[0]}\r\nContent-Length: 2\r\n\r\n${body}`,
  );
}
