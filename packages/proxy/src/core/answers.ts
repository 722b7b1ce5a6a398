// Answers that the proxy gives itself when no server's answer can be had: an error page, then the connection closes.
import { errorAnswer, errorHeadBytes, Method } from '@tospann/http';
import { NONE } from './buffers.ts';
import { ClientPhase, Wait, type Client } from './connection.ts';
import { abortUpstream } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { pump } from './sending.ts';
import { dropClient } from './client.ts';

const EMPTY = new Uint8Array(0);

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
  abortUpstream(engine, client);
  client.phase = ClientPhase.BUSY;
  client.wait = Wait.NONE;
  client.request.clear(engine.ranges, engine.buffers);
  const page = errorAnswer(status);
  const head = errorHeadBytes(page) - 2;
  const end = client.method === Method.HEAD ? head + 2 : page.length;
  const length = end + fields.length;
  const offset = engine.buffers.take();
  client.status = status;
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
  client.answering = true;
  client.answered = true;
  client.answerMs = engine.transport.nowMs();
  client.bytesOut += length;
  client.out.push(engine.ranges, offset, length);
  engine.wheel.set(client.handle, client.answerMs + engine.options.timeouts.clientMs);
  pump(engine, client.out);
}
