// Tunnels: after a 101 both sides are bytes only, passed on as they come, with back-pressure each way. A FIN goes on
// as a FIN (half-closed sides live on); silence in both directions ends the tunnel.
import { BodyKind, ConnectionChoice } from '@tospann/http';
import { NONE, type Chain } from './buffers.ts';
import { closeClient, dropClient } from './client.ts';
import { ClientPhase, UpstreamPhase, type Client, type Outbound, type Upstream } from './connection.ts';
import { closeUpstream, detach, freePlace } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { countBytes, finish } from './finish.ts';
import { writeCookie } from './persistence/answer-cookie.ts';
import { append, isFull, pump, setReceiving } from './sending.ts';

/** So many pieces of at least so many bytes in a row make a bulk stream: copying costs more than two system calls. */
const BULK_PIECE_BYTES = 16_384;
const BULK_PIECES = 8;
/** How often a tunnel's bytes are counted: it may last for days. */
const COUNT_EVERY_MS = 1000;

/** The server has agreed to the upgrade; its head is in the engine's parser, in the buffer of `engine.place`. */
export function beginTunnel(engine: Engine, client: Client, upstream: Upstream): void {
  const { at, end } = engine.place;
  const writer = engine.answerWriter;
  writer.framing = BodyKind.NONE;
  writer.connection = ConnectionChoice.UPGRADE;
  writeCookie(engine, client);
  writer.edits = client.answerEdits;
  const target = engine.buffers.take();
  const stop = target === NONE ? NONE : writer.write(target, engine.buffers.end(target));
  if (stop === NONE) {
    if (target !== NONE) engine.buffers.drop(target);
    engine.buffers.drop(at);
    dropClient(engine, client, true);
    return;
  }
  client.out.push(engine.ranges, target, stop - target);
  client.bytesOut += stop - target;
  client.status = 101;
  client.answering = true;
  client.keepAlive = false;
  client.answerMs = engine.transport.nowMs();
  client.phase = ClientPhase.TUNNEL;
  upstream.phase = UpstreamPhase.TUNNEL;
  engine.dropRepeat(client);
  engine.wheel.set(upstream.handle, Infinity);
  const body = engine.answerHead.headEnd;
  if (body < end) tunnelFromServer(engine, upstream, body, end - body);
  else {
    engine.buffers.drop(body - 1);
    pump(engine, client.out);
    touchTunnel(engine, client);
  }
  // What the client has sent behind its request belongs to the tunnel.
  const input: Chain = client.input;
  while (input.head !== NONE) {
    const offset = engine.ranges.offset[input.head]!;
    const length = engine.ranges.length[input.head]!;
    input.shift(engine.ranges);
    tunnelFromClient(engine, client, offset, length);
  }
  if (client.inputEnded) tunnelFromClient(engine, client, NONE, 0);
  else if (!isFull(engine, upstream.out)) setReceiving(engine, client, true);
}

/** Bytes from the client, or its FIN (`offset` NONE). The buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function tunnelFromClient(engine: Engine, client: Client, offset: number, length: number): void {
  const upstream = client.upstream!;
  if (offset === NONE) passClientFin(engine, client);
  else {
    client.bytesIn += length;
    pass(engine, upstream.out, offset, length);
    weigh(engine, client, length);
    if (isFull(engine, upstream.out)) setReceiving(engine, client, false);
    touchTunnel(engine, client);
  }
}

/** Bytes from the server, or its FIN (`offset` NONE). The buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function tunnelFromServer(engine: Engine, upstream: Upstream, offset: number, length: number): void {
  const client = upstream.client!;
  if (offset === NONE) passFin(engine, client, client.out);
  else {
    client.bytesOut += length;
    pass(engine, client.out, offset, length);
    weigh(engine, client, length);
    if (isFull(engine, client.out)) setReceiving(engine, upstream, false);
    touchTunnel(engine, client);
  }
}

/** The transport has passed bytes on by itself. */
// oxlint-disable-next-line max-params -- long: hot path, an object would be allocated
export function tunnelRelayed(engine: Engine, client: Client, fromClient: boolean, length: number): void {
  if (fromClient) client.bytesIn += length;
  else client.bytesOut += length;
  touchTunnel(engine, client);
}

/** A stream that comes in large pieces for a while is left to the transport, which may know a cheaper way for it. */
function weigh(engine: Engine, client: Client, length: number): void {
  client.bulk = length >= BULK_PIECE_BYTES ? client.bulk + 1 : 0;
  if (client.bulk === BULK_PIECES) engine.transport.relay(client.handle, client.upstream!.handle);
}

/** Ends the tunnel when both sides have sent FIN and everything has been passed on. */
export function endTunnelIfDone(engine: Engine, client: Client): void {
  const upstream = client.upstream;
  if (client.phase !== ClientPhase.TUNNEL || upstream === null) return;
  if (!client.inputEnded || !upstream.ended) return;
  if (client.out.head !== NONE || upstream.out.head !== NONE) return;
  detach(engine, client, upstream);
  closeUpstream(engine, upstream, false);
  freePlace(engine, client, upstream.server);
  finish(engine, client);
  closeClient(engine, client, false);
}

/** Nothing has come from either side for the tunnel's time-out. */
export function tunnelExpired(engine: Engine, client: Client): void {
  client.endCause = 115;
  client.endPhase = 68;
  dropClient(engine, client, true);
}

/** The client's FIN goes on to the server, behind what is still to be sent. */
export function passClientFin(engine: Engine, client: Client): void {
  passFin(engine, client, client.upstream!.out);
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function pass(engine: Engine, out: Outbound, offset: number, length: number): void {
  append(engine, out, offset, length, out.sending);
  engine.buffers.drop(offset);
  pump(engine, out);
}

function passFin(engine: Engine, client: Client, out: Outbound): void {
  if (out.head !== NONE) out.finAfter = true;
  else engine.transport.shutdownSend(out.handle);
  endTunnelIfDone(engine, client);
}

/** Something has moved: the time-out counts from now. */
export function touchTunnel(engine: Engine, client: Client): void {
  const nowMs = engine.transport.nowMs();
  engine.wheel.set(client.handle, nowMs + engine.options.timeouts.tunnelMs);
  if (nowMs - client.countedMs < COUNT_EVERY_MS) return;
  client.countedMs = nowMs;
  if (!client.probe) countBytes(engine, client);
}
