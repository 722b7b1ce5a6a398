// Answers that the proxy gives itself when no server's answer can be had: an error page, then the connection closes.
import { errorAnswer, errorHeadBytes, Method } from '@tospann/http';
import { NONE } from './buffers.ts';
import { ClientPhase, Wait, type Client } from './connection.ts';
import { abortUpstream } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { pump } from './sending.ts';
import { dropClient } from './client.ts';

/**
 * Ends what is under way for this request with an error page. To be called before any byte of the server's final
 * answer has gone out; interim answers may have.
 */
export function answerLocally(engine: Engine, client: Client, status: number): void {
  if (client.frontend.tcp) {
    dropClient(engine, client, true);
    return;
  }
  abortUpstream(engine, client);
  client.phase = ClientPhase.BUSY;
  client.wait = Wait.NONE;
  client.request.clear(engine.ranges, engine.buffers);
  const page = errorAnswer(status);
  const length = client.method === Method.HEAD ? errorHeadBytes(page) : page.length;
  const offset = engine.buffers.take();
  client.status = status;
  if (offset === NONE) {
    dropClient(engine, client, true);
    return;
  }
  const memory = engine.buffers.memory;
  for (let i = 0; i < length; i++) memory[offset + i] = page[i]!;
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
