// Starts real APIs on free ports in a directory of their own, and asks them over the socket and over TLS.
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi, type ApiOptions, type NodeStatus, type RunningApi } from '../src/index.ts';
import { node } from './fixture.ts';

export const clusterKey = Buffer.alloc(32, 7);

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => unknown;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface TestNode extends AsyncDisposable {
  readonly api: RunningApi;
  readonly socketPath: string;
  readonly stateDir: string;
  readonly port: () => number;
  readonly logged: readonly string[];
  /** What getStatus answers: to be changed by a test. */
  readonly current: { status: NodeStatus };
  readonly overTls: (call: Call) => Promise<Answer>;
  readonly overSocket: (call: Call) => Promise<Answer>;
}

export async function startNode(name: string, overrides: Partial<ApiOptions> = {}): Promise<TestNode> {
  const directory = mkdtempSync(join(tmpdir(), 'tospann-api-'));
  const socketPath = overrides.socketPath ?? join(directory, 'admin.sock');
  const current = { status: node(name, 'master') };
  const logged: string[] = [];
  const line = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const api = await startApi({
    nodeName: name,
    peers: [],
    binds: [{ address: '127.0.0.1', port: 0 }],
    socketPath,
    stateDir: directory,
    clusterKey,
    consoleAssets: () => undefined,
    getStatus: () => current.status,
    move: () => Promise.reject(new Error('not expected in this test')),
    log: { info: line, warn: line, error: line },
    ...overrides,
  }).catch((error: unknown) => {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  });
  const port = (): number => api.addresses()[0]?.port ?? 0;
  return {
    api,
    socketPath,
    stateDir: directory,
    port,
    logged,
    current,
    overTls: (call) => ask(call, { port: port() }),
    overSocket: (call) => ask(call, { socketPath }),
    [Symbol.asyncDispose]: async () => {
      await api.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function ask(call: Call, to: { readonly port: number } | { readonly socketPath: string }): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body = '' } = call;
  const json = body === '' ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const read = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers, text, json: () => JSON.parse(text) as unknown });
      });
    };
    const options = { method, path, headers: { ...json, ...headers }, agent: false } as const;
    const request =
      'port' in to
        ? httpsRequest({ ...options, host: '127.0.0.1', port: to.port, rejectUnauthorized: false }, read)
        : httpRequest({ ...options, socketPath: to.socketPath }, read);
    request.on('error', reject);
    request.end(body);
  });
}

/** Waits until a condition holds; fails after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error(`condition never held: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
