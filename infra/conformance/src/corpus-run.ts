// Plays the whole corpus against one proxy: raw bytes in, a strict server and a strict client at the ends. Cases run side
// by side on lanes, as most of a case is waiting.
import { type RequestCase, requestCases, type ResponseCase, responseCases } from '@tospann/testing';
import { type Lane, playRequest, playResponse, type Verdict } from './judge.ts';
import { Target, type TargetName } from './targets.ts';
import { Origin } from './wire.ts';

/** Long beside the pauses in the cases, short for the cases that wait for them. */
const TIMEOUTS = { httpRequestMs: 3000, clientMs: 3000, serverMs: 3000, connectMs: 1000, keepAliveMs: 3000 };

/** Verdicts of one proxy by the case's id. */
export type CorpusResults = ReadonlyMap<string, Verdict>;

/** All cases: requests, then responses. */
export const corpus: readonly (RequestCase | ResponseCase)[] = [...requestCases(), ...responseCases()];

/** Starts a proxy with `lanes` lanes, plays every case, ends it. */
export async function playCorpus(name: TargetName, lanes = 8): Promise<CorpusResults> {
  await using stack = new AsyncDisposableStack();
  const origins: Origin[] = [];
  for (let i = 0; i < lanes; i++) origins.push(stack.use(await Origin.open()));
  const target = stack.use(await Target.start(name, { origins: origins.map(({ port }) => port), timeouts: TIMEOUTS }));
  const waiting = [...corpus];
  const results = new Map<string, Verdict>();
  const work = async (lane: Lane): Promise<void> => {
    for (let c = waiting.shift(); c !== undefined; c = waiting.shift()) {
      results.set(c.id, 'origin' in c ? await playResponse(lane, c) : await playRequest(lane, c));
    }
  };
  await Promise.all(
    origins.map(async (origin, i) => await work({ address: target.address, port: target.port(i), origin })),
  );
  return results;
}
