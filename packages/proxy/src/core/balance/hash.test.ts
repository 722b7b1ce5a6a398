import { describe, expect, it } from 'vitest';
import { hashBytes, hashText, rendezvousScore } from './hash.ts';

const KEYS = 20_000;

interface Server {
  readonly name: string;
  readonly weight: number;
}

function owner(servers: readonly Server[], key: string): string {
  let best = '';
  let most = -1;
  for (const { name, weight } of servers) {
    const score = rendezvousScore(hashText(key), hashText(name), weight);
    if (score <= most) continue;
    most = score;
    best = name;
  }
  return best;
}

function owners(servers: readonly Server[]): string[] {
  return Array.from({ length: KEYS }, (_, i) => owner(servers, `/item/${i}`));
}

const ten = Array.from({ length: 10 }, (_, i) => ({ name: `web${i}`, weight: 100 }));

describe('rendezvousScore()', () => {
  it('gives each server its share of keys, by weight', () => {
    const equal = owners(ten);
    for (const { name } of ten) {
      const share = equal.filter((other) => other === name).length / KEYS;
      expect(share).toBeGreaterThan(0.09);
      expect(share).toBeLessThan(0.11);
    }
    const heavy = owners([{ name: 'a', weight: 30 }, ...['b', 'c'].map((name) => ({ name, weight: 10 }))]);
    expect(heavy.filter((name) => name === 'a').length / KEYS).toBeCloseTo(0.6, 1);
  });

  it('moves only the keys of a server that goes, and spreads them over the others', () => {
    const before = owners(ten);
    const after = owners(ten.filter(({ name }) => name !== 'web3'));
    const moved = new Map<string, number>();
    for (const [i, name] of before.entries()) {
      if (name !== 'web3') expect(after[i]).toBe(name);
      else moved.set(after[i]!, (moved.get(after[i]!) ?? 0) + 1);
    }
    expect(moved.size).toBe(9);
    for (const count of moved.values()) expect(count).toBeLessThan(KEYS / 10 / 9 + 100);
  });

  it('draws keys to a server whose weight grows, and moves no other', () => {
    const before = owners(ten);
    const after = owners(ten.map((server) => (server.name === 'web3' ? { ...server, weight: 200 } : server)));
    for (const [i, name] of before.entries()) if (after[i] !== name) expect(after[i]).toBe('web3');
  });

  it('does not depend on the order of servers', () => {
    expect(owners(ten.toReversed())).toEqual(owners(ten));
  });

  it('is the same in every process: the two nodes of a pair send a key to the same server', () => {
    expect(['/', '/a', '/b', '/c', '192.0.2.7'].map((key) => owner(ten, key))).toEqual([
      'web3',
      'web8',
      'web0',
      'web4',
      'web7',
    ]);
    expect(hashText('web1')).toBe(1950038314);
  });
});

describe('hashBytes()', () => {
  it('is hashText() of the same bytes', () => {
    expect(hashBytes(new Uint8Array([0, 119, 101, 98, 49, 0]), 1, 5)).toBe(hashText('web1'));
  });
});
