// Where the keys of signed adverts come from: files in the forms that keepalived reads, or the cluster key. And the time
// that survives a clock that goes back.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicMs } from '@tospann/linux';
import { afterAll, expect, test, vi } from 'vitest';
import { pairConfig } from '../../../test/pair-config.ts';
import { AdvertClock, type SequenceMark } from './advert-clock.ts';
import { resolveAdvertKeys } from './advert-keys.ts';
import type { AdvertKey } from './advert-proof.ts';

const folder = mkdtempSync(join(tmpdir(), 'tospann-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const digits = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const clusterKey = new Uint8Array(32).fill(7);

function keyFile(name: string, content: string, mode = 0o600): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function resolve(keys: readonly { id: number; file?: string }[], cluster?: Uint8Array): readonly AdvertKey[] {
  const auth = { type: 'hmac', keys, mode: 'enforce' } as const;
  const routers = [{ routerId: 51, family: 4, vips: ['web'] }] as const;
  const config = pairConfig({
    nodes: { lb1: '10.0.0.1', lb2: '10.0.0.2' },
    vips: { web: { address: '10.0.0.9' } },
    groups: { public: { vips: ['web'], routers, auth } },
  });
  return resolveAdvertKeys(config, cluster)['public'] ?? [];
}

test('resolveAdvertKeys() reads hex:, bare digits and text, in the order of the configuration', () => {
  const expected = new Uint8Array(Buffer.from(digits, 'hex'));
  const text = 'a passphrase that has 32 letters';
  const keys = resolve([
    { id: 9, file: keyFile('hex', `hex:${digits}\n`) },
    { id: 1, file: keyFile('bare', digits.toUpperCase()) },
    { id: 2, file: keyFile('text', text) },
  ]);
  expect(keys).toEqual([
    { id: 9, secret: expected },
    { id: 1, secret: expected },
    { id: 2, secret: new Uint8Array(Buffer.from(text)) },
  ]);
});

test('resolveAdvertKeys() derives a key for each id from the cluster key', () => {
  const [first, second] = resolve([{ id: 1 }, { id: 2 }], clusterKey);
  const [again] = resolve([{ id: 1 }], clusterKey);
  expect(first?.secret.length).toBe(32);
  expect(again).toEqual(first);
  expect(second?.secret).not.toEqual(first?.secret);
  expect(resolve([{ id: 1 }], new Uint8Array(32).fill(8))[0]?.secret).not.toEqual(first?.secret);
});

test.each([
  ['no file and no cluster key', { id: 3 }],
  ['a missing file', { id: 3, file: join(folder, 'missing') }],
  ['a short key', { id: 3, file: keyFile('short', 'hex:0011') }],
  ['half a byte', { id: 3, file: keyFile('odd', `${digits}0`) }],
  ['a long key', { id: 3, file: keyFile('long', 'x'.repeat(65)) }],
  ['a file that others can read', { id: 3, file: keyFile('open', digits, 0o644) }],
])('resolveAdvertKeys() refuses %s', (_, key) => {
  expect(() => resolve([key])).toThrow(
    expect.objectContaining({
      code: 'LB_VRRP_KEY_UNUSABLE',
      params: expect.objectContaining({ group: 'public', id: 3 }),
    }),
  );
});

test('AdvertClock gives a floor only after the clock has gone back', async () => {
  const file = join(folder, 'clock.json');
  const first = new AdvertClock(file);
  expect(first.floorMs).toBe(0);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/"utcMs":\d{13}/));
  first.close();
  const second = new AdvertClock(file);
  expect(second.floorMs).toBe(0);
  second.close();
  const future = Date.now() + 3_600_000;
  writeFileSync(file, JSON.stringify({ version: 1, utcMs: future }));
  const third = new AdvertClock(file);
  third.close();
  expect(third.floorMs).toBeGreaterThan(future);
  for (const damaged of ['', '{', '{"utcMs":"x"}', '[]', 'null']) {
    writeFileSync(file, damaged);
    const fourth = new AdvertClock(file);
    fourth.close();
    expect(fourth.floorMs).toBe(0);
  }
});

test('AdvertClock keeps the sequences of the others over a restart, and knows another start of the machine', async () => {
  const file = join(folder, 'sequences.json');
  const mark: SequenceMark = {
    router: '4/51',
    source: '10.0.0.2',
    sequence: 2n ** 63n + 1n,
    heardMs: monotonicMs(),
    heardUtcMs: Date.now(),
  };
  const first = new AdvertClock(file, 'boot-1');
  expect(first.kept).toEqual([]);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('utcMs'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  first.note([mark]);
  vi.runAllTimers();
  vi.useRealTimers();
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('10.0.0.2'));
  first.close();
  const same = new AdvertClock(file, 'boot-1');
  same.close();
  expect(same.kept).toEqual([mark]);
  const another = new AdvertClock(file, 'boot-2');
  another.close();
  expect(another.kept).toEqual([{ ...mark, heardMs: undefined }]);
});

test('AdvertClock takes nothing from a damaged file, and no disk hurts it', async () => {
  const file = join(folder, 'damaged.json');
  const good = { router: '4/51', source: '10.0.0.2', sequence: 'ff', heardMs: 1, heardUtcMs: 2 };
  const damaged = [
    null,
    7,
    { ...good, sequence: 'xyz' },
    { ...good, sequence: '1'.repeat(17) },
    { ...good, router: 1 },
    { ...good, heardUtcMs: -1 },
  ];
  writeFileSync(file, JSON.stringify({ version: 1, utcMs: 1, bootId: 'b', peers: [...damaged, good] }));
  const clock = new AdvertClock(file, 'b');
  clock.close();
  expect(clock.kept).toEqual([{ ...good, sequence: 255n }]);
  const nowhere = new AdvertClock(join(folder, 'no-such-folder', 'x.json'), 'b');
  nowhere.note([{ ...good, sequence: 255n }]);
  nowhere.close();
  expect(nowhere.kept).toEqual([]);
});
