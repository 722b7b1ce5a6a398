// How tests run. Two projects: `unit` (parallel: pure code, and sockets on loopback) and `system` (namespaces, the
// built binary, a browser, agents in real time: one file at a time).
import { defineConfig } from 'vitest/config';

const conditions = ['@tospann/source'];
/** Two agents in real time: they need the processors to themselves, like the rest of `system`. */
const agentsInRealTime = ['pair', 'guard', 'keepalived'].map((name) => `packages/vrrp/test/${name}.test.ts`);
/** Namespaces with a router between them. */
const acrossRouters = ['packages/proxy/test/silent-drop.test.ts'];

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
          exclude: [...agentsInRealTime, ...acrossRouters],
          testTimeout: 60_000,
        },
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
