// What a hand-over cannot promise, and how the report of one reads.
import type { PairConfig } from '@tospann/config';
import { expect, test } from 'vitest';
import { notPromised } from './promises.ts';
import { renderMaintenance, renderMove } from './render-move.ts';

const networks = [{ address: '10.0.0.11', prefixLength: 24 }];

function config(bind: string, peer: string): PairConfig {
  const nodes = [
    { name: 'lb1', address: '10.0.0.11', interface: 'eth0' },
    { name: 'lb2', address: peer, interface: 'eth0' },
  ];
  const frontends = [{ name: 'main', binds: [{ address: bind, port: 80 }] }];
  return { cluster: { name: 'c', nodes }, frontends } as unknown as PairConfig; // the parts it reads
}

test.each([
  ['0.0.0.0', '10.0.0.12', '', []],
  ['::', '10.0.0.12', '', []],
  ['10.0.0.200', '10.0.0.12', '', ['it listens on 10.0.0.200']],
  ['0.0.0.0', '10.0.1.12', '', ['lb2 (10.0.1.12) is not on a network of lb1']],
  ['0.0.0.0', '10.0.0.12', 'spawn nft ENOENT', ['spawn nft ENOENT']],
])('notPromised() with a bind to %s, a peer at %s and the guard problem "%s"', (...row) => {
  const [bind, peer, guardProblem, parts] = row;
  const found = notPromised({ config: config(bind, peer), node: 'lb1', networks, guardProblem });
  expect(found).toEqual(parts.map((part) => expect.stringContaining(part)));
});

const report = {
  from: 'lb1',
  to: 'lb2',
  vips: ['v4', 'v6'],
  durationMs: 3.26,
  detail: '',
  detectionMs: 12.4,
  firstAnswerMs: 25,
  connections: 7,
};

test('renderMove() has a line for each figure, and for what could not be promised', () => {
  expect(renderMove(report)).toEqual([
    'v4, v6 moved from lb1 to lb2 in 3.3 ms',
    '  detection      12 ms, from the request to priority 0',
    '  move           3.3 ms, until lb2 was heard as owner',
    '  first answer   25 ms after the take-over',
    '  connections    7 carried over: they run to their end, or to the drain limit',
  ]);
  const bad = renderMove({ ...report, notPromised: ['connections break: no nft'] });
  expect(bad.slice(-2)).toEqual(['  connections    7 under way', '  not promised   connections break: no nft']);
});

test('renderMove() says what would move, and that nothing had to', () => {
  const dry = { ...report, dryRun: true, notPromised: ['connections break: no nft'] };
  expect(renderMove(dry)).toEqual([
    'Would move v4, v6 from lb1 to lb2; nothing has changed',
    '  not promised   connections break: no nft',
  ]);
  expect(renderMove({ from: 'lb2', to: 'lb2', vips: [], durationMs: 0, detail: 'lb2 owns v4 already' })).toEqual([
    'lb2 owns v4 already: nothing to move',
  ]);
});

test('renderMaintenance() says what is so now, and whether that is new', () => {
  expect(renderMaintenance({ node: 'lb1', on: true, changed: true })).toEqual(['lb1 is in maintenance']);
  expect(renderMaintenance({ node: 'lb1', on: false, changed: false })).toEqual([
    'Maintenance of lb1 is over: it was so already',
  ]);
  expect(renderMaintenance({ node: 'lb1', on: true, changed: true, moved: report })[1]).toContain('v4, v6 moved');
});
