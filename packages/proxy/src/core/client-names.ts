// What client addresses look like: in logs, as numbers, in X-Forwarded-For. Worked out once for each address and kept,
// bounded; everything else takes it from the connection.
import { loggedAddress } from './address.ts';
import { latin1 } from './bytes.ts';
import type { Client } from './connection.ts';
import type { Engine } from './engine.ts';
import { isLoopback } from './self-probe.ts';
import { type SourceAddress, sourceOf } from './source.ts';

const EMPTY = new Uint8Array(0);
/** Addresses that are kept. */
const MAX_NAMES = 4096;

/** An address in all its forms. */
export interface ClientName {
  readonly address: Uint8Array;
  /** As it may be logged. */
  readonly logged: Uint8Array;
  /** The X-Forwarded-For line for connections from it; empty: none. */
  readonly forwarded: Uint8Array;
  readonly loopback: boolean;
  readonly source: SourceAddress;
}

/** The forms of an address. */
export function nameOf(engine: Engine, address: string): ClientName {
  const known = engine.names.get(address);
  if (known !== undefined) return known;
  if (engine.names.size >= MAX_NAMES) engine.names.clear();
  const name = {
    address: latin1(address),
    logged: latin1(loggedAddress(address, engine.options.clientAddressInLog)),
    forwarded: engine.options.addsForwardedFor(address) ? latin1(`X-Forwarded-For: ${address}\r\n`) : EMPTY,
    loopback: isLoopback(address),
    source: sourceOf(address),
  };
  engine.names.set(address, name);
  return name;
}

/** Works out what the connection's address means; with its first request, or when somebody needs it before. */
export function nameClient(engine: Engine, client: Client): void {
  const { proxied } = client;
  const name = nameOf(engine, proxied === null ? engine.transport.peerAddress(client.handle) : proxied.source);
  client.peerName = name;
  client.address = name.address;
  client.logged = name.logged;
  client.peer = name.source;
  client.source = name.source;
  client.loopback = name.loopback;
  if (engine.log?.wantsPort !== true) client.port = 0;
  else client.port = proxied === null ? engine.transport.peerPort(client.handle) : proxied.sourcePort;
  client.forwarded = name.forwarded;
}
