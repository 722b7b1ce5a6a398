// The start of a connection whose peer speaks for others: its PROXY protocol header comes before anything else. The
// addresses in it are the client's from then on. A peer that sends no right header in time is closed: nothing that
// such a listener hears may be taken for a client's own words.
import { NONE } from '../buffers.ts';
import { clientReceived, closeClient } from '../client.ts';
import { ClientPhase, Partial, type Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { admitConnection } from '../limits/admit.ts';
import { startStream } from '../tcp/stream.ts';
import { decodeProxyHeader, ProxyHeader } from './decode.ts';

/** The connection's first bytes must be a header; the time-out of a request's head is set already. */
export function expectProxyHeader(client: Client): void {
  client.phase = ClientPhase.PROXY;
}

/** Bytes have come while the header is not whole; the buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function proxyHeaderReceived(engine: Engine, client: Client, offset: number, length: number): void {
  const memory = engine.buffers.memory;
  const partial = client.partial;
  const before = partial === null ? 0 : partial.length;
  let bytes = memory.subarray(offset, offset + length);
  if (before > 0) {
    partial!.save(memory, offset, length);
    bytes = partial!.bytes.subarray(0, partial!.length);
  }
  const header = decodeProxyHeader(bytes);
  if (header.length === ProxyHeader.MORE) {
    if (before === 0) (client.partial ??= new Partial()).save(memory, offset, length);
    engine.buffers.drop(offset);
    return;
  }
  if (header.length === ProxyHeader.BROKEN) {
    engine.buffers.drop(offset);
    closeClient(engine, client, true);
    return;
  }
  if (partial !== null) partial.length = 0;
  client.proxied = header.addresses;
  const used = header.length - before;
  afterHeader(engine, client, used < length ? offset + used : NONE, length - used);
  if (used >= length) engine.buffers.drop(offset);
}

/** What follows the header (`offset` NONE: nothing yet) is a stream's or a request's beginning. */
// oxlint-disable-next-line max-params -- long: a range object would be allocated
function afterHeader(engine: Engine, client: Client, offset: number, length: number): void {
  client.phase = ClientPhase.HEAD;
  if (client.frontend.limits !== null && !admitConnection(engine, client)) {
    if (offset !== NONE) engine.buffers.drop(offset);
    return;
  }
  if (client.frontend.tcp) {
    if (offset !== NONE) client.request.push(engine.ranges, offset, length);
    startStream(engine, client);
  } else if (offset !== NONE) clientReceived(engine, client, offset, length);
}
