// Two peer links on loopback addresses, with real TCP and TLS: words, keys, names, strangers, loss and return.
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { expect, test } from 'vitest';
import { monotonicMs } from '@tospann/linux';
import type { PeerSaying } from '../../core/peer/peer-message.ts';
import { PeerLink, type PeerLinkOptions } from './peer-link.ts';
import { PeerKey, tlsOptions } from './peer-tls.ts';

const clusterKey = randomBytes(32);
const periodMs = 25;

class TestLink implements AsyncDisposable {
  readonly words: { readonly saying: PeerSaying; readonly saidAtMs: number; readonly readMs: number }[] = [];
  silences = 0;
  reason = '';
  mute = false;
  readonly link: PeerLink;
  readonly say: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(options: Partial<PeerLinkOptions> & Pick<PeerLinkOptions, 'node' | 'address' | 'port' | 'peer'>) {
    const { node } = options;
    const wallMs = options.wallMs ?? Date.now;
    this.link = new PeerLink({
      cluster: 'shop',
      version: '1.0.0',
      key: new PeerKey(clusterKey),
      periodMs,
      onWord: (saying, saidAtMs) => {
        this.words.push({ saying, saidAtMs, readMs: monotonicMs() });
      },
      onSilence: () => (this.silences += 1),
      monotonicMs,
      wallMs,
      ...options,
    });
    this.say = () => this.link.say({ word: this.#word(node, wallMs()) }, monotonicMs());
    this.#timer = setInterval(() => {
      if (!this.mute) this.say();
    }, options.periodMs ?? periodMs);
  }

  #word(node: string, wallMs: number): PeerSaying['word'] {
    const election = { state: 'backup', priority: 100, ability: 'serves', heardAgeMs: -1, term: 0, vips: [] } as const;
    const elections = { public: { ...election, reason: this.reason } };
    return { node, configHash: 'aa', wallMs, version: '1.0.0', maintenance: false, elections };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.link.close();
  }
}

/** Each test has a port of its own: a failed one must not disturb the next. */
let nextPort = 9500;

interface Shape {
  readonly a?: Partial<PeerLinkOptions>;
  readonly b?: Partial<PeerLinkOptions>;
}

function place(): { port: number; a: string; b: string } {
  return { port: nextPort++, a: '127.0.95.1', b: '127.0.95.2' };
}

function optionsOf(at: ReturnType<typeof place>, which: 'a' | 'b') {
  const nodes = { a: { name: 'lb1', address: at.a }, b: { name: 'lb2', address: at.b } };
  const own = nodes[which];
  return { node: own.name, address: own.address, port: at.port, peer: nodes[which === 'a' ? 'b' : 'a'] };
}

