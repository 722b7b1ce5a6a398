// The address of a server in its shared words: the main thread writes it when a name has been resolved, workers read
// it when the generation has changed. A sequence number keeps a half-written IPv6 address from being used.
import type { Endpoint } from '../transport.ts';
import type { ServerPlan } from '../plan.ts';
import { ServerWord } from '../shared.ts';

/** Where a server without an address connects to: the kernel refuses it at once. It is down anyway. */
export const NO_ADDRESS = '255.255.255.255';

/** Writes an IPv4 or IPv6 literal without zone. @param word First word of the server. */
export function writeAddress(words: Int32Array, word: number, address: string): void {
  const numbers = addressWords(address);
  Atomics.add(words, word + ServerWord.addressTurn, 1);
  for (let i = 0; i < 4; i++) Atomics.store(words, word + ServerWord.address + i, numbers[i] ?? 0);
  Atomics.store(words, word + ServerWord.addressFamily, numbers.length === 1 ? 4 : 6);
  Atomics.add(words, word + ServerWord.addressTurn, 1);
}

/**
 * Takes a new address from the shared words.
 *
 * @returns True when the endpoint is another one now: idle connections go to the old one.
 */
export function followAddress(words: Int32Array, server: ServerPlan): boolean {
  if (!server.isNamed) return false;
  const turn = Atomics.load(words, server.word + ServerWord.addressTurn);
  if (turn === server.addressTurn || (turn & 1) === 1) return false;
  const address = readAddress(words, server.word);
  if (Atomics.load(words, server.word + ServerWord.addressTurn) !== turn) return false;
  server.addressTurn = turn;
  if (address === server.endpoint.address) return false;
  const endpoint: Endpoint = { address, port: server.endpoint.port };
  server.endpoint = endpoint;
  return true;
}

/** The address in the words of a server; NO_ADDRESS before the first one. */
export function readAddress(words: Int32Array, word: number): string {
  const family = words[word + ServerWord.addressFamily];
  const at = word + ServerWord.address;
  if (family === 4) {
    const number = words[at]!;
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  }
  if (family !== 6) return NO_ADDRESS;
  const groups: string[] = [];
  for (let i = 0; i < 4; i++) {
    const number = words[at + i]!;
    groups.push((number >>> 16).toString(16), (number & 0xffff).toString(16));
  }
  return groups.join(':');
}

/** One number for an IPv4 address, four for an IPv6 one. */
function addressWords(address: string): number[] {
  if (!address.includes(':')) return [fourBytes(address)];
  let text = address;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail !== null) {
    const number = fourBytes(tail[2]!);
    text = `${tail[1]}${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
  }
  const [left = '', right] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const end = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: right === undefined ? 0 : 8 - head.length - end.length }, () => '0');
  const groups = [...head, ...zeros, ...end].map((group) => Number.parseInt(group, 16));
  return [0, 2, 4, 6].map((i) => (groups[i]! << 16) | groups[i + 1]!);
}

function fourBytes(address: string): number {
  return address.split('.').reduce((number, part) => (number << 8) | Number(part), 0);
}
