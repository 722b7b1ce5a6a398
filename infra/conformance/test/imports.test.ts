// A sample of the importer's differential: one configuration in seventeen with 20 requests. The command imports.ts plays all.
import { expect, it } from 'vitest';
import { ImportRunner, readImportCases } from '../src/index.ts';

const SAMPLE_EVERY = 17;

it('imports a sample of configurations so that requests do as at HAProxy', async () => {
  const cases = readImportCases();
  expect(cases.length).toBeGreaterThanOrEqual(100);
  await using runner = await ImportRunner.open();
  for (const entry of cases.filter((_, index) => index % SAMPLE_EVERY === 0)) {
    const { surprises, requests } = await runner.play(entry, 20);
    expect(requests).toBe(20);
    expect(surprises.map((surprise) => JSON.stringify(surprise))).toEqual([]);
  }
});
