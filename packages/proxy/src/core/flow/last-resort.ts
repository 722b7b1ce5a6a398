// The last resort: so many connections stand still that even the smallest pieces have no room for what rests, and the
// buffers that everybody receives into are nearly used up. Whoever has moved nothing for a second is reset then, as far as
// it takes, so that those who come are still served. (The ring comes to that with some 50 000 connections that stand still.)
import type { Chain } from '../buffers.ts';
import { NONE } from '../buffers.ts';
import { dropClient } from '../client.ts';
import { ClientPhase, type Client, type Outbound } from '../connection.ts';
import type { Engine } from '../engine.ts';

/** Who has moved nothing for so long stands still. */
const STILL_MS = 1000;
/** HAProxy's RD: a resource of the proxy is exhausted. */
const RESOURCE = 82;
const DATA = 68;

/** Resets connections that stand still until enough receive buffers are free, if they are not; for each tick while short. */
export function makeRoom(engine: Engine): void {
  const { buffers } = engine;
  const nowMs = engine.transport.nowMs();
  for (const client of engine.clients) {
    if (!buffers.exhausted) return;
    if (client === null || !standsStill(engine, client, nowMs - STILL_MS)) continue;
    client.endCause = RESOURCE;
    client.endPhase = DATA;
    dropClient(engine, client, true);
  }
}

/** Whether the connection holds buffers that others could receive into, and has not moved since `sinceMs`. */
function standsStill(engine: Engine, client: Client, sinceMs: number): boolean {
  if (client.phase === ClientPhase.CLOSING) return false;
  const { upstream } = client;
  if (isStuck(engine, client.out, sinceMs)) return true;
  if (upstream !== null && isStuck(engine, upstream.out, sinceMs)) return true;
  if (client.headMs > sinceMs) return false;
  return holdsReceived(engine, client.input) || holdsReceived(engine, client.request);
}

function isStuck(engine: Engine, out: Outbound, sinceMs: number): boolean {
  return out.sending && out.sinceMs <= sinceMs && holdsReceived(engine, out);
}

function holdsReceived({ buffers, ranges }: Engine, chain: Chain): boolean {
  for (let range = chain.head; range !== NONE; range = ranges.next[range]!) {
    if (buffers.isReceived(ranges.offset[range]!)) return true;
  }
  return false;
}
