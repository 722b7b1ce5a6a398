// makePlan: golden plans for sizes and kernels, and what must hold for every plan: nothing of the kernel is made smaller
// without a reason, what is applied is not proposed again, and harmful wishes are refused.
import { expect, test } from 'vitest';
import { catalogue, entryOf } from '../src/core/catalogue.ts';
import type { Facts, Plan, Wanted } from '../src/core/model.ts';
import { changesOf, makePlan } from '../src/core/plan.ts';
import { formatPorts, parsePorts } from '../src/core/ports.ts';
import { isBelow, mustBe } from '../src/core/values.ts';
import { factsOf, kernels, sizes, usual, wantedFor } from './machine.ts';

const profiles = ['balanced', 'high-connections', 'latency'] as const;
const machines = kernels.flatMap((kernel) =>
  sizes.flatMap((size) => [true, false].map((conntrack) => ({ kernel, size, conntrack }))),
);

/** The facts after a plan was applied. */
function applied(facts: Facts, plan: Plan): Facts {
  const values = { ...facts.values };
  for (const { key, proposed } of changesOf(plan)) values[key] = { raw: `${proposed}\n`, writable: 'yes' };
  return { ...facts, values };
}

function item(key: string, facts: Facts, wanted: Wanted): Plan['items'][number] | undefined {
  return makePlan(facts, wanted).items.find((one) => one.key === key);
}

test.each(kernels)('makePlan() on $release is as recorded', async (kernel) => {
  const lines = sizes.flatMap((size) =>
    [true, false].flatMap((conntrack) =>
      profiles.flatMap((profile) => {
        const plan = makePlan(factsOf({ kernel, size, conntrack }), wantedFor(size.connections, { profile }));
        return [
          `== ${size.cpus} processors, ${size.memoryMib} MiB, ${size.connections} connections, tracking ${conntrack ? 'on' : 'off'}, ${profile}`,
          ...changesOf(plan).map(({ key, current, proposed }) => `${key}: ${current} -> ${proposed}`),
        ];
      }),
    ),
  );
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`cases/plans-${kernel.release}.txt`);
});

test('makePlan() proposes nothing more once its changes are made, on every machine', () => {
  for (const machine of machines) {
    for (const profile of profiles) {
      const facts = factsOf(machine);
      const wanted = wantedFor(machine.size.connections, { profile, upstreamRate: 4000 });
      const plan = makePlan(facts, wanted);
      expect(changesOf(plan).length).toBeGreaterThan(0);
      expect(changesOf(makePlan(applied(facts, plan), wanted))).toEqual([]);
    }
  }
});

test('makePlan() makes no capacity of the kernel smaller, and writes only what exists, can be written and is valid', () => {
  for (const machine of machines) {
    const facts = factsOf(machine);
    for (const profile of profiles) {
      for (const { key, current, proposed, scope } of changesOf(makePlan(facts, wantedFor(500, { profile })))) {
        const entry = entryOf(key);
        expect(facts.values[key], key).toBeDefined();
        expect(mustBe(proposed, entry?.form ?? { type: 'word' }), key).toBeUndefined();
        const mayLower =
          entry?.mayLower !== undefined || entry?.unit === 'choice' || key.endsWith('ip_local_port_range');
        if (!mayLower) expect(isBelow(proposed, current), `${key}: ${current} -> ${proposed}`).toBe(false);
        expect(['netns', 'host']).toContain(scope);
      }
    }
  }
});

test('makePlan() orders buckets before the limit, the reserved ports before the range and nr_open first', () => {
  const facts = factsOf({ ...usual, size: sizes[3] ?? usual.size });
  const keys = changesOf(makePlan(facts, wantedFor(2_000_000, { profile: 'high-connections' }))).map(({ key }) => key);
  const at = (key: string): number => {
    expect(keys).toContain(key);
    return keys.indexOf(key);
  };
  expect(at('net.netfilter.nf_conntrack_buckets')).toBeLessThan(at('net.netfilter.nf_conntrack_max'));
  expect(at('net.ipv4.ip_local_reserved_ports')).toBeLessThan(at('net.ipv4.ip_local_port_range'));
  expect(at('fs.nr_open')).toBe(0);
  expect(at('net.ipv4.neigh.default.gc_thresh3')).toBeLessThan(at('net.ipv4.neigh.default.gc_thresh1'));
});

test('makePlan() never narrows the range of ports and reserves what listens inside the new one', () => {
  const facts = factsOf(usual);
  const wide = { ...facts.values, 'net.ipv4.ip_local_port_range': { raw: '1024\t65535\n', writable: 'yes' as const } };
  expect(item('net.ipv4.ip_local_port_range', { ...facts, values: wide }, wantedFor(3000))).toMatchObject({
    action: 'keep',
    current: '1024 65535',
  });
  // Of the configuration 15672, of another service 20000; 22, 80 and 443 are below the range.
  expect(item('net.ipv4.ip_local_reserved_ports', facts, wantedFor(3000))?.proposed).toBe('15672,20000');
  const some = {
    ...facts.values,
    'net.ipv4.ip_local_reserved_ports': { raw: '9000-9010\n', writable: 'yes' as const },
  };
  expect(item('net.ipv4.ip_local_reserved_ports', { ...facts, values: some }, wantedFor(3000))?.proposed).toBe(
    '9000-9010,15672,20000',
  );
});

