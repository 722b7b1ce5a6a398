import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pruned, readSettings, withOrder, writeSettings, type ServerSettings } from './server-settings.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const settings: ServerSettings = [
  { backend: 'app', server: 'web1', state: 'drain' },
  { backend: 'app', server: 'web2', state: 'ready', weight: 0 },
];

describe('withOrder()', () => {
  it('changes what an order names, and forgets a server that is as configured', () => {
    const web1 = { backend: 'app', server: 'web1' };
    let table = withOrder([], { ...web1, weight: 7 });
    expect(table).toEqual([{ ...web1, state: 'ready', weight: 7 }]);
    table = withOrder(table, { ...web1, state: 'maint' });
    expect(table).toEqual([{ ...web1, state: 'maint', weight: 7 }]);
    table = withOrder(table, { ...web1, weight: null });
    expect(table).toEqual([{ ...web1, state: 'maint' }]);
    expect(withOrder(table, { ...web1, state: 'ready' })).toEqual([]);
  });
});

describe('pruned()', () => {
  const config = { backends: [{ name: 'app', balance: 'roundrobin' as const, servers: [server('web2')] }] };
  const day = 86_400_000;

  it('keeps an entry without its server for a day, and one that comes back as it was', () => {
    const missing = pruned(settings, config, 1000);
    expect(missing[0]).toEqual({ ...settings[0], missingSinceMs: 1000 });
    expect(missing[1]).toEqual(settings[1]);
    expect(pruned(missing, config, 1000 + day)[0]).toEqual(missing[0]);
    expect(pruned(missing, config, 1001 + day)).toEqual([settings[1]]);
    const both = { backends: [{ ...config.backends[0]!, servers: [server('web1'), server('web2')] }] };
    expect(pruned(missing, both, 5000)).toEqual(settings);
  });
});

describe('readSettings()', () => {
  const text = writeSettings(settings, sha256);

  it('reads what was written', () => {
    expect(readSettings(text, sha256)).toEqual({ settings });
    expect(readSettings(writeSettings([], sha256), sha256)).toEqual({ settings: [] });
  });

  it('takes no part of a file for state, wherever it ends', () => {
    for (let end = 0; end < text.trimEnd().length; end++) {
      expect(readSettings(text.slice(0, end), sha256), text.slice(0, end)).toHaveProperty('fault');
    }
  });

  it('takes no file in which a byte has changed its meaning', () => {
    const changed = [
      text.replace('drain', 'maint'),
      text.replace('web1', 'web9'),
      text.replace('"weight": 0', '"weight": 9'),
    ];
    for (const other of changed) {
      expect(other).not.toBe(text);
      expect(readSettings(other, sha256)).toEqual({ fault: 'its checksum is not that of its content' });
    }
    const forms = [
      '[]',
      '{"version":2}',
      text.replace('"drain"', '"off"'),
      text.replace('"weight": 0', '"weight": 900'),
    ];
    for (const other of forms) expect(readSettings(other, sha256)).toEqual({ fault: 'it has another form' });
  });
});

function server(name: string): { name: string; address: string; port: number; weight: number } {
  return { name, address: '192.0.2.1', port: 80, weight: 1 };
}
