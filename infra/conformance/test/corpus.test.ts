// The gates of the corpus, on the ring and on the node transport of the built executable: every control, desync and
// rfc-must case passes, of the others 95 in 100, and both transports end every case alike.
import { describe, expect, it } from 'vitest';
import { corpus, type CorpusResults, gateFaults, playCorpus } from '../src/index.ts';

const played = new Map<string, CorpusResults>();

describe.each(['ring', 'node'] as const)('the corpus on the %s transport', (engine) => {
  it('meets every control, desync and rfc-must case and 95 in 100 of the others', async () => {
    const results = await playCorpus(engine);
    played.set(engine, results);
    expect(results.size).toBe(corpus.length);
    expect(gateFaults(results)).toEqual([]);
  });
});

it('ends every case alike on both transports', () => {
  const outcome = (engine: string, id: string): string => {
    const verdict = played.get(engine)?.get(id);
    // A broken answer is a 502 if nothing of it was sent yet, else it is cut: that depends on how it arrives.
    if (verdict?.verdict === 'abort' || verdict?.verdict === 'bad-gateway') return 'failed';
    return `${verdict?.verdict} ${verdict?.statuses.join()}`;
  };
  const differing = corpus.filter(({ id }) => outcome('ring', id) !== outcome('node', id));
  expect(differing.map(({ id }) => `${id}: ${outcome('ring', id)}, ${outcome('node', id)}`)).toEqual([]);
});
