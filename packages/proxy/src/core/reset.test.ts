// Every field of a connection object is back to what it is in a new one, or is named here with the reason why not. A
// field that is added and forgotten in reset.ts fails.
import { describe, expect, it } from 'vitest';
import { Client, Upstream } from './connection.ts';
import type { FrontendPlan, ServerPlan } from './plan.ts';
import { resetClient, resetExchange, resetRequest, resetUpstream } from './reset.ts';

const frontend = { index: 0 } as FrontendPlan; // nothing of it is asked for here
const server = { index: 0, endpoint: { address: '10.0.0.1', port: 80 } } as ServerPlan;

/** Memory that is kept for the next user, and what is always set with the object. */
const KEPT = ['frontend', 'out', 'input', 'request', 'chunked', 'requestId', 'websocketKey'];
/** What somebody has to give back, and does: the simulation looks at them. */
const RESOURCES = 'upstream logSlot repeatOffset answerEdits encoding holdsSlot queueEntry restBytes restsFor'.split(
  ' ',
);
const COUNTED_ELSEWHERE = ['sourcePlace', 'sourceTag'];
const OF_THE_CONNECTION =
  'handle phase partial receiving inputEnded requests logged peerName address localPort forwarded peer source loopback proxied port wait startMs'.split(
    ' ',
  );
const KEPT_UPSTREAM = ['server', 'endpoint', 'client', 'out', 'partial', 'chunked', 'poolNext', 'poolPrevious'];
const OF_THE_UPSTREAM = ['handle', 'phase', 'receiving', 'reused', 'ended', 'idleSinceMs'];

/** Puts something into every field that no new object has there. */
function soil<T extends object>(object: T, except: readonly string[]): T {
  const fields = object as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    if (except.includes(key)) continue;
    if (typeof value === 'number') fields[key] = value + 77;
    else if (typeof value === 'boolean') fields[key] = !value;
    else fields[key] = { soiled: key };
  }
  return object;
}

function fieldsOf(object: object, except: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !except.includes(key)));
}

describe('reset', () => {
  it('takes every field of a request back', () => {
    const except = [...KEPT, ...RESOURCES, ...COUNTED_ELSEWHERE, ...OF_THE_CONNECTION];
    const client = soil(new Client(frontend), except);
    resetRequest(client);
    expect(fieldsOf(client, except)).toEqual(fieldsOf(new Client(frontend), except));
  });

  it('takes every field of a client connection back', () => {
    const except = [...KEPT, ...RESOURCES, ...COUNTED_ELSEWHERE];
    const client = soil(new Client(frontend), except);
    soil(client.out, []);
    resetClient(client);
    expect(fieldsOf(client, except)).toEqual(fieldsOf(new Client(frontend), except));
    const { handle, sending, finAfter } = client.out;
    expect({ handle, sending, finAfter }).toEqual({ handle: -1, sending: false, finAfter: false });
  });

  it("takes every field of a server's connection back, and what an answer has left when it is used again", () => {
    const upstream = soil(new Upstream(server), KEPT_UPSTREAM);
    soil(upstream.out, []);
    resetUpstream(upstream);
    expect(fieldsOf(upstream, KEPT_UPSTREAM)).toEqual(fieldsOf(new Upstream(server), KEPT_UPSTREAM));
    const { handle, sending, finAfter } = upstream.out;
    expect({ handle, sending, finAfter }).toEqual({ handle: -1, sending: false, finAfter: false });
    const except = [...KEPT_UPSTREAM, ...OF_THE_UPSTREAM];
    const reused = soil(new Upstream(server), except);
    resetExchange(reused);
    expect(fieldsOf(reused, except)).toEqual(fieldsOf(new Upstream(server), except));
  });

  it('names no field that there is not', () => {
    const known = new Set([...Object.keys(new Client(frontend)), ...Object.keys(new Upstream(server))]);
    const named = [...KEPT, ...RESOURCES, ...COUNTED_ELSEWHERE, ...OF_THE_CONNECTION, ...KEPT_UPSTREAM];
    expect([...named, ...OF_THE_UPSTREAM].filter((name) => !known.has(name))).toEqual([]);
  });
});
