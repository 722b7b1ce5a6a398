import { expect, test } from 'vitest';
import { countSources } from './sources.ts';

test('sources are counted, the largest first, ties by name', () => {
  const entries = ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.3', '10.0.0.1', '10.0.0.2', '10.0.0.4', '10.0.0.3'];
  expect(countSources(entries, 3)).toEqual({
    sampled: 8,
    top: [
      { source: '10.0.0.1', share: 3 / 8 },
      { source: '10.0.0.2', share: 2 / 8 },
      { source: '10.0.0.3', share: 2 / 8 },
    ],
  });
});

test('an IPv6 user is his /64, however the address is written', () => {
  const found = countSources(['2001:db8:0:5::1', '2001:db8:0:5:1:2:3:4', '2001:db8::5:0:0:0:9', '::1'], 2);
  expect(found.top).toEqual([
    { source: '2001:db8:0:5::/64', share: 3 / 4 },
    { source: '0:0:0:0::/64', share: 1 / 4 },
  ]);
});

test('an empty table has no source', () => {
  expect(countSources([], 3)).toEqual({ sampled: 0, top: [] });
});
