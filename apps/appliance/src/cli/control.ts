// The command line's end of the control socket: HTTP over <run-dir>/admin.sock, the same API as the console's.
import { request } from 'node:http';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';

/** Name of the control socket in the run directory. */
export const SOCKET_NAME = 'admin.sock';
/** Longest wait for an answer, ms: a planned failover at 40 s adverts takes that long. */
const TIMEOUT_MS = 130_000;

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the node that runs with this run directory.
 *
 * @param call `method` and `path`, for instance GET /api/v1/status; `body` is sent as JSON.
 * @throws {TospannError} LB_OPERATION_NOT_REACHABLE when no node answers on the socket.
 */
export async function ask(
  runDir: string,
  call: { readonly method: string; readonly path: string; readonly body?: unknown },
): Promise<ControlAnswer> {
  const socket = join(runDir, SOCKET_NAME);
  const body = call.body === undefined ? '' : JSON.stringify(call.body);
  return await new Promise<ControlAnswer>((resolve, reject) => {
    const notReachable = (error: Error): void =>
      reject(new TospannError('LB_OPERATION_NOT_REACHABLE', { socket, detail: error.message }, { cause: error }));
    const headers = {
      host: 'localhost',
      accept: 'application/json',
      ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sent = request(
      { socketPath: socket, method: call.method, path: call.path, headers, timeout: TIMEOUT_MS },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', notReachable);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(parts).toString('utf8')) }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', notReachable);
    sent.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text };
  }
}
