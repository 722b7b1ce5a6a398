// Active checks of one server, in the main thread: asks on a plain socket, feeds the answer to the pure state machine
// (core/health.ts), and tells when the server's state has changed. Owns one timer and at most one socket.
import net from 'node:net';
import type { CheckConfig, ServerConfig } from '@tospann/config';
import { afterCheck, initialHealth, nextCheckInMs, type CheckResult, type Health } from '../core/health.ts';

/** Bytes of an answer that are looked at: the status line. */
const MAX_ANSWER_BYTES = 1024;

export interface HealthCheckOptions {
  readonly server: Pick<ServerConfig, 'address' | 'port'>;
  readonly check: CheckConfig;
  /** Ms before the first check: spreads the load at the start. */
  readonly firstInMs: number;
  readonly monotonicMs: () => number;
  /** Called after every check; `before` is the state until then. */
  readonly onResult: (health: Health, before: Health) => void;
}

/** Checks a server again and again until `close`. */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  #health: Health;
  #timer: NodeJS.Timeout | undefined;
  #socket: net.Socket | undefined;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
    this.#health = initialHealth(true, options.monotonicMs());
    this.#timer = setTimeout(() => this.#run(), options.firstInMs);
  }

  get health(): Health {
    return this.#health;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #run(): void {
    const { check } = this.#options;
    const startMs = this.#options.monotonicMs();
    const socket = net.connect({ host: this.#options.server.address, port: this.#options.server.port });
    this.#socket = socket;
    let answer = '';
    const end = (ok: boolean, detail: string): void => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      clearTimeout(this.#timer);
      // Neither waits for the other side nor leaves TIME_WAIT behind.
      socket.resetAndDestroy();
      this.#took({ ok, detail, nowMs: this.#options.monotonicMs() });
    };
    const since = (): string => `${Math.round(this.#options.monotonicMs() - startMs)} ms`;
    this.#timer = setTimeout(() => end(false, `no answer in ${check.timeoutMs} ms`), check.timeoutMs);
    socket.on('error', (error: NodeJS.ErrnoException) => end(false, errorText(error)));
    socket.on('connect', () => {
      if (check.type === 'tcp') end(true, `connected in ${since()}`);
      else socket.write(this.#request());
    });
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
      const lineEnd = answer.indexOf('\r\n');
      if (lineEnd < 0 && answer.length < MAX_ANSWER_BYTES) return;
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      if (status === undefined) end(false, 'no HTTP answer');
      else end(status >= '200' && status < '400', `HTTP ${status} in ${since()}`);
    });
    socket.on('end', () => end(false, 'connection closed without an answer'));
  }

  #request(): string {
    const { check, server } = this.#options;
    const address = server.address.includes(':') ? `[${server.address}]` : server.address;
    const host = check.host ?? `${address}:${server.port}`;
    return `${check.method} ${check.path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: tospann-check\r\nConnection: close\r\n\r\n`;
  }

  #took(result: CheckResult): void {
    const before = this.#health;
    this.#health = afterCheck(before, result, this.#options.check);
    this.#timer = setTimeout(() => this.#run(), nextCheckInMs(this.#health, this.#options.check));
    this.#options.onResult(this.#health, before);
  }
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'no route to network',
};

function errorText(error: NodeJS.ErrnoException): string {
  return ERROR_TEXTS[error.code ?? ''] ?? error.code ?? error.message;
}
