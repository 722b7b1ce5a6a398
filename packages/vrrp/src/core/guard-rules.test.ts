// The guard's text for both families. That nft takes it and that it works is in test/guard.test.ts.
import { describe, expect, it } from 'vitest';
import { guardChains, guardRules, noGuard } from './guard-rules.ts';

const target = { ports: [80, 443], peer: '10.0.0.2', peer6: 'fd00::2', interface: 'eth0' };

describe('guardRules', () => {
  it('makes one table for each family, after removing both', () => {
    const script = guardRules({ ...target, addresses: ['10.0.0.100', 'fd00::100', 'fd00::101'] });
    expect(script.startsWith(noGuard)).toBe(true);
    expect(script).toContain('ip daddr { 10.0.0.100 } tcp dport { 80, 443 } ip dscp != 0x2b');
    expect(script).toContain('ip6 daddr { fd00::100, fd00::101 } tcp dport { 80, 443 } ip6 dscp != 0x2b');
    expect(script).toContain('dup to 10.0.0.2 device "eth0" drop');
    expect(script).toContain('dup to fd00::2 device "eth0" drop');
  });

  it('leaves IPv6 out when the other node has no IPv6 address, and IPv4 when no VIP has it', () => {
    const { peer6: _, ...withoutSix } = target;
    expect(guardRules({ ...withoutSix, addresses: ['fd00::100'] })).toBe(noGuard);
    expect(guardRules({ ...target, addresses: ['fd00::100'] })).not.toContain('ip daddr');
  });

  it('names the chains that its script makes, and no other: what is missed must have been there', () => {
    const all = { ...target, addresses: ['10.0.0.100', 'fd00::100'] };
    const { peer6: _, ...withoutSix } = all;
    for (const of of [
      all,
      withoutSix,
      { ...all, addresses: ['fd00::100'] },
      { ...all, addresses: [] },
      { ...all, ports: [] },
    ]) {
      const made = (['ip', 'ip6'] as const).filter((family) =>
        guardRules(of).includes(`table ${family} tospann_guard {`),
      );
      expect(guardChains(of)).toEqual(made);
    }
  });

  it('is the removal alone without addresses or ports', () => {
    expect(guardRules({ ...target, addresses: [] })).toBe(noGuard);
    expect(guardRules({ ...target, addresses: ['10.0.0.100'], ports: [] })).toBe(noGuard);
  });
});