function pair(shape: Shape = {}): { one: TestLink; other: TestLink; at: ReturnType<typeof place> } {
  const at = place();
  const one = new TestLink({ ...optionsOf(at, 'a'), ...shape.a });
  const other = new TestLink({ ...optionsOf(at, 'b'), ...shape.b });
  return { one, other, at };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = monotonicMs() + 20_000;
  while (!condition()) {
    if (monotonicMs() > deadlineMs) throw new Error(`Gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const speaking = ({ link }: TestLink): boolean => link.facts().speaking;

test('words flow both ways over one connection, and tell the time there and back', async () => {
  const { one, other } = pair();
  await using _one = one;
  await using _other = other;
  await until('both speak', () => speaking(one) && speaking(other) && one.words.length > 10);
  expect(one.words.at(-1)?.saying.word.node).toBe('lb2');
  expect(other.words.at(-1)?.saying.word.node).toBe('lb1');
  for (const { saidAtMs, readMs } of one.words) expect(saidAtMs).toBeLessThanOrEqual(readMs);
  const facts = one.link.facts();
  expect(facts).toMatchObject({ connected: true, failure: undefined, peerVersion: '1.0.0', strangersTotal: 0 });
  expect(facts.roundTripMs).toBeGreaterThanOrEqual(0);
  // One machine, one clock: what differs is how long the words took.
  expect(Math.abs(facts.clockAheadMs)).toBeLessThan(1000);
});

test('say() is heard at once, not at the next turn', async () => {
  const { one, other } = pair({ a: { periodMs: 60_000 }, b: { periodMs: 60_000 } });
  await using _one = one;
  await using _other = other;
  await until('both are connected', () => one.link.facts().connected && other.link.facts().connected);
  one.reason = 'changed';
  one.say();
  await until('it is heard', () => other.words.at(-1)?.saying.word.elections['public']?.reason === 'changed');
  expect(other.words).toHaveLength(1);
});

test('a node with another cluster key is named on both sides', async () => {
  const { one, other } = pair({ b: { key: new PeerKey(randomBytes(32)) } });
  await using _one = one;
  await using _other = other;
  for (const { link } of [one, other]) await until('it is named', () => link.facts().failure?.kind === 'other-key');
  expect(one.link.facts().failure?.detail).toBe('"lb2" has another cluster key');
  expect(one.words).toEqual([]);
  expect(other.words).toEqual([]);
});

test('a peer that is not there is "nobody listens", not a wrong key', async () => {
  await using one = new TestLink(optionsOf(place(), 'a'));
  await until('it is told', () => one.link.facts().failure?.kind === 'refused');
});

test('two nodes with one name are told so on both sides', async () => {
  const { one, other } = pair({ b: { node: 'lb1', peer: { name: 'lb2', address: '127.0.95.1' } } });
  await using _one = one;
  await using _other = other;
  for (const { link } of [one, other]) await until('it is told', () => link.facts().failure?.kind === 'name');
  expect(one.link.facts().failure?.detail).toBe('the node at 127.0.95.2 is named "lb1" as this one is');
});

test('clocks that are apart are measured', async () => {
  const { one, other } = pair({ b: { wallMs: () => Date.now() - 3_600_000 } });
  await using _one = one;
  await using _other = other;
  await until('both speak', () => one.words.length > 3 && other.words.length > 3);
  expect(one.link.facts().clockAheadMs / 3_600_000).toBeCloseTo(-1, 2);
  expect(other.link.facts().clockAheadMs / 3_600_000).toBeCloseTo(1, 2);
});

test('a peer that says nothing is silent after three periods, and heard again when it speaks', async () => {
  const { one, other } = pair();
  await using _one = one;
  await using _other = other;
  await until('both speak', () => speaking(one) && speaking(other));
  other.mute = true;
  await until('its silence is noticed', () => one.silences === 1 && !speaking(one));
  other.mute = false;
  await until('it is heard again', () => speaking(one));
});

test('a peer that ends is lost at once and found again when it is back', async () => {
  const { one, other, at } = pair();
  await using _one = one;
  await until('both speak', () => speaking(one) && speaking(other));
  await other[Symbol.asyncDispose]();
  await until('the loss is told', () => one.silences === 1);
  expect(one.link.facts()).toMatchObject({ connected: false, speaking: false });
  await until('nobody listens there', () => one.link.facts().failure?.kind === 'refused');
  await using again = new TestLink(optionsOf(at, 'b'));
  await until('both speak again', () => speaking(one) && speaking(again));
  expect(one.link.facts().failure).toBeUndefined();
});

test('strangers are not spoken to, and the peer address alone opens nothing', async () => {
  const { one, other, at } = pair();
  await using _one = one;
  await using _other = other;
  await until('both speak', () => speaking(one) && speaking(other));
  const before = one.words.length;
  const strangers = Array.from({ length: 50 }, () => dial(at, '127.0.95.66', 'GET / HTTP/1.1\r\n\r\n'));
  // A slow loris with the right address: it may hold the few sockets that there are, for as long as a handshake may take.
  const loris = Array.from({ length: 6 }, () => dial(at, at.b, ''));
  const garbage = dial(at, at.b, randomBytes(2000));
  await Promise.all([...strangers, ...loris, garbage].map((socket) => closed(socket)));
  await until('the strangers are counted', () => one.link.facts().strangersTotal >= 50);
  await until('the words went on', () => one.words.length > before + 20);
  await until('both still speak', () => speaking(one) && speaking(other));
});

test('who has the key and speaks another protocol is cut off and told', async () => {
  const at = place();
  await using one = new TestLink(optionsOf(at, 'a'));
  const key = new PeerKey(clusterKey);
  const says = async (lines: string): Promise<void> => {
    const options: ConnectionOptions & { localAddress: string } = {
      ...tlsOptions,
      host: at.a,
      port: at.port,
      localAddress: at.b,
      pskCallback: () => key.client(),
      checkServerIdentity: () => undefined,
    };
    const socket = connectTls(options);
    socket.write(lines);
    await closed(socket);
  };
  await says('{"type":"hello","protocol":9,"node":"lb2","cluster":"shop","version":"9"}\n');
  await until('it is told', () => one.link.facts().failure?.kind === 'protocol');
  await says('nonsense\n');
  await says('x'.repeat(200_000));
  await says('{"type":"word"}\n');
  expect(one.words).toEqual([]);
});

test('an address that is not there yet is waited for', async () => {
  const at = place();
  // The port is taken: the same loop waits for an address, which loopback always has.
  const squatter = createServer().listen(at.port, at.a);
  await new Promise((resolve) => squatter.once('listening', resolve));
  await using one = new TestLink(optionsOf(at, 'a'));
  await until('it is told', () => ['listen', 'refused'].includes(one.link.facts().failure?.kind ?? ''));
  await new Promise((resolve) => squatter.close(resolve));
  await using other = new TestLink(optionsOf(at, 'b'));
  await until('both speak', () => speaking(one) && speaking(other));
});

function dial(at: { readonly a: string; readonly port: number }, from: string, bytes: string | Uint8Array): Socket {
  const socket = connect({ host: at.a, port: at.port, localAddress: from });
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

/** Resolves when the other side has ended the connection. */
async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}
