// What hash balancing hashes: the part of the request that its backend names. Bytes are hashed where they lie.
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { KeyFrom, type Balance } from './balance.ts';
import { hashBytes } from './hash.ts';
import { Span } from '../rules/spans.ts';
import { Place } from '../rules/text-buffer.ts';
import { takeValue, type Values } from '../rules/values.ts';

const span = new Span();
/** Which one of several decides: HAProxy's `balance hdr` takes the first, its `req.cook` the last. */
const FIRST = 1;
const LAST = -1;

/** Takes the key of the request that the engine's parser holds; without one the request takes its turn. */
export function takeKey(engine: Engine, client: Client, balance: Balance): void {
  client.keyed = true;
  switch (balance.keyFrom) {
    case KeyFrom.SOURCE:
      client.hashKey = client.source.hash() >>> 0;
      return;
    case KeyFrom.PATH:
      engine.path.find(span);
      client.hashKey = hashBytes(span.bytes, span.from, span.to);
      return;
    case KeyFrom.URI:
      takeUri(engine, client);
      return;
    case KeyFrom.HEADER:
      takeFrom(engine, client, balance.keyField!, FIRST);
      return;
    case KeyFrom.COOKIE:
      takeFrom(engine, client, balance.keyCookie!, LAST);
      return;
    default:
      client.keyed = false;
  }
}

// oxlint-disable-next-line max-params -- long: for each request, an object would be allocated
function takeFrom(engine: Engine, client: Client, values: Values, occurrence: number): void {
  client.keyed = takeValue(values, engine, occurrence);
  if (client.keyed) client.hashKey = hashBytes(values.bytes, values.from, values.to);
}

/** Path and query: as they lie, unless a rule has written another path. */
function takeUri(engine: Engine, client: Client): void {
  const { memory, pathStart, pathEnd, forwardEnd } = engine.requestHead;
  engine.path.find(span);
  if (span.bytes === memory) {
    client.hashKey = hashBytes(memory, pathStart, forwardEnd);
    return;
  }
  const { text } = engine;
  text.clear();
  text.place = Place.VALUE;
  text.put(span.bytes, span.from, span.to);
  text.put(memory, pathEnd, forwardEnd);
  client.hashKey = hashBytes(text.bytes, 0, text.length);
}

/** Takes the key of a connection that is passed on as bytes: its source is all that there is to hash. */
export function takeStreamKey(client: Client, balance: Balance): void {
  client.keyed = balance.keyFrom === KeyFrom.SOURCE;
  if (client.keyed) client.hashKey = client.source.hash() >>> 0;
}
