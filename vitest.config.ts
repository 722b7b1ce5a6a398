// How tests run. Three projects: `unit` (pure code, parallel), `sockets` (real sockets on loopback, beside `unit`) and `system`
// (namespaces, the built binary, a browser, agents in real time: one file at a time).
import { defineConfig } from 'vitest/config';

const conditions = ['@tospann/source'];
/** Two agents in real time: they need the processors to themselves, like the rest of `system`. */
const agentsInRealTime = [
  'pair',
  'pair6',
  'last-node',
  'guard',
  'keepalived',
  'frr',
  'flood',
  'one-way-heals',
  'conflict',
].map((name) => `packages/vrrp/test/${name}.test.ts`);
/** Namespaces with a router between them. */
const acrossRouters = ['packages/proxy/test/silent-drop.test.ts'];

/** Real sockets and real time; a case that fails is played once more, as in `system`. */
const realSockets = [
  'packages/api/test/**/*.test.ts',
  'packages/linux/test/**/*.test.ts',
  'packages/proxy/test/{canary,exchange,limits,tcp}-sockets.test.ts',
  'packages/proxy/test/{node,ring}-transport.test.ts',
  'packages/proxy/test/{proxy,rules}-service.test.ts',
  'packages/proxy/test/{service-reload,transports}.test.ts',
  'packages/proxy/test/health/*.test.ts',
  'packages/vrrp/src/io/**/*.test.ts',
  'packages/vrrp/test/service.test.ts',
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // More than CPUs: many of these wait for protocol timers.
          maxWorkers: 3,
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'infra/*/src/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: [...agentsInRealTime, ...acrossRouters, ...realSockets],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'sockets', maxWorkers: 3, include: realSockets, testTimeout: 60_000, retry: 1 },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['apps/*/test/**/*.test.ts', 'infra/*/test/**/*.test.ts', ...agentsInRealTime, ...acrossRouters],
          fileParallelism: false,
          testTimeout: 180_000,
          // Protocol timers on a virtual machine whose processors are taken away now and then: a case that fails is
          // played once more, and the report marks it "retry x1". What is wrong fails twice.
          retry: 1,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
