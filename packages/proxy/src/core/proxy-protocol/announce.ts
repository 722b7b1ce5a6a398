// The start of a connection to a server that wants to know the client's address: the PROXY protocol header goes out
// before anything else. Such a connection speaks for one client, so it is never used for another (dispatch.ts does not
// pool it).
import { NONE } from '../buffers.ts';
import type { Client, Upstream } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { encodeProxyHeader } from './encode.ts';
import type { ProxyAddresses } from './decode.ts';

/** Queues the header on a new connection; false when there is no buffer for it. */
export function announceClient(engine: Engine, client: Client, upstream: Upstream): boolean {
  const header = encodeProxyHeader(upstream.server.sendProxy!, addressesOf(engine, client));
  const offset = engine.buffers.take();
  if (offset === NONE) return false;
  engine.buffers.memory.set(header, offset);
  upstream.out.push(engine.ranges, offset, header.length);
  return true;
}

/** What a header from the client's own peer said, else the two ends of its connection. */
function addressesOf(engine: Engine, client: Client): ProxyAddresses | null {
  if (client.proxied !== null) return client.proxied;
  const { transport } = engine;
  const source = transport.peerAddress(client.handle);
  const local = transport.localEndpoint(client.handle);
  if (source === '' || local === null) return null;
  return {
    source,
    sourcePort: transport.peerPort(client.handle),
    destination: local.address,
    destinationPort: local.port,
  };
}