test('makePlan() sets tcp_tw_reuse only when ports towards the servers get tight', () => {
  const facts = factsOf(usual);
  expect(item('net.ipv4.tcp_tw_reuse', facts, wantedFor(3000))?.action).toBe('keep');
  expect(item('net.ipv4.tcp_tw_reuse', facts, wantedFor(3000, { upstreamRate: 2000 }))).toMatchObject({
    action: 'write',
    proposed: '1',
  });
});

test('makePlan() leaves host-wide keys alone in a namespace of its own, and everything where /proc/sys is read-only', () => {
  const facts = factsOf(usual);
  const wanted = wantedFor(2_000_000, { profile: 'high-connections' });
  const inside = makePlan({ ...facts, initialNetns: false }, wanted);
  expect(changesOf(inside).filter(({ scope }) => scope === 'host')).toEqual([]);
  expect(inside.items.find(({ key }) => key === 'fs.nr_open')).toMatchObject({ action: 'impossible' });
  const values = Object.fromEntries(
    Object.entries(facts.values).map(([key, { raw }]) => [key, { raw, writable: 'read-only' as const }]),
  );
  const readOnly = makePlan({ ...facts, values }, wanted);
  expect(changesOf(readOnly)).toEqual([]);
  expect(readOnly.items.filter(({ action }) => action === 'impossible').length).toBeGreaterThan(10);
});

test('makePlan() takes overrides, and refuses what harms, what is not there and what is no value', () => {
  const facts = factsOf(usual);
  const overrides = {
    'net.core.somaxconn': '20000',
    'net.ipv4.tcp_tw_recycle': '1',
    'net.ipv4.tcp_timestamps': '0',
    'net.ipv4.tcp_notsent_lowat': null,
    'net.ipv4.tcp_retries2': 'many',
    'net.ipv4.no_such_key': '1',
    'net.ipv4.conf.eth0.rp_filter': '2',
  };
  const { items } = makePlan(facts, wantedFor(3000, { overrides }));
  const actions = Object.fromEntries(
    items.flatMap(({ key, action, why }) => (key in overrides ? [[key, `${action}: ${why}`]] : [])),
  );
  expect(actions['net.core.somaxconn']).toMatch(/^write/);
  expect(actions['net.ipv4.tcp_tw_recycle']).toMatch(/^refused: .*NAT/);
  expect(actions['net.ipv4.tcp_timestamps']).toMatch(/^refused/);
  expect(actions['net.ipv4.tcp_notsent_lowat']).toMatch(/^yours/);
  expect(actions['net.ipv4.tcp_retries2']).toMatch(/^refused: .*whole number from 0 to 255/);
  expect(actions['net.ipv4.no_such_key']).toMatch(/^refused: .*no such key/);
  expect(actions['net.ipv4.conf.eth0.rp_filter']).toMatch(/^refused/);
});

test('makePlan() says which file has the last word at boot, and leaves what somebody changed after it', () => {
  const facts = factsOf(usual);
  const line = { file: '/etc/sysctl.d/99-old.conf', line: 3, value: '32768 60999' };
  const key = 'net.ipv4.ip_local_port_range';
  expect(item(key, { ...facts, setBy: { [key]: [line] } }, wantedFor(3000))?.winsAtBoot).toEqual(line);
  const early = { ...line, file: '/usr/lib/sysctl.d/50-default.conf' };
  expect(item(key, { ...facts, setBy: { [key]: [early] } }, wantedFor(3000))).not.toHaveProperty('winsAtBoot');
  expect(item(key, { ...facts, drifted: [key] }, wantedFor(3000))?.action).toBe('yours');
});

test('makePlan() with the profile off changes nothing', () => {
  expect(changesOf(makePlan(factsOf(usual), wantedFor(1_000_000, { profile: 'off' })))).toEqual([]);
});

test('the catalogue has each key once, with a reason, and every proposal is a value of its key', () => {
  expect(new Set(catalogue.map(({ key }) => key)).size).toBe(catalogue.length);
  for (const { key, why, source, form, propose, policy } of catalogue) {
    expect(why, key).toMatch(/^[A-Z0-9c].*\.$/);
    expect(source, key).not.toBe('');
    const value = propose?.(factsOf(usual), wantedFor(50_000, { profile: 'high-connections' }));
    if (value !== undefined) expect(mustBe(value, form), `${key} ${value}`).toBeUndefined();
    if (policy === 'watch') expect(propose, key).toBeUndefined();
  }
});

test('parsePorts() and formatPorts() are each other’s way back', () => {
  expect(formatPorts(parsePorts('9000-9010,80,443,444\n') ?? [])).toBe('80,443-444,9000-9010');
  expect(parsePorts('')).toEqual([]);
  for (const wrong of ['80-', '70000', '90-80', 'a', '1 2']) expect(parsePorts(wrong), wrong).toBeUndefined();
});
