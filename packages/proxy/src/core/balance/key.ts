// What hash balancing hashes: the part of the request that its backend names. Bytes are hashed where they lie.
import { findField, VALUE_END, VALUE_START } from '@tospann/http';
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { KeyFrom, type Balance } from './balance.ts';
import { hashBytes } from './hash.ts';

/** Takes the key of the request that the engine's parser holds; without one the request takes its turn. */
export function takeKey(engine: Engine, client: Client, balance: Balance): void {
  const head = engine.requestHead;
  client.keyed = true;
  switch (balance.keyFrom) {
    case KeyFrom.SOURCE:
      client.hashKey = client.source.hash() >>> 0;
      return;
    case KeyFrom.PATH:
      client.hashKey = hashBytes(head.memory, head.pathStart, head.pathEnd);
      return;
    case KeyFrom.URI:
      client.hashKey = hashBytes(head.memory, head.pathStart, head.forwardEnd);
      return;
    case KeyFrom.HEADER: {
      const entry = findField(head, balance.keyField!, 0);
      client.keyed = entry >= 0;
      if (entry < 0) return;
      const { entries } = head.fields;
      client.hashKey = hashBytes(head.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
      return;
    }
    case KeyFrom.COOKIE: {
      const finder = balance.keyCookie!;
      client.keyed = finder.find(head);
      if (client.keyed) client.hashKey = hashBytes(head.memory, finder.valueStart, finder.valueEnd);
      return;
    }
    default:
      client.keyed = false;
  }
}

/** Takes the key of a connection that is passed on as bytes: its source is all that there is to hash. */
export function takeStreamKey(client: Client, balance: Balance): void {
  client.queuePosition = 0;
  client.keyed = balance.keyFrom === KeyFrom.SOURCE;
  if (client.keyed) client.hashKey = client.source.hash() >>> 0;
}
