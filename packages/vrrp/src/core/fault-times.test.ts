// The fault table promises times; the election of the same configuration must keep them, by its own plan.
import { faultTable, parseConfig } from '@tospann/config';
import { expect, test } from 'vitest';
import { planAgent } from './plan.ts';
import { firstProbe, judgeProbe } from './probe-verdict.ts';
import { downUs } from './timers.ts';

const vips = [
  '{ address: 192.168.1.200/24, routerId: 51 }',
  '{ address: 192.168.1.200/24, routerId: 51, preferred: lb1, advertInterval: 10ms, missedAdverts: 100 }',
  '{ address: 192.168.1.200/24, routerId: 51, preferred: lb2, version: 2, advertInterval: 2s }',
];

test.each(vips)('a dead owner is replaced within what the table says: %s', (vip) => {
  const parsed = parseConfig(
    `version: 1
cluster: { nodes: { lb1: { address: 10.0.0.1, interface: eth0 }, lb2: { address: 10.0.0.2, interface: eth0 } } }
vips: { public: ${vip} }
frontends: { main: { bind: ["*:80"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.0.1.1:80" } } } }
`,
    { file: 'test.yaml' },
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const [table] = faultTable(parsed.config);
  const dead = table?.rows.find(({ fault }) => fault === 'node dead');
  const heir = dead?.owners[0] ?? '';
  const machine = planAgent(parsed.config, heir).elections[0]?.machine;
  if (machine === undefined) throw new Error('the heir has no election');
  expect(dead?.withinMs).toBe(Math.ceil(downUs(machine) / 1000));
  expect(dead?.withinMs).toBe(Math.ceil(downUs({ ...machine, priority: 100 }) / 1000));
});

test('a hung proxy is found within what the table says', () => {
  const parsed = judgeProbe(judgeProbe(firstProbe.state, 'answered').state, 'answered');
  // Hung the moment after the last answer: the wait for the next question, then one that times out after another.
  let { state, timeoutMs } = parsed;
  let waitedMs = parsed.delayMs;
  while (state.verdict !== 'cannot-serve') {
    waitedMs += timeoutMs;
    const next = judgeProbe(state, 'timed-out');
    if (next.state.verdict !== 'cannot-serve') waitedMs += next.delayMs;
    ({ state, timeoutMs } = next);
  }
  const probes = faultTable({
    vips: [],
    groups: [
      {
        name: 'public',
        vips: [],
        routers: [],
        version: 3,
        advertIntervalMs: 1000,
        missedAdverts: 3,
        priorities: {},
        transport: 'unicast',
        checksum: 'auto',
        auth: { type: 'none' },
        announce: { type: 'vrrp' },
      },
    ],
    cluster: { name: 'test', nodes: [{ name: 'lb1' }, { name: 'lb2' }] },
  } as unknown as Parameters<typeof faultTable>[0]); // only what an election needs
  expect(probes[0]?.rows.find(({ fault }) => fault === 'proxy hung')?.withinMs).toBe(waitedMs);
});
