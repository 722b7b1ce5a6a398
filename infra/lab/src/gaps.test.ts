import { describe, expect, test } from 'vitest';

import { evaluateProbes, type Probe } from './gaps.ts';

function probe(atMs: number, kind = 'ok', via = 'lb1'): Probe {
  return {
    atMs,
    tookMs: 1,
    connectMs: kind === 'refused' ? -1 : 0.2,
    ok: kind === 'ok',
    kind,
    origin: kind === 'ok' ? 'web1' : '',
    via: kind === 'ok' ? via : '',
  };
}

describe('evaluateProbes()', () => {
  test('reports no outage when all probes are answered', () => {
    const report = evaluateProbes([probe(0), probe(5), probe(10)]);
    expect(report).toMatchObject({ total: 3, failed: 0, longestOutageMs: 0, longestRefusedMs: 0, longestSilenceMs: 5 });
  });

  test('measures an outage from the first failed start to the next good one, whatever the order of arrival', () => {
    const report = evaluateProbes([
      probe(20),
      probe(0),
      probe(10, 'timeout'),
      probe(5, 'refused'),
      probe(15, 'refused'),
    ]);
    expect(report.outages).toEqual([{ fromMs: 5, toMs: 20, failed: 3 }]);
    expect(report.longestOutageMs).toBe(15);
    expect(report.longestRefusedMs).toBe(5);
    expect(report.byKind).toEqual({ ok: 2, refused: 2, timeout: 1 });
    expect([report.failed, report.failedToConnect]).toEqual([3, 2]);
  });

  test('counts an outage that has not ended up to the last start', () => {
    const report = evaluateProbes([probe(0), probe(5, 'timeout'), probe(105, 'timeout')]);
    expect(report.longestOutageMs).toBe(100);
    expect(report.longestSilenceMs).toBe(104);
  });

  test('sees requests that waited as silence but not as an outage', () => {
    const waited: Probe = { ...probe(5), tookMs: 150 };
    const report = evaluateProbes([probe(0), waited, { ...probe(10), tookMs: 146 }, probe(160)]);
    expect(report.failed).toBe(0);
    expect(report.longestSilenceMs).toBe(154);
    expect(report.slowestAnswerMs).toBe(150);
  });

  test('lists the load balancers in the order in which they answered', () => {
    const report = evaluateProbes([probe(0), probe(5), probe(10, 'reset'), probe(15, 'ok', 'lb2'), probe(20)]);
    expect(report.answeredBy).toEqual([
      { via: 'lb1', fromMs: 0, count: 2 },
      { via: 'lb2', fromMs: 15, count: 1 },
      { via: 'lb1', fromMs: 20, count: 1 },
    ]);
  });

  test('reports zeros for no probes at all', () => {
    expect(evaluateProbes([])).toMatchObject({ total: 0, failed: 0, longestOutageMs: 0, longestSilenceMs: 0 });
  });
});
