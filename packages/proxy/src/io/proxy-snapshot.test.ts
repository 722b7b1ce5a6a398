// When a frontend is called full: only while the workers run, for a worker that hangs is another reason why nobody gets in.
import type { PairConfig } from '@tospann/config';
import { expect, test } from 'vitest';
import { initialWords } from '../core/plan.ts';
import { FrontendWord, frontendWord, layoutFor } from '../core/shared.ts';
import { capacityFor, firstSlots } from '../core/slots.ts';
import { buildSnapshot } from './proxy-snapshot.ts';
import { benchConfig } from '../../test/engine-bench.ts';

const nowMs = 60_000;

function fullWith(open: number, beatsMs: readonly number[]): unknown {
  const config: PairConfig = benchConfig([]);
  const slots = firstSlots(config);
  const layout = layoutFor(capacityFor(config));
  const words = new Int32Array(layout.wordBytes / 4);
  initialWords(config, words, slots);
  words[frontendWord(layout, slots.frontends[0]!) + FrontendWord.connections] = open;
  const counters = beatsMs.map((atMs) => {
    const own = new Float64Array(layout.counterBytes / 8);
    own[layout.beat] = atMs;
    return own;
  });
  // What it shows of servers beyond whether they take traffic is not looked at here.
  const health = (): never => ({ state: 'up', admin: 'ready', effectiveWeight: 1 }) as never;
  const engine = { engine: 'node', reason: '' } as const;
  const source = { config, slots, layout, counters, words, engine, health, logLinesDroppedTotal: 0, nowMs };
  return buildSnapshot(source).frontends[0]?.full;
}

test('a frontend with all its connections is full while every worker ticks', () => {
  const { maxConnections } = benchConfig([]).frontends[0]!;
  expect(fullWith(maxConnections, [nowMs - 60, nowMs])).toEqual({ maxConnections, live: true });
  expect(fullWith(maxConnections - 1, [nowMs - 60, nowMs])).toBeUndefined();
  expect(fullWith(maxConnections, [nowMs - 60, nowMs - 1500])).toBeUndefined();
});
