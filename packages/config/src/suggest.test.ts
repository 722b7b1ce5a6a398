import { expect, test } from 'vitest';
import { didYouMean } from './suggest.ts';

const KEYS = ['bind', 'mode', 'maxConnections', 'acls', 'rules', 'defaultBackend'];

test.each([
  ['maxconn', 'maxConnections'],
  ['max_connections', 'maxConnections'],
  ['default_backend', 'defaultBackend'],
  ['DefaultBackend', 'defaultBackend'],
  ['bnid', 'bind'],
  ['acl', 'acls'],
  ['rule', 'rules'],
])('didYouMean() finds what "%s" means', (wrong, meant) => {
  expect(didYouMean(wrong, KEYS)).toBe(meant);
});

test.each(['kubernetes', 'x', '', 'timeouts'])('didYouMean() stays silent about "%s"', (wrong) => {
  expect(didYouMean(wrong, KEYS)).toBeUndefined();
});
