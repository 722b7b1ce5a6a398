// Answers that the proxy gives itself: error pages when no server's answer can be had, after which the connection
// closes; and what rules say (pages, redirects), after which it may stay open.
import { errorAnswer, errorHeadBytes, Method } from '@tospann/http';
import { NONE } from './buffers.ts';
import { latin1, put } from './bytes.ts';
import { ClientPhase, Wait, type Client } from './connection.ts';
import { abortUpstream } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { endRest } from './flow/resting.ts';
import { type LocalAnswer, pageFor } from './rules/local-answer.ts';
import type { TextBuffer } from './rules/text-buffer.ts';
import { pump } from './sending.ts';
import { dropClient } from './client.ts';

const CLOSE = latin1('Connection: close\r\n');
const KEEP_ALIVE = latin1('Connection: keep-alive\r\n');
const CRLF = latin1('\r\n');
const EMPTY = new Uint8Array(0);
const URI_TOO_LONG = 414;

/**
 * Ends what is under way for this request with an error page. To be called before any byte of the server's final
 * answer has gone out; interim answers may have.
 *
 * @param fields Further whole field lines, with CR LF.
 */
// oxlint-disable-next-line max-params -- a refusal's own field line is the exception
export function answerLocally(engine: Engine, client: Client, status: number, fields: Uint8Array = EMPTY): void {
  if (client.frontend.tcp) {
    dropClient(engine, client, true);
    return;
  }
  const own = client.frontend.errorPages.get(status);
  if (own !== undefined || client.idAnswer !== null) {
    begin(engine, client, status);
    client.keepAlive = false;
    client.closeAsked = false;
    write(engine, client, { ...(own ?? pageFor(status)), fields });
    return;
  }
  begin(engine, client, status);
  const page = errorAnswer(status);
  const head = errorHeadBytes(page) - 2;
  const end = client.method === Method.HEAD ? head + 2 : page.length;
  const length = end + fields.length;
  const offset = engine.buffers.take();
  if (offset === NONE) {
    dropClient(engine, client, true);
    return;
  }
  const memory = engine.buffers.memory;
  for (let i = 0; i < head; i++) memory[offset + i] = page[i]!;
  memory.set(fields, offset + head);
  for (let i = head; i < end; i++) memory[offset + fields.length + i] = page[i]!;
  client.keepAlive = false;
  client.closeAsked = false;
  client.out.push(engine.ranges, offset, length);
  client.bytesOut += length;
  sent(engine, client);
}

/** Answers a request as a rule says. The connection stays open if the whole request has come. */
export function sendAnswer(engine: Engine, client: Client, answer: LocalAnswer): void {
  begin(engine, client, answer.status);
  keepIfClean(engine, client);
  write(engine, client, answer);
}

/** A redirect to what has been written in `target`; 414 if that has become too long. */
export function sendRedirect(
  engine: Engine,
  client: Client,
  redirect: { readonly status: number; readonly head: Uint8Array; readonly target: TextBuffer },
): void {
  if (redirect.target.overflowed) {
    sendAnswer(engine, client, client.frontend.errorPages.get(URI_TOO_LONG) ?? pageFor(URI_TOO_LONG));
    return;
  }
  begin(engine, client, redirect.status);
  keepIfClean(engine, client);
  write(engine, client, { head: redirect.head, body: EMPTY, location: redirect.target });
}

function begin(engine: Engine, client: Client, status: number): void {
  abortUpstream(engine, client);
  client.phase = ClientPhase.BUSY;
  client.wait = Wait.NONE;
  client.request.clear(engine.ranges, engine.buffers);
  endRest(engine, client);
  client.status = status;
}

function keepIfClean(engine: Engine, client: Client): void {
  if (!client.requestDone) client.closeAsked = false;
  if (!client.requestDone || engine.draining || engine.standby) client.keepAlive = false;
}

function sent(engine: Engine, client: Client): void {
  client.answering = true;
  client.answered = true;
  engine.wheel.set(client.handle, engine.transport.nowMs() + engine.options.timeouts.clientMs);
  pump(engine, client.out);
}

interface Parts {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly location?: TextBuffer;
  /** Further whole lines. */
  readonly fields?: Uint8Array;
}

/** Writes head and body into buffers of their own; as many as the body needs. */
function write(engine: Engine, client: Client, { head, body, location, fields = EMPTY }: Parts): void {
  const { buffers } = engine;
  const { memory } = buffers;
  const offset = buffers.take();
  if (offset === NONE) {
    dropClient(engine, client, true);
    return;
  }
  let at = put(memory, offset, head);
  if (location !== undefined) {
    memory.set(location.bytes.subarray(0, location.length), at);
    at = put(memory, at + location.length, CRLF);
  }
  at = put(memory, at, fields);
  if (!client.keepAlive) at = put(memory, at, CLOSE);
  else if (client.minorVersion === 0) at = put(memory, at, KEEP_ALIVE);
  if (client.idAnswer !== null) {
    at = put(memory, at, client.idAnswer);
    for (let i = 0; i < client.requestIdLength; i++) memory[at++] = client.requestId![i]!;
    at = put(memory, at, CRLF);
  }
  at = put(memory, at, CRLF);
  const length = client.method === Method.HEAD ? 0 : body.length;
  const first = Math.min(length, buffers.end(offset) - at);
  memory.set(body.subarray(0, first), at);
  client.out.push(engine.ranges, offset, at + first - offset);
  client.bytesOut += at + first - offset;
  for (let done = first; done < length; done += buffers.bufferBytes) {
    const next = buffers.take();
    if (next === NONE) {
      dropClient(engine, client, true);
      return;
    }
    const part = Math.min(length - done, buffers.bufferBytes);
    memory.set(body.subarray(done, done + part), next);
    client.out.push(engine.ranges, next, part);
    client.bytesOut += part;
  }
  sent(engine, client);
}
