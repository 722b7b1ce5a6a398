// Where limits are asked: when a connection has come, and when a request's head is there. What is refused is counted by
// its reason. Connections are closed without a word and without a log line, since a flood of lines would be the flood's
// second damage; requests are answered and logged. This machine's own connections (its own probe is one) are not limited.
import { Fault, faultStatus, OK } from '@tospann/http';
import { answerLocally } from '../answers.ts';
import { NONE } from '../buffers.ts';
import { closeClient } from '../client.ts';
import { nameClient } from '../client-names.ts';
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { countRefusal } from '../finish.ts';
import type { LimitsPlan } from './limits-plan.ts';
import { Window, UNKNOWN } from './source-table.ts';

/** A connection has come, and its client's address is known. False: it was refused and is being closed. */
export function admitConnection(engine: Engine, client: Client): boolean {
  const { limits } = client.frontend;
  if (limits === null || !limits.limitsConnections || engine.sources === null) return true;
  if (client.logged === null) nameClient(engine, client);
  if (client.loopback || limits.exempt.has(client.source)) return true;
  const fault = connectionFault(engine, client, limits);
  if (fault === OK) return true;
  countRefusal(engine, client, fault);
  closeClient(engine, client, true);
  return false;
}

function connectionFault(engine: Engine, client: Client, limits: LimitsPlan): number {
  const sources = engine.sources!;
  const nowMs = engine.transport.nowMs();
  const at = sources.find(client.source, client.frontend.index, nowMs);
  if (at === UNKNOWN) return OK;
  const rate = limits.connectionRate;
  if (rate !== null && !sources.take(at, Window.CONNECTIONS, rate, nowMs)) return Fault.CONNECTION_RATE;
  if (limits.connections === 0) return OK;
  if (!sources.connect(at, limits.connections)) return Fault.SOURCE_CONNECTIONS;
  client.sourcePlace = at;
  client.sourceTag = sources.tagOf(at);
  return OK;
}

/** The connection has ended: its source may have another. */
export function releaseConnection(engine: Engine, client: Client): void {
  if (client.sourcePlace === NONE) return;
  engine.sources!.disconnect(client.sourcePlace, client.sourceTag);
  client.sourcePlace = NONE;
}

/**
 * Asks the limits about the request whose head the parser holds, which the log knows already.
 *
 * @returns False: it is answered, without reading its body, and the connection closes; the head's buffer is dropped.
 */
export function admitRequest(engine: Engine, client: Client): boolean {
  const limits = client.frontend.limits!;
  const fault = requestFault(engine, client, limits);
  if (fault === OK) return true;
  const head = engine.requestHead;
  countRefusal(engine, client, fault);
  client.endCause = 80;
  client.endPhase = 82;
  client.bytesIn = head.headEnd - head.methodStart;
  engine.buffers.drop(head.headEnd - 1);
  answerLocally(engine, client, faultStatus(fault), fault === Fault.REQUEST_RATE ? limits.retryAfter : undefined);
  return false;
}

function requestFault(engine: Engine, client: Client, limits: LimitsPlan): number {
  const rate = limits.requestRate;
  if (rate !== null && engine.sources !== null && !client.probe && !limits.exempt.has(client.source)) {
    const nowMs = engine.transport.nowMs();
    const at = engine.sources.find(client.source, client.frontend.index, nowMs);
    if (at !== UNKNOWN && !engine.sources.take(at, Window.REQUESTS, rate, nowMs)) return Fault.REQUEST_RATE;
  }
  return engine.requestHead.contentLength > limits.maxBodyBytes ? Fault.BODY_TOO_LARGE : OK;
}
