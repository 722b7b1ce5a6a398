import { describe, expect, it } from 'vitest';
import { makePlan } from '../plan.ts';
import { layoutFor, ServerWord } from '../shared.ts';
import { capacityFor } from '../slots.ts';
import { followAddress, NO_ADDRESS, readAddress, writeAddress } from './endpoint.ts';

const config = {
  frontends: [],
  backends: [
    {
      name: 'app',
      balance: 'roundrobin' as const,
      servers: [{ name: 'web1', address: 'web1.shop', isName: true, port: 80, weight: 1 }],
    },
  ],
};

describe('the address of a server in shared words', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['255.255.255.254', '255.255.255.254'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['fe80::ffff:1', 'fe80:0:0:0:0:0:ffff:1'],
    ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:c000:201'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('%s comes back', (address, expected) => {
    const words = new Int32Array(new SharedArrayBuffer(400));
    writeAddress(words, 8, address);
    expect(readAddress(words, 8)).toBe(expected);
  });

  it('moves the plan to a new address once, and never to one that is being written', () => {
    const words = new Int32Array(new SharedArrayBuffer(layoutFor(capacityFor(config)).wordBytes));
    const server = makePlan(config).servers[0]!;
    expect(server.endpoint.address).toBe(NO_ADDRESS);
    expect(followAddress(words, server)).toBe(false);
    writeAddress(words, server.word, '10.0.0.1');
    expect(followAddress(words, server)).toBe(true);
    const first = server.endpoint;
    expect([first.address, first.port]).toEqual(['10.0.0.1', 80]);
    expect(followAddress(words, server)).toBe(false);
    words[server.word + ServerWord.addressTurn]! += 1; // another write has begun
    words[server.word + ServerWord.address] = 0;
    expect(followAddress(words, server)).toBe(false);
    expect(server.endpoint).toBe(first);
    words[server.word + ServerWord.addressTurn]! += 1;
    expect(followAddress(words, server)).toBe(true);
    expect(server.endpoint.address).toBe('0.0.0.0');
  });
});
