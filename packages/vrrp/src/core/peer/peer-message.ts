// The messages of the peer link: lines of JSON, each an object with `type`. Encoder, and a stream parser that takes any
// split and never throws. Tolerant of what a newer version adds (unknown types and fields), strict and bounded in what
// it takes. Not the connection (io/peer-link/peer-connection.ts), which has proved who speaks. Pure.
import type { ElectionWord, PeerWord } from './peer-word.ts';
import type { Ability } from '../state.ts';
import type { VrrpState } from '../snapshot.ts';

/** Of these messages. A node takes another one's hello whatever it says, so that it can name the difference. */
export const peerProtocol = 1;
/** A word of 64 elections with 16 addresses each is 20 kB. */
export const messageBytesMax = 65_536;
const electionsMax = 255;
const vipsMax = 255;
const textMax = 1024;
/** No count of take-overs; far from where numbers lose their ones. */
const termMax = 2 ** 48;

/** What the peer has seen of this node's gratuitous ARP for a VIP: the sender's MAC, and how long ago. */
export interface ArpSeen {
  readonly mac: string;
  readonly ageMs: number;
}

/** First on each connection, both ways. `key` is in no message: TLS has proved it. */
export interface PeerHello {
  readonly type: 'hello';
  readonly protocol: number;
  readonly node: string;
  readonly cluster: string;
  readonly version: string;
}

/** What a node knows and does; times are of the sender's monotonic clock. */
export interface PeerSaying {
  readonly type: 'word';
  /** When what it says was true. */
  readonly sentMs: number;
  /** `sentMs` of the last word that the sender has received, and how long it has had it; -1: none yet. */
  readonly echoMs: number;
  readonly heldMs: number;
  readonly word: PeerWord;
  /** By VIP, what the sender saw on its segment; absent: it does not watch. */
  readonly arp?: Readonly<Record<string, ArpSeen>>;
}

export type PeerMessage = PeerHello | PeerSaying;

/** `bad`: the line is not of this protocol, or there is no end to it; the connection is of no use any more. */
export type ReadMessage = PeerMessage | { readonly type: 'bad'; readonly detail: string };

export function encodePeerMessage(message: PeerMessage): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}

/** Takes the bytes of one connection. It holds at most `messageBytesMax` bytes. */
export class PeerMessageReader {
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #broken = false;

  /**
   * @param chunk Borrowed: what is kept is copied.
   * @returns The messages that are whole now. After one that is `bad` nothing more is read.
   */
  push(chunk: Uint8Array): readonly ReadMessage[] {
    const messages: ReadMessage[] = [];
    let at = 0;
    while (!this.#broken && at < chunk.length) {
      const end = chunk.indexOf(0x0a, at);
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end);
      if (this.#keptBytes + piece.length > messageBytesMax) {
        this.#break(messages, `a message is longer than ${messageBytesMax} bytes`);
        break;
      }
      if (end < 0) {
        this.#keep(piece);
        break;
      }
      at = end + 1;
      this.#take(this.#join(piece), messages);
    }
    return messages;
  }

  #take(line: Uint8Array, messages: ReadMessage[]): void {
    const message = decodePeerMessage(line);
    if (message === undefined) return;
    if (message.type === 'bad') this.#break(messages, message.detail);
    else messages.push(message);
  }

  #keep(piece: Uint8Array): void {
    this.#kept.push(piece.slice());
    this.#keptBytes += piece.length;
    // A peer that sends single bytes must not cost an object for each.
    if (this.#kept.length > 64) this.#kept = [this.#join(new Uint8Array(0), true)];
  }

  #join(last: Uint8Array, keep = false): Uint8Array {
    const whole = new Uint8Array(this.#keptBytes + last.length);
    let at = 0;
    for (const piece of [...this.#kept, last]) {
      whole.set(piece, at);
      at += piece.length;
    }
    if (!keep) {
      this.#kept = [];
      this.#keptBytes = 0;
    }
    return whole;
  }

  #break(messages: ReadMessage[], detail: string): void {
    this.#broken = true;
    this.#kept = [];
    this.#keptBytes = 0;
    messages.push({ type: 'bad', detail });
  }
}

