// The handshake of WebSocket (RFC 6455 section 4.2.2): which key is one, and which answer belongs to it. Whoever answers
// 101 without it has not understood the request, and what follows is no WebSocket. SHA-1 stands here because nothing
// secret hangs on it and this package does no I/O; once for each upgrade, so it is plain rather than fast.
import { ascii } from './bytes.ts';

/** Base64 of 16 bytes. */
export const WEBSOCKET_KEY_BYTES = 24;
const ACCEPT_BYTES = 28;
const GUID = ascii('258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
const ALPHABET = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const BASE64 = new Uint8Array(256);
for (const byte of ALPHABET) BASE64[byte] = 1;
const EQUALS = 61;

/** Whether memory[from, to) is the base64 form of 16 bytes. */
export function isWebsocketKey(memory: Uint8Array, from: number, to: number): boolean {
  if (to - from !== WEBSOCKET_KEY_BYTES || memory[to - 1] !== EQUALS || memory[to - 2] !== EQUALS) return false;
  for (let p = from; p < to - 2; p++) if (BASE64[memory[p]!] === 0) return false;
  return true;
}

/** Whether memory[from, to) is the Sec-WebSocket-Accept that belongs to a key. */
// oxlint-disable-next-line max-params -- a place in a memory, as everywhere here
export function isAcceptOf(key: Uint8Array, memory: Uint8Array, from: number, to: number): boolean {
  if (to - from !== ACCEPT_BYTES) return false;
  const accept = websocketAccept(key);
  for (let i = 0; i < ACCEPT_BYTES; i++) if (memory[from + i] !== accept[i]) return false;
  return true;
}

/** The Sec-WebSocket-Accept for a key. */
export function websocketAccept(key: Uint8Array): Uint8Array {
  const text = new Uint8Array(key.length + GUID.length);
  text.set(key);
  text.set(GUID, key.length);
  const digest = sha1(text);
  const accept = new Uint8Array(ACCEPT_BYTES);
  for (let i = 0, at = 0; i < digest.length; i += 3) {
    const three = (digest[i]! << 16) | ((digest[i + 1] ?? 0) << 8) | (digest[i + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) accept[at++] = ALPHABET[(three >>> shift) & 63]!;
  }
  accept[ACCEPT_BYTES - 1] = EQUALS;
  return accept;
}

/** SHA-1 (FIPS 180-4 section 6.1). */
function sha1(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((message.length + 8) >> 6) << 6) + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const hash = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const words = new Int32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) words[t] = view.getInt32(block + 4 * t);
    for (let t = 16; t < 80; t++) {
      words[t] = rotate(words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!, 1);
    }
    mix(hash, words);
  }
  const digest = new Uint8Array(20);
  const out = new DataView(digest.buffer);
  hash.forEach((word, i) => out.setUint32(4 * i, word));
  return digest;
}

function mix(hash: Uint32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = hash;
  for (let t = 0; t < 80; t++) {
    const next = (rotate(a, 5) + choose(t, b, { c, d }) + e + words[t]!) | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  for (const [i, word] of [a, b, c, d, e].entries()) hash[i]! += word;
}

/** The function and constant of a round. */
function choose(t: number, b: number, { c, d }: { readonly c: number; readonly d: number }): number {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
