// A client of the lab as an object: requests from inside a node's namespace, answers as plain data.
import { tool } from './instruments.ts';
import type { LabNode } from './lab.ts';
import type { LabProcess } from './process.ts';

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Reuse one connection for the requests that say so. @default false */
  readonly keepAlive?: boolean;
  readonly timeoutMs?: number;
}

/** An answer, or `error` with an errno name, `timeout` or `truncated`; then `status` is 0. */
export interface Answer {
  readonly status: number;
  readonly error: string;
  readonly body: string;
  readonly tookMs: number;
  readonly rawHeaders: readonly string[];
}

export class HttpClient implements AsyncDisposable {
  readonly #process: LabProcess;
  #nextId = 1;

  private constructor(process: LabProcess) {
    this.#process = process;
  }

  /** Starts the client in a node. */
  static async start(node: LabNode): Promise<HttpClient> {
    const process = node.spawnInstrument('client', tool('client'), { keepLines: 500 });
    await process.waitForEvent('ready');
    return new HttpClient(process);
  }

  /** Sends one request and returns what came of it; it does not throw for a failed request. */
  async request(url: string, options: RequestOptions = {}): Promise<Answer> {
    const id = this.#nextId++;
    this.#process.stdin?.write(`${JSON.stringify({ id, url, ...options })}\n`);
    const timeoutMs = (options.timeoutMs ?? 5000) + 5000;
    const line = await this.#process.waitForEvent('response', (json) => json['id'] === id, { timeoutMs });
    const json = line.json as unknown as Partial<Answer> & { readonly tookMs: number };
    return { status: 0, error: '', body: '', rawHeaders: [], ...json };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop({ signal: 'SIGKILL' });
  }
}

/** Values of a header field in an answer, in order; the name's case does not matter. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
  );
}
