// The server and the client of the importer's differential: the server tells what it got in a field of its answer, the
// client gives back what it saw, with names of fields in lower case.
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ImportRequest } from './import-cases.ts';

/** What came of a request. */
export interface Seen {
  /** Of the answer; 0: the connection ended without one. */
  readonly status: number;
  /** `1.2` is server 2 of backend 1; empty: none. */
  readonly server: string;
  readonly method: string;
  readonly target: string;
  /** As they reached the server; fields of one name joined by `, `. */
  readonly requestFields: ReadonlyMap<string, string>;
  readonly responseFields: ReadonlyMap<string, string>;
}

interface Echo {
  readonly at: string;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
}

/** What rules for answers have to do with. */
const FIELDS = [
  ['Server', 'origin/1'],
  ['X-Powered-By', 'php'],
  ['Cache-Control', 'max-age=60'],
  ['Content-Type', 'text/plain'],
  ['Set-Cookie', 'app=session1; Path=/'],
  ['Vary', 'Accept'],
  ['Content-Length', '2'],
].flat();

/** A server on every loopback address: 127.3.B.S is server S of backend B. */
export class EchoServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<EchoServer> {
    const server = createServer({ maxHeaderSize: 65_536 }, (incoming, answer) => {
      const at = incoming.socket.localAddress?.replace(/^127\.3\./, '') ?? '';
      const echo: Echo = { at, method: incoming.method ?? '', target: incoming.url ?? '', fields: incoming.rawHeaders };
      answer.writeHead(200, [...FIELDS, 'X-Echo', Buffer.from(JSON.stringify(echo)).toString('base64')]);
      incoming.resume();
      answer.end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    return new EchoServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on a port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const NOTHING: Seen = {
  status: 0,
  server: '',
  method: '',
  target: '',
  requestFields: new Map(),
  responseFields: new Map(),
};
const PATIENCE_MS = 8000;

/** Sends one request on a connection of its own. */
export function sendTo(address: string, port: number, asked: ImportRequest): Promise<Seen> {
  return new Promise((resolve) => {
    const sent = request({
      host: address,
      port,
      method: asked.method,
      path: asked.target,
      headers: [...asked.fields, ...(asked.method === 'POST' || asked.method === 'PUT' ? ['Content-Length', '0'] : [])],
      localAddress: asked.source,
      agent: false,
      timeout: PATIENCE_MS,
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(NOTHING));
    sent.on('response', (answer) => {
      answer.resume();
      answer.on('error', () => resolve(NOTHING));
      answer.on('end', () => resolve(seenOf(answer.statusCode ?? 0, answer.rawHeaders)));
    });
    sent.end();
  });
}

function seenOf(status: number, rawHeaders: readonly string[]): Seen {
  const responseFields = joined(rawHeaders);
  const text = responseFields.get('x-echo');
  responseFields.delete('x-echo');
  if (text === undefined) return { ...NOTHING, status, responseFields };
  const echo = JSON.parse(Buffer.from(text, 'base64').toString()) as Echo; // made by the server above
  return {
    status,
    server: echo.at,
    method: echo.method,
    target: echo.target,
    requestFields: joined(echo.fields),
    responseFields,
  };
}

function joined(raw: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]?.toLowerCase() ?? '';
    const before = fields.get(name);
    fields.set(name, before === undefined ? (raw[i + 1] ?? '') : `${before}, ${raw[i + 1] ?? ''}`);
  }
  return fields;
}
