// The messages of the peer link: round trips, every split, bounds, and bytes that nobody meant.
import { expect, test } from 'vitest';
import {
  decodePeerMessage,
  encodePeerMessage,
  messageBytesMax,
  PeerMessageReader,
  type PeerSaying,
  type ReadMessage,
} from './peer-message.ts';

const saying: PeerSaying = {
  type: 'word',
  sentMs: 1234.5,
  echoMs: -1,
  heldMs: -1,
  word: {
    node: 'lb1',
    configHash: 'ab'.repeat(32),
    wallMs: 1_790_000_000_000,
    version: '1.0.0',
    maintenance: false,
    advertSequence: '6800000080000000',
    elections: {
      public: {
        state: 'master',
        priority: 150,
        ability: 'serves',
        reason: 'no advert heard – “ü”',
        heardAgeMs: -1,
        term: 7,
        vips: ['public', 'public6'],
        speaks: ['routerId 51 (IPv4)', 'version 3'],
      },
    },
  },
  arp: { public: { mac: '02:00:00:00:00:01', ageMs: 12 } },
};
const hello = { type: 'hello', protocol: 1, node: 'lb1', cluster: 'shop', version: '1.0.0' } as const;

function readAll(...chunks: readonly Uint8Array[]): readonly ReadMessage[] {
  const reader = new PeerMessageReader();
  return chunks.flatMap((chunk) => reader.push(chunk));
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const text = (line: string): Uint8Array => new TextEncoder().encode(line);

test('what is encoded is read again, at every split', () => {
  const bytes = join(encodePeerMessage(hello), encodePeerMessage(saying));
  expect(readAll(bytes)).toEqual([hello, saying]);
  for (let at = 0; at <= bytes.length; at++)
    expect(readAll(bytes.subarray(0, at), bytes.subarray(at))).toEqual([hello, saying]);
  expect(readAll(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual([hello, saying]);
});

test('what a newer version adds is passed over', () => {
  const more = { ...saying, later: 1, word: { ...saying.word, later: { deep: [] } } };
  expect(decodePeerMessage(text(JSON.stringify(more)))).toEqual(saying);
  expect(readAll(text('{"type":"later","x":1}\n'), encodePeerMessage(hello))).toEqual([hello]);
});

test('a name that is special to objects is a name', () => {
  const line = text(JSON.stringify(saying).replace('"public":{"state"', '"__proto__":{"state"'));
  const read = decodePeerMessage(line);
  expect(read).toMatchObject({ type: 'word' });
  expect(Object.getPrototypeOf(read?.type === 'word' ? read.word.elections : undefined)).toBe(Object.prototype);
  expect(Object.keys(read?.type === 'word' ? read.word.elections : {})).toEqual(['__proto__']);
});

const election = saying.word.elections['public'];
const wrong: readonly (readonly [string, unknown])[] = [
  ['no object', []],
  ['no type', {}],
  ['a hello without a name', { ...hello, node: undefined }],
  ['a name without end', { ...hello, node: 'x'.repeat(2000) }],
  ['a word without times', { ...saying, sentMs: null }],
  ['a time before all times', { ...saying, sentMs: -5 }],
  ['an unknown state', { ...saying, word: { ...saying.word, elections: { a: { ...election, state: 'owner' } } } }],
  ['a priority of 256', { ...saying, word: { ...saying.word, elections: { a: { ...election, priority: 256 } } } }],
  ['a term without end', { ...saying, word: { ...saying.word, elections: { a: { ...election, term: 2 ** 52 } } } }],
  ['a fraction of a term', { ...saying, word: { ...saying.word, elections: { a: { ...election, term: 0.5 } } } }],
  ['VIPs that are no names', { ...saying, word: { ...saying.word, elections: { a: { ...election, vips: [1] } } } }],
  ['too many elections', { ...saying, word: { ...saying.word, elections: many(256) } }],
  ['maintenance in words', { ...saying, word: { ...saying.word, maintenance: 'no' } }],
  ['ARP of no shape', { ...saying, arp: { public: 1 } }],
];

function many(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, election]));
}

test.each(wrong)('%s is bad, and ends the reading', (_, value) => {
  const read = readAll(text(`${JSON.stringify(value)}\n`), encodePeerMessage(hello));
  expect(read).toEqual([expect.objectContaining({ type: 'bad' })]);
});

test('a message without end is cut at the bound, whatever its pieces', () => {
  for (const piece of [1024, 1000, 65_536, 200_000]) {
    const reader = new PeerMessageReader();
    const read: ReadMessage[] = [];
    for (let bytes = 0; bytes <= 2 * messageBytesMax; bytes += piece)
      read.push(...reader.push(new Uint8Array(piece).fill(120)));
    expect(read).toEqual([{ type: 'bad', detail: `a message is longer than ${messageBytesMax} bytes` }]);
  }
});

/** A small generator of numbers that is the same on every machine (xorshift). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

test('100 000 damaged messages never throw, and what is read is whole', () => {
  const next = numbers(20_261_122);
  const good = [encodePeerMessage(hello), encodePeerMessage(saying)];
  let read = 0;
  for (let round = 0; round < 100_000; round++) {
    const bytes = Uint8Array.from(good[next() % 2] ?? []);
    for (let damage = 1 + (next() % 4); damage > 0; damage--) bytes[next() % bytes.length] = next() % 256;
    for (const message of new PeerMessageReader().push(bytes)) {
      if (message.type === 'word')
        for (const { term } of Object.values(message.word.elections)) expect(term).toBeGreaterThanOrEqual(0);
      read += 1;
    }
  }
  expect(read).toBeGreaterThan(10_000);
});
