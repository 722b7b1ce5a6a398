import { describe, expect, it } from 'vitest';
import { afterAnswer, hostsAddresses, resolutionOf, searchNames, unresolvedName, type NameAnswer } from './name.ts';

const none: ReadonlySet<string> = new Set();
const good = (...addresses: string[]): NameAnswer => ({ addresses, ttlMs: 60_000 });
const bad: NameAnswer = { fault: 'SERVFAIL' };

describe('afterAnswer()', () => {
  it('keeps the last good address for ever, and asks again soon, then less often', () => {
    let state = afterAnswer(unresolvedName, good('192.0.2.1'), none);
    expect([state.address, resolutionOf(state), state.nextInMs]).toEqual(['192.0.2.1', 'fresh', 60_000]);
    const waits: number[] = [];
    for (let i = 0; i < 1000; i++) {
      state = afterAnswer(state, i % 3 === 0 ? bad : { addresses: [], ttlMs: 1 }, none);
      expect([state.address, resolutionOf(state)]).toEqual(['192.0.2.1', 'stale']);
      waits.push(state.nextInMs);
    }
    expect(waits.slice(0, 7)).toEqual([1000, 2000, 4000, 5000, 5000, 5000, 5000]);
    state = afterAnswer(state, good('192.0.2.9'), none);
    expect([state.address, resolutionOf(state), state.failures]).toEqual(['192.0.2.9', 'fresh', 0]);
  });

  it('is unresolved until the first good answer', () => {
    const state = afterAnswer(unresolvedName, bad, none);
    expect([state.address, resolutionOf(state), state.fault]).toEqual(['', 'unresolved', 'SERVFAIL']);
  });

  it('stays with its address while it is among the answers, in whatever order', () => {
    const state = afterAnswer(unresolvedName, good('192.0.2.1', '192.0.2.2'), none);
    expect(afterAnswer(state, good('192.0.2.2', '192.0.2.1'), none).address).toBe('192.0.2.1');
    expect(afterAnswer(state, good('192.0.2.2'), none).address).toBe('192.0.2.2');
  });

  it('takes an address that no other server of the name has, as long as there are enough', () => {
    const answer = good('192.0.2.1', '192.0.2.2');
    expect(afterAnswer(unresolvedName, answer, new Set(['192.0.2.1'])).address).toBe('192.0.2.2');
    expect(afterAnswer(unresolvedName, answer, new Set(['192.0.2.1', '192.0.2.2'])).address).toBe('192.0.2.1');
  });

  it('bounds the time to live', () => {
    const next = (ttlMs: number): number =>
      afterAnswer(unresolvedName, { addresses: ['192.0.2.1'], ttlMs }, none).nextInMs;
    expect([next(0), next(30_000), next(86_400_000)]).toEqual([1000, 30_000, 300_000]);
  });
});

describe('hostsAddresses()', () => {
  it('finds a name on any place of a line, in any case, IPv4 first', () => {
    const text = '127.0.0.1 localhost\n2001:db8::1 web1\n# 10.0.0.9 web1\n10.0.0.1\tshop Web1 # here\n10.0.0.1 web1\n';
    expect(hostsAddresses(text, 'web1')).toEqual(['10.0.0.1', '2001:db8::1']);
    expect(hostsAddresses(text, 'here')).toEqual([]);
  });
});

describe('searchNames()', () => {
  it('asks for a name with a dot as it is first, for one without last', () => {
    const conf = 'nameserver 10.0.0.1\nsearch old\nsearch a.example b.example.\n';
    expect(searchNames('web1', conf)).toEqual(['web1.a.example', 'web1.b.example', 'web1']);
    expect(searchNames('web1.shop', conf)).toEqual(['web1.shop', 'web1.shop.a.example', 'web1.shop.b.example']);
    expect(searchNames('web1.', conf)).toEqual(['web1']);
    expect(searchNames('web1', '')).toEqual(['web1']);
  });
});
