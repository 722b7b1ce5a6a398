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

test.each([
  ['use_backend', ['if', 'use', 'deny'], 'use'],
  ['use_backend', ['acls', 'rules'], 'rules'],
  ['del-header', ['setHeader', 'removeHeader', 'removeResponseHeader'], 'removeHeader'],
  ['stick-table', ['acls', 'rules', 'limits'], 'limits'],
  ['errorfile', ['retries', 'errorPages'], 'errorPages'],
  ['constructor', ['if', 'use'], undefined],
])('didYouMean() knows HAProxy\'s "%s" among %j', (wrong, known, meant) => {
  expect(didYouMean(wrong, known)).toBe(meant);
});

test.each(['kubernetes', 'x', '', 'timeouts'])('didYouMean() stays silent about "%s"', (wrong) => {
  expect(didYouMean(wrong, KEYS)).toBeUndefined();
});
