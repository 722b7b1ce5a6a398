// One POST of JSON to a web address: certificates are verified, redirects are not followed, the answer is read up to a
// bound and the whole of it within the time limit. Side effects: one connection.
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CallOutcome, CallResult, RunningCall } from './call.ts';

/** Of the answer, for the operator, bytes. */
const outputLimit = 2048;
/** What a server says when asking again later is right, beside 5xx (RFC 9110, RFC 6585). */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

export interface WebCallOptions {
  /** http or https. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly body: string;
}

interface Ending {
  readonly outcome: CallOutcome;
  readonly output?: string;
  readonly mayRetry: boolean;
}

/** Sends the request. */
export function callWeb(options: WebCallOptions): RunningCall {
  const { promise, resolve } = Promise.withResolvers<CallResult>();
  let sent: ClientRequest | undefined;
  const finish = ({ outcome, output = '', mayRetry }: Ending): void => {
    clearTimeout(limit);
    resolve({ outcome, output, mayRetry });
    sent?.destroy();
  };
  const limit = setTimeout(
    () => finish({ outcome: { type: 'timed-out', afterMs: options.timeoutMs }, mayRetry: true }),
    Math.max(1, options.timeoutMs),
  );
  try {
    sent = post(options, (response) => readAnswer(response, finish));
    sent.on('error', (error) => finish({ outcome: { type: 'not-started', why: reasonOf(error) }, mayRetry: true }));
    sent.end(options.body);
  } catch (error) {
    finish({ outcome: { type: 'not-started', why: reasonOf(error) }, mayRetry: false }); // not an address
  }
  return { result: promise, cancel: () => finish({ outcome: { type: 'cancelled' }, mayRetry: false }) };
}

function post({ url, body }: WebCallOptions, answered: (response: IncomingMessage) => void): ClientRequest {
  const target = new URL(url);
  const options: RequestOptions = {
    method: 'POST',
    // A connection of its own: none is kept that could have died since.
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'tospann',
    },
  };
  if (target.protocol === 'https:') return httpsRequest(target, options, answered);
  return httpRequest(target, options, answered);
}

function readAnswer(response: IncomingMessage, finish: (ending: Ending) => void): void {
  let output = '';
  const status = response.statusCode ?? 0;
  const end = (): void => {
    const text = output.trim();
    if (status >= 200 && status < 300) return finish({ outcome: { type: 'done' }, output: text, mayRetry: false });
    const isMoved = status >= 300 && status < 400;
    const how = isMoved ? `status ${status}, and redirects are not followed` : `status ${status}`;
    finish({
      outcome: { type: 'failed', how },
      output: text,
      mayRetry: status >= 500 || laterStatuses.has(status),
    });
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    output += part.slice(0, outputLimit - output.length);
    // The status is all that counts: a body without end is not waited for.
    if (output.length >= outputLimit) end();
  });
  response.on('end', end);
  response.on('error', (error) => finish({ outcome: { type: 'failed', how: reasonOf(error) }, mayRetry: true }));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: the message of the collection is empty.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return error.message === '' && first !== undefined ? reasonOf(first) : error.message;
}
