// Rules of a backend, behind those of the frontend that chose it; frontends whose rules answer everything; redirects as
// HAProxy sends them.
import type { RuleConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { EngineBench } from './engine-bench.ts';
import { acl, answer, benchWith, fate, forwarded, get, toStatic, value } from './rules-bench.ts';

/** The frontend sends `/a` to `static`, whose rules are these. */
function benchOf(rules: readonly RuleConfig[], own: readonly RuleConfig[] = []): EngineBench {
  return new EngineBench({
    flags: ['no-forwarded'],
    configure: (config) => ({
      ...config,
      frontends: [
        {
          ...config.frontends[0]!,
          acls: [acl({ pathPrefix: ['/a'] })],
          rules: [...rules, toStatic({ acl: 'a' })],
        },
      ],
      backends: config.backends.map((backend) =>
        backend.name === 'static' ? { ...backend, acls: [acl({ pathExact: ['/a/no'] })], rules: own } : backend,
      ),
    }),
  });
}

describe('rules of a backend', () => {
  it('are asked for its requests only, with its own ACLs, and may answer', () => {
    const bench = benchOf([], [{ if: { acl: 'a' }, action: { type: 'deny', status: 403 } }]);
    expect(['/a/no', '/a/yes', '/no'].map((path) => fate(bench, get(path)))).toEqual(['403', 'files', 'web1']);
    expect(bench.missingBuffers).toBe(0);
  });

  it('stand behind a backend that is chosen by path alone as well as by rules', () => {
    const own: RuleConfig[] = [{ action: { type: 'replace-prefix', from: '/a/', to: '/' } }];
    expect(forwarded(benchOf([], own), get('/a/x'))).toContain('GET /x HTTP/1.1');
    const first: RuleConfig = { action: { type: 'set-header', name: 'X-Way', value: ['front'] } };
    const last: RuleConfig = { action: { type: 'set-header', name: 'X-Way', value: ['back'] } };
    const head = forwarded(benchOf([first], [...own, last]), get('/a/x'));
    expect(head).toContain('GET /x HTTP/1.1');
    expect(head).toContain('\r\nX-Way: back\r\n');
    expect(head).not.toContain('front');
  });

  it('change answers', () => {
    const bench = benchOf([], [{ action: { type: 'set-response-header', name: 'X-Pool', value: ['files'] } }]);
    expect(answer(bench, get('/a/x'))).toContain('\r\nX-Pool: files\r\n');
    expect(answer(bench, get('/b'))).not.toContain('X-Pool');
  });
});

it('a frontend without a default backend answers everything by its rules', () => {
  const rules: RuleConfig[] = [toStatic({ acl: 'a' }), { action: { type: 'deny', status: 503 } }];
  const bench = new EngineBench({
    flags: ['no-forwarded'],
    configure: (config) => {
      const { defaultBackend: _none, ...frontend } = config.frontends[0]!;
      return { ...config, frontends: [{ ...frontend, acls: [acl({ header: [value({ exact: ['1'] })] })], rules }] };
    },
  });
  expect(fate(bench, get('/', 'X: 1\r\n'))).toBe('files');
  expect(fate(bench, get('/'))).toBe('503');
});

describe('a redirect', () => {
  const redirect = (parts: object): RuleConfig => ({ action: { type: 'redirect', status: 302, ...parts } });

  it('with the prefix / stays on the host: a path is never made another host', () => {
    const text = answer(benchWith([redirect({ prefix: ['/'] })]), get('/rp?q'));
    expect(text).toContain('\r\nLocation: /rp?q\r\n');
  });

  it('may be kept by clients where it is for ever', () => {
    const cached = [301, 302, 303, 307, 308].filter((status) => {
      const text = answer(benchWith([redirect({ status, prefix: ['http://b.test'] })]), get('/'));
      return !text.includes('no-cache');
    });
    expect(cached).toEqual([301, 308]);
  });
});
