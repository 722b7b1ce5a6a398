// The HAProxy-compatible statistics: a page and its `;csv` over plain HTTP with Basic authentication, for people and
// scripts that know HAProxy's. Read-only: nothing can be changed here. Side effects: one listening socket.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { TospannError } from '@tospann/errors';
import { statsCsv } from '../core/stats/csv.ts';
import { statsPage } from '../core/stats/page.ts';
import { clientKey, ConnectionGate } from '../core/connection-gate.ts';
import { FailureLimiter } from '../core/limits.ts';
import { Peaks } from '../core/stats/peaks.ts';
import { statsRows, watchedFigures, type StatsSource } from '../core/stats/rows.ts';
import type { NodeStatus } from '../contract.ts';
import { guardConnections } from './listener.ts';
import type { ApiLog } from './log.ts';

/** Who may read: a user name and its password; without a name any user with that password. */
export interface StatsLogin {
  readonly user?: string;
  readonly password: string;
}

/** Options of StatsListener. */
export interface StatsOptions {
  readonly bind: { readonly address: string; readonly port: number };
  /** Where the page is; the CSV is at the same path with `;csv` behind it. */
  readonly path: string;
  readonly login: StatsLogin;
  readonly config: () => StatsSource['config'];
  readonly status: () => NodeStatus;
  readonly log: ApiLog;
}

const LISTEN_AGAIN_MS = 5000;
const SECOND_MS = 1000;
const CONNECTION_LIMIT = 64;
const CONNECTIONS_PER_ADDRESS = 16;
/** Wrong passwords of one address in a minute. Unlike the console's token a password can be guessed: then not even the right one is looked at. */
const WRONG_PASSWORDS = { allowed: 10, windowMs: 60_000, addresses: 4096 } as const;

/** One address of the statistics: tried again until it opens, like every address of the API. */
export class StatsListener {
  readonly #options: StatsOptions;
  readonly #server: Server;
  readonly #peaks = new Peaks();
  readonly #wrong = new FailureLimiter(WRONG_PASSWORDS);
  readonly #digests: { readonly user: Buffer | undefined; readonly password: Buffer };
  #timers: NodeJS.Timeout[] = [];
  #isClosed = false;

  constructor(options: StatsOptions) {
    this.#options = options;
    const { user, password } = options.login;
    this.#digests = { user: user === undefined ? undefined : digest(user), password: digest(password) };
    const bounds = { requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 16_384 };
    this.#server = createServer({ ...bounds, connectionsCheckingInterval: SECOND_MS }, (req, res) =>
      this.#answer(req, res),
    );
    const shares = { total: CONNECTION_LIMIT, perAddress: CONNECTIONS_PER_ADDRESS, peers: [], perPeer: 0 };
    guardConnections(this.#server, new ConnectionGate(shares));
    this.#server.setTimeout(20_000);
  }

  /** The port that is open; undefined while there is none. */
  get port(): number | undefined {
    const at = this.#server.address();
    return typeof at === 'object' && at !== null ? at.port : undefined;
  }

  /** Tries to open the address; resolves after the first try. */
  async open(): Promise<void> {
    this.#timers.push(setInterval(() => this.#watch(), SECOND_MS));
    await this.#listen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #listen(): Promise<void> {
    const { bind, log } = this.#options;
    const error = await new Promise<Error | undefined>((resolve) => {
      this.#server.once('error', resolve);
      this.#server.listen({ host: bind.address, port: bind.port }, () => {
        this.#server.removeListener('error', resolve);
        resolve(undefined);
      });
    });
    if (error === undefined) {
      log.info({ event: 'stats-listening', ...bind }, 'statistics page listens');
      return;
    }
    const address = `${bind.address}:${bind.port}`;
    const { code, source, hint, message } = new TospannError(
      'LB_API_LISTEN',
      { address, detail: error.message },
      { cause: error },
    );
    log.error({ code, source, hint }, message);
    if (!this.#isClosed) this.#timers.push(setTimeout(() => void this.#listen(), LISTEN_AGAIN_MS));
  }

  #watch(): void {
    const status = this.#options.status();
    this.#peaks.take(watchedFigures(status), status.monotonicMs);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { path } = this.#options;
    const url = (request.url ?? '').split('?', 1)[0] ?? '';
    const isHead = request.method === 'HEAD';
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-cache, no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      });
      response.end(isHead ? '' : text);
    };
    const client = clientKey(request.socket.remoteAddress);
    const waitMs = this.#wrong.blockedMs(client, performance.now());
    if (waitMs > 0) {
      response.setHeader('retry-after', String(Math.ceil(waitMs / 1000)));
      send(429, 'text/plain', 'Too many wrong passwords came from this address.\n');
      return;
    }
    if (!this.#isAllowed(request.headers.authorization)) {
      // A browser asks without a password first.
      if (request.headers.authorization !== undefined) this.#wrong.fail(client, performance.now());
      response.setHeader('www-authenticate', 'Basic realm="Tospann Statistics", charset="UTF-8"');
      send(401, 'text/plain', 'You need a valid user and password to see this page.\n');
      return;
    }
    if (request.method !== 'GET' && !isHead) {
      response.setHeader('allow', 'GET, HEAD');
      send(405, 'text/plain', 'The statistics can only be read.\n');
      return;
    }
    // HAProxy's own forms: PATH, PATH;csv, PATH;norefresh and several words.
    const [page = '', ...words] = url.split(';');
    if (page !== path) send(404, 'text/plain', `The statistics are at ${path} and ${path};csv.\n`);
    else if (words.includes('csv')) send(200, 'text/plain', statsCsv(this.#rows()));
    else send(200, 'text/html', this.#page(words.includes('norefresh')));
  }

  #rows(): ReturnType<typeof statsRows> {
    return statsRows({ status: this.#options.status(), config: this.#options.config(), peaks: this.#peaks });
  }

  #page(isStill: boolean): string {
    const { node, cluster, version, uptimeMs } = this.#options.status();
    const refreshSeconds = isStill ? 0 : 10;
    return statsPage({ node, cluster, version, uptimeMs, refreshSeconds, path: this.#options.path }, this.#rows());
  }

  #isAllowed(authorization: string | undefined): boolean {
    const encoded = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return false;
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) return false;
    const { user, password } = this.#digests;
    const isUser = user === undefined || timingSafeEqual(digest(text.slice(0, colon)), user);
    // Both are compared whatever the first says, so that the time tells nothing.
    return timingSafeEqual(digest(text.slice(colon + 1)), password) && isUser;
  }
}

/** Digests have one length, which timingSafeEqual wants. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
