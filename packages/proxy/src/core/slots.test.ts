// Slots stay with their identities over reloads and are given away only when nobody refers to them.
import { describe, expect, it } from 'vitest';
import { SlotTable, type Traffic } from './slots.ts';

const CAPACITY = { frontends: 2, backends: 2, servers: 3 };

function traffic(servers: readonly string[], frontends: readonly string[] = ['main']): Traffic {
  return {
    frontends: frontends.map((name) => ({
      name,
      binds: [],
      mode: 'http',
      maxConnections: 1,
      acls: [],
      rules: [],
      defaultBackend: 'app',
    })),
    backends: [
      {
        name: 'app',
        balance: 'roundrobin',
        servers: servers.map((name) => {
          const [server = '', port = '80'] = name.split(':');
          return { name: server, address: '10.0.0.1', port: Number(port), weight: 1 };
        }),
      },
    ],
  };
}

describe('slots', () => {
  it('stay with name and address, whatever the order', () => {
    const table = new SlotTable(CAPACITY);
    expect(table.assign(traffic(['a', 'b']))?.servers).toEqual([[0, 1]]);
    expect(table.assign(traffic(['b', 'a']))?.servers).toEqual([[1, 0]]);
  });

  it('a server with another port is another server', () => {
    const table = new SlotTable(CAPACITY);
    table.assign(traffic(['a', 'b']));
    expect(table.assign(traffic(['a:81', 'b']))?.servers).toEqual([[2, 1]]);
  });

  it('are given to somebody else only when they have been freed', () => {
    const table = new SlotTable(CAPACITY);
    table.assign(traffic(['a', 'b']));
    table.assign(traffic(['b', 'c']));
    table.retire(traffic(['b', 'c']), 1);
    expect(table.assign(traffic(['b', 'c', 'd']))).toBeNull();
    expect(table.free(0).servers).toEqual([]);
    expect(table.free(1).servers).toEqual([0]);
    expect(table.assign(traffic(['b', 'c', 'd']))?.servers).toEqual([[1, 2, 0]]);
  });

  it('what comes back while it leaves keeps its slot, and is not freed', () => {
    const table = new SlotTable(CAPACITY);
    table.assign(traffic(['a', 'b']));
    table.retire(traffic(['b']), 1);
    expect(table.assign(traffic(['a', 'b']))?.servers).toEqual([[0, 1]]);
    table.retire(traffic(['a', 'b']), 2);
    expect(table.free(2).servers).toEqual([]);
  });

  it('too many identities of one kind change nothing of the others', () => {
    const table = new SlotTable(CAPACITY);
    table.assign(traffic(['a']));
    expect(table.assign(traffic(['a', 'b', 'c', 'd'], ['main', 'second']))).toBeNull();
    expect(table.assign(traffic(['a'], ['main', 'third']))?.frontends).toEqual([0, 1]);
  });
});
