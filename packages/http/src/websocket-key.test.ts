// The WebSocket handshake's key and accept, against Node's own SHA-1.
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isAcceptOf, isWebsocketKey, websocketAccept } from './websocket-key.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('websocketAccept() gives the answer of RFC 6455 section 1.3', () => {
  const accept = websocketAccept(bytes('dGhlIHNhbXBsZSBub25jZQ=='));
  expect(new TextDecoder().decode(accept)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

it('websocketAccept() gives what SHA-1 gives, for any key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), (raw) => {
      const key = bytes(Buffer.from(raw).toString('base64'));
      const wanted = createHash('sha1').update(key).update('258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
      expect(new TextDecoder().decode(websocketAccept(key))).toBe(wanted);
      expect(isAcceptOf(key, bytes(wanted), 0, wanted.length)).toBe(true);
      expect(isAcceptOf(key, bytes(wanted.toLowerCase()), 0, wanted.length)).toBe(wanted === wanted.toLowerCase());
    }),
  );
});

it.each([
  ['dGhlIHNhbXBsZSBub25jZQ==', true],
  ['dGhlIHNhbXBsZSBub25jZQ=', false],
  ['dGhlIHNhbXBsZSBub25jZQA=', false],
  ['dGhlIHNhbXBsZSBub25jZ_==', false],
  ['xx', false],
  ['', false],
])('isWebsocketKey() of %j is %s', (key, expected) => {
  expect(isWebsocketKey(bytes(key), 0, key.length)).toBe(expected);
});