/** Reads one line without its end. Undefined: a message of a type that this version does not know. Never throws. */
export function decodePeerMessage(line: Uint8Array): ReadMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    return { type: 'bad', detail: 'a message is not JSON' };
  }
  if (!isRecord(value) || typeof value['type'] !== 'string')
    return { type: 'bad', detail: 'a message is no object with a type' };
  if (value['type'] === 'hello') return decodeHello(value) ?? { type: 'bad', detail: 'its hello is incomplete' };
  if (value['type'] === 'word') return decodeSaying(value) ?? { type: 'bad', detail: 'a word of it is incomplete' };
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function decodeHello(value: Fields): PeerHello | undefined {
  const { protocol, node, cluster, version } = value;
  if (!isCount(protocol) || !isText(node) || !isText(cluster) || !isText(version)) return undefined;
  return { type: 'hello', protocol, node, cluster, version };
}

function decodeSaying(value: Fields): PeerSaying | undefined {
  const { sentMs, echoMs, heldMs } = value;
  const word = isRecord(value['word']) ? decodeWord(value['word']) : undefined;
  if (!isTime(sentMs) || !isTime(echoMs) || !isTime(heldMs) || word === undefined) return undefined;
  const saying = { type: 'word', sentMs, echoMs, heldMs, word } as const;
  if (value['arp'] === undefined) return saying;
  const arp = decodeEach(value['arp'], { max: electionsMax * vipsMax, decode: decodeArpSeen });
  return arp === undefined ? undefined : { ...saying, arp };
}

function decodeWord(value: Fields): PeerWord | undefined {
  const { node, configHash, wallMs, version, maintenance, advertSequence } = value;
  const elections = decodeEach(value['elections'], { max: electionsMax, decode: decodeElection });
  if (!isText(node) || !isText(configHash) || !isTime(wallMs) || !isText(version)) return undefined;
  if (typeof maintenance !== 'boolean' || elections === undefined) return undefined;
  const word = { node, configHash, wallMs, version, maintenance, elections };
  if (advertSequence === undefined) return word;
  return isSequence(advertSequence) ? { ...word, advertSequence } : undefined;
}

function decodeElection(value: Fields): ElectionWord | undefined {
  const { state, priority, ability, reason, heardAgeMs, term, vips, speaks } = value;
  if (!isState(state) || !isAbility(ability) || !isText(reason)) return undefined;
  if (!isCount(priority) || priority > 255 || !isTime(heardAgeMs)) return undefined;
  if (!isCount(term) || term > termMax) return undefined;
  if (!isTexts(vips)) return undefined;
  const election = { state, priority, ability, reason, heardAgeMs, term, vips };
  if (speaks === undefined) return election;
  return isTexts(speaks) ? { ...election, speaks } : undefined;
}

function decodeArpSeen({ mac, ageMs }: Fields): ArpSeen | undefined {
  return isText(mac) && isTime(ageMs) ? { mac, ageMs } : undefined;
}

/** Decodes every entry of a record; undefined when one is wrong or there are too many. */
function decodeEach<T>(
  value: unknown,
  { max, decode }: { readonly max: number; readonly decode: (fields: Fields) => T | undefined },
): Readonly<Record<string, T>> | undefined {
  if (!isRecord(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > max) return undefined;
  const decoded: [string, T][] = [];
  for (const [name, fields] of entries) {
    const one = isRecord(fields) && isText(name) ? decode(fields) : undefined;
    if (one === undefined) return undefined;
    decoded.push([name, one]);
  }
  return Object.fromEntries(decoded);
}

const states: readonly unknown[] = ['init', 'backup', 'master', 'fault'] satisfies readonly VrrpState[];
const abilities: readonly unknown[] = [
  'unknown',
  'serves',
  'impaired',
  'no-live-server',
  'cannot-serve',
] satisfies readonly Ability[];

function isState(value: unknown): value is VrrpState {
  return states.includes(value);
}

function isAbility(value: unknown): value is Ability {
  return abilities.includes(value);
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSequence(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= vipsMax && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textMax;
}

/** A time or age in ms; -1 stands for "never". */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= -1 && value <= Number.MAX_SAFE_INTEGER;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0;
}
