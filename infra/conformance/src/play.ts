// Plays one generated case on one lane of a proxy and says what came of it: what its server read, and what the client
// was answered. The client ends its side once nothing has come for a moment, so that whatever waits for more ends too.
import { connect } from 'node:net';
import { type GeneratedCase, readResponse, type StrictMessage } from '@tospann/testing';
import type { Lane } from './judge.ts';

/** What one proxy made of a case; everything that may differ without meaning is taken out. */
export interface Outcome {
  /** Requests that the server read to their end; or why it could not, in the place of the request. */
  readonly requests: readonly (SeenRequest | string)[];
  /** Final answers, in order. */
  readonly answers: readonly SeenAnswer[];
  /** What follows the last readable answer. */
  readonly rest: string;
  /** False: it was still open when the patience ended. */
  readonly closed: boolean;
}

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** End-to-end fields in lower case, sorted; without those that proxies add or own. */
  readonly fields: readonly string[];
  /** `chunked`, `length` or `none`. */
  readonly framing: string;
  readonly body: string;
  /** Names of the trailers, in lower case, sorted. */
  readonly trailers: readonly string[];
}

export interface SeenAnswer {
  readonly status: number;
  /** Target of the request that the server answered so; absent: the proxy's own answer. */
  readonly target?: string;
  readonly body: string;
  readonly complete: boolean;
}

/** How much time a case gets. */
export interface Pace {
  /** Nothing has come for so long: the client sends FIN. HAProxy drops what is pipelined then, so it is not too short. */
  readonly quietMs: number;
  /** After the end: what the proxy sends to the server late is then there. */
  readonly settleMs: number;
}

export const FAST: Pace = { quietMs: 100, settleMs: 0 };
/** For cases that differ: slow enough for a machine that is busy with other things. */
export const CAREFUL: Pace = { quietMs: 1500, settleMs: 150 };
/** A case that is not over by then is told as open. */
const PATIENCE_MS = 8000;

/** Plays a case. The lane has nothing else under way. */
export async function playCase(lane: Lane, generated: GeneratedCase, pace: Pace): Promise<Outcome> {
  lane.origin.forget();
  const { received, closed } = await converse(lane, generated.text + generated.sentinel, pace.quietMs);
  // What the proxy has sent to the server before it answered is read in this turn of the loop or the next.
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  if (pace.settleMs > 0) await new Promise((resolve) => setTimeout(resolve, pace.settleMs));
  const requests = lane.origin.events.map((event) =>
    typeof event === 'string' ? event : seen(event, lane.origin.port),
  );
  return { requests, ...answersIn(received), closed };
}

/** True when a plain request on a new connection gets its own answer. */
export async function canaryLives(lane: Lane, number: number): Promise<boolean> {
  const target = `/canary-${number}`;
  lane.origin.forget();
  const text = `GET ${target} HTTP/1.1\r\nHost: canary.test\r\nConnection: close\r\n\r\n`;
  const { answers } = answersIn((await converse(lane, text, CAREFUL.quietMs)).received);
  return answers.length === 1 && answers[0]?.status === 200 && answers[0].target === target;
}

function converse(
  lane: Lane,
  text: string,
  quietMs: number,
): Promise<{ readonly received: string; readonly closed: boolean }> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ port: lane.port, host: lane.address, allowHalfOpen: true, noDelay: true });
    const over = (closed: boolean): void => {
      clearTimeout(quiet);
      clearTimeout(patience);
      socket.destroy();
      resolve({ received, closed });
    };
    const quiet = setTimeout(() => socket.end(), quietMs);
    const patience = setTimeout(() => over(false), PATIENCE_MS);
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      quiet.refresh();
    });
    socket
      .on('end', () => over(true))
      .on('error', () => over(true))
      .on('close', () => over(true));
    socket.write(Buffer.from(text, 'latin1'));
  });
}

/** Fields that say how the message was carried, or that a proxy writes itself. */
const NOT_COMPARED =
  /^(connection|keep-alive|te|transfer-encoding|content-length|x-forwarded-for|upgrade|proxy-connection)$/;

function seen(message: StrictMessage, port: number): SeenRequest {
  // Each server has a port of its own, and it is named where the client has named none.
  const same = (value: string): string => (value === `127.0.0.1:${port}` ? 'the server' : value);
  const fields = message.fields.map(([name, value]) => [name.toLowerCase(), same(value)] as const);
  const has = (name: string): boolean => fields.some((field) => field[0] === name);
  return {
    method: message.start[0],
    target: message.start[1],
    version: message.start[2],
    fields: fields
      .filter(([name]) => !NOT_COMPARED.test(name))
      .map(([name, value]) => `${name}: ${value}`)
      .sort(),
    framing: has('transfer-encoding') ? 'chunked' : has('content-length') ? 'length' : 'none',
    body: message.body,
    trailers: message.trailers.map((name) => name.toLowerCase()).sort(),
  };
}

function answersIn(received: string): { readonly answers: readonly SeenAnswer[]; readonly rest: string } {
  const answers: SeenAnswer[] = [];
  let text = received;
  while (text !== '') {
    // The server names the method that it answers, so that an answer to HEAD is read as one.
    const head = readResponse(text, true);
    if (head.kind !== 'message') break;
    const field = (name: string): string | undefined =>
      head.message.fields.find((entry) => entry[0].toLowerCase() === name)?.[1];
    const result = field('x-method') === 'HEAD' ? head : readResponse(text, false);
    if (result.kind === 'invalid') break;
    const complete = result.kind === 'message';
    const { start, body, length } = complete ? result.message : { ...head.message, length: text.length };
    text = text.slice(length);
    const status = Number(start[1]);
    const target = field('x-target');
    // Of a proxy's own answers only the status counts.
    if (status >= 200)
      answers.push(target === undefined ? { status, body: '', complete: true } : { status, target, body, complete });
    if (status === 101) break;
  }
  return { answers, rest: text };
}
