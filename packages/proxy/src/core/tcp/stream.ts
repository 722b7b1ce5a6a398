// TCP mode: a session from its first moment until its server is there; from then on it is a tunnel (tunnel.ts). The
// server is chosen, waited for and retried as for a request (dispatch.ts), since not a byte has gone out. What the
// client sends meanwhile waits, bounded. A session that gets no server is reset: a FIN would look like an empty answer.
import { NONE } from '../buffers.ts';
import { dropClient, giveUp } from '../client.ts';
import { ClientPhase, UpstreamPhase, Wait, type Client, type Upstream } from '../connection.ts';
import { takeStreamKey } from '../balance/key.ts';
import { latin1 } from '../bytes.ts';
import { isSelfProbeAddress } from '../self-probe.ts';
import { assign } from '../dispatch.ts';
import type { Engine } from '../engine.ts';
import { nameClient } from '../client-names.ts';
import { resetExchange, resetRequest } from '../reset.ts';
import { append, isFull, pump, setReceiving, settle } from '../sending.ts';
import { ServerCounter } from '../shared.ts';
import { passClientFin, touchTunnel } from '../tunnel.ts';
import { leaveQueue } from '../flow/queue.ts';

const PROBE_OK = latin1('ok\n');
const PROBE_NO_SERVER = latin1('no server\n');

/** Begins the session of a client that has connected; what it has sent already is in `client.request`. */
export function startStream(engine: Engine, client: Client): void {
  beginSession(engine, client);
  nameClient(engine, client);
  engine.wheel.set(client.handle, Infinity); // the server's time-outs count now
  client.backend = client.frontend.defaultBackend;
  if (client.proxied === null && isSelfProbeAddress(client.peer)) {
    answerProbe(engine, client);
    return;
  }
  const { rules } = client.frontend;
  if (rules !== null) client.backend = engine.rules.runConnection(client, rules);
  if (client.backend === null) {
    dropClient(engine, client, true);
    return;
  }
  takeStreamKey(client, client.backend.balance);
  assign(engine, client);
}

/** This node asks itself whether it can serve: told without a session at a server, not logged. */
function answerProbe(engine: Engine, client: Client): void {
  const offset = engine.buffers.take();
  if (offset === NONE) {
    dropClient(engine, client, true);
    return;
  }
  // Without a backend for the rest a rule closes every connection: nothing more is asked of the node.
  const serves = client.backend === null || client.backend.servers.some((server) => engine.isUsable(server));
  const text = serves ? PROBE_OK : PROBE_NO_SERVER;
  engine.buffers.memory.set(text, offset);
  client.probe = true;
  client.phase = ClientPhase.BUSY;
  client.answered = true;
  client.out.push(engine.ranges, offset, text.length);
  engine.wheel.set(client.handle, engine.transport.nowMs() + engine.options.timeouts.clientMs);
  pump(engine, client.out);
}

function beginSession(engine: Engine, client: Client): void {
  resetRequest(client);
  client.phase = ClientPhase.STREAM;
  client.open = true;
  client.headMs = engine.transport.nowMs();
  client.headDone = true;
  client.requestDone = true; // no body is waited for
  client.freshOnly = true;
  client.bytesIn = client.request.bytes;
}

/** Bytes have come before there is a server; the buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function streamReceived(engine: Engine, client: Client, offset: number, length: number): void {
  client.bytesIn += length;
  append(engine, client.request, offset, length, false);
  engine.buffers.drop(offset);
  if (engine.buffers.short) settle(engine, client.request, false);
  if (isFull(engine, client.request)) setReceiving(engine, client, false);
}

/** The client has sent FIN before there is a server. Who waits in a queue and has said nothing has left; and see abortOnClose. */
export function streamEnded(engine: Engine, client: Client): void {
  const hasLeft = client.wait === Wait.QUEUE && client.request.head === NONE;
  if (hasLeft || client.backend!.abortOnClose) giveUp(engine, client);
}

/** The pause between two attempts or the time in the queue is over. */
export function streamExpired(engine: Engine, client: Client): void {
  if (client.wait === Wait.RETRY) {
    client.wait = Wait.NONE;
    assign(engine, client);
  } else if (client.wait === Wait.QUEUE) {
    leaveQueue(engine, client);
    client.endCause = 115;
    client.endPhase = 81;
    dropClient(engine, client, true);
  }
}

/** The server is there: what has come goes out, and both directions are open. */
export function beginStream(engine: Engine, client: Client, upstream: Upstream): void {
  client.wait = Wait.ANSWER;
  client.phase = ClientPhase.TUNNEL;
  client.answering = true;
  resetExchange(upstream);
  upstream.phase = UpstreamPhase.TUNNEL;
  engine.wheel.set(upstream.handle, Infinity);
  upstream.out.takeAll(engine.ranges, client.request);
  engine.counters[upstream.server.counter + ServerCounter.requestsTotal]! += 1;
  pump(engine, upstream.out);
  touchTunnel(engine, client);
  if (client.inputEnded) passClientFin(engine, client);
  else if (!isFull(engine, upstream.out)) setReceiving(engine, client, true);
}
