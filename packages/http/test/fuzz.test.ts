// Properties with generated input: valid heads come through unchanged, and of damaged messages the codec never
// throws, never looks outside what it was given, and lets nothing through that a strict reader does not read the
// same way. fast-check prints the seed of a failure; TOSPANN_FUZZ_RUNS sets the number of runs (default 1500).
import { readRequest, readResponse, requestCases, responseCases, type StrictResult, wholeText } from '@tospann/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CodecOutcome, CodecRun, latin1 } from './support/codec-run.ts';

const numRuns = Number(process.env['TOSPANN_FUZZ_RUNS'] ?? '1500');
const run = new CodecRun(8192);

const hopByHop =
  /^(connection|keep-alive|proxy-connection|te|trailer|upgrade|http2-settings|transfer-encoding|content-length|host|expect)$/i;
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,20}$/).filter((n) => !hopByHop.test(n));
const value = fc.stringMatching(/^([!-~\x80-\xff]([ -~\t\x80-\xff]{0,40}[!-~\x80-\xff])?)?$/);
const path = fc.stringMatching(/^\/[!-"$-~]{0,40}$/);

describe('round trip', () => {
  it('forwards a valid request with the same method, target, fields and body', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Z]{1,10}$/).filter((m) => m !== 'CONNECT'),
        path,
        fc.record({
          fields: fc.array(fc.tuple(name, value), { maxLength: 20 }),
          body: fc.stringMatching(/^[ -~]{0,60}$/),
        }),
        (method, target, { fields, body }) => {
          const lines = fields.map(([n, v]) => `${n}: ${v}\r\n`).join('');
          const head = `${method} ${target} HTTP/1.1\r\nHost: a.test\r\n${lines}Content-Length: ${body.length}\r\n\r\n`;
          const outcome = run.requests(latin1(head + body), [], 0x41);
          expect(outcome).toMatchObject({ fault: 0, complete: true, rest: 0 });
          const read = readRequest(outcome.messages[0]!);
          if (read.kind !== 'message') throw new Error(JSON.stringify(read));
          expect(read.message.start).toEqual([method, target, '1']);
          expect(read.message.body).toBe(body);
          const expected = [['Host', 'a.test'], ...fields, ['Content-Length', `${body.length}`]];
          expect(read.message.fields.slice(0, -1)).toEqual(expected);
        },
      ),
      { numRuns: Math.min(numRuns, 1000) },
    );
  });

  it('passes a valid chunked body on so that it decodes to the same data, however it is cut', () => {
    const chunk = fc.tuple(fc.stringMatching(/^[ -~]{1,30}$/), fc.stringMatching(/^( ?;[ !#-~]{0,10})?$/));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 6 }), (chunks, cuts) => {
        const text = chunks
          .map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`)
          .join('');
        const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';
        const input = latin1(`${head}${text}0\r\nX-T: 1\r\n\r\n`);
        const places = [...new Set(cuts.map((c) => c % input.length))].sort((a, b) => a - b);
        const outcome = run.requests(input, places, 0x0a);
        expect(outcome).toMatchObject({ fault: 0, complete: true, rest: 0 });
        const read = readRequest(outcome.messages[0]!);
        if (read.kind !== 'message') throw new Error(JSON.stringify(read));
        expect(read.message.body).toBe(chunks.map(([data]) => data).join(''));
        expect(read.message.trailers).toEqual([]);
      }),
      { numRuns: Math.min(numRuns, 1000) },
    );
  });
});

/** One change to a message: at a place, cut so many characters out and put a text in. */
const change = fc.record({
  at: fc.nat(),
  cut: fc.nat(3),
  put: fc.oneof(
    fc.constantFrom('\r', '\n', '\0', ':', '\t', ' ', '\r\n', '\r\n ', ',', ';', '0', '\x7f', '\x80', '\xff', ''),
    fc.constantFrom(
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Host: b.test\r\n',
      'Connection: x-a, host\r\n',
      '\r\n\r\n',
      'GET /smuggled HTTP/1.1\r\nHost: b.test\r\n\r\n',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  ),
});

/** The codec may wait with a fault until the line ends; so the input ends a line. */
const LAST = '\n';

function damage(message: string, changes: readonly { at: number; cut: number; put: string }[]): string {
  let text = message;
  for (const { at, cut, put } of changes) {
    const place = at % (text.length + 1);
    text = text.slice(0, place) + put + text.slice(place + cut);
  }
  return text;
}

const seeds = (texts: readonly string[]): readonly string[] => texts.filter((t) => t.length < 1500 && t.length > 0);

/** Nobody acts on the begin of a message that then turns out to be broken. */
function comparable(outcome: CodecOutcome): CodecOutcome {
  const broken = outcome.fault > 1 && !outcome.complete;
  return broken ? { ...outcome, messages: outcome.messages.slice(0, -1) } : outcome;
}

function judge(outcome: CodecOutcome, read: (message: string) => StrictResult): void {
  outcome.messages.forEach((message, i) => {
    const result = read(message);
    const last = i === outcome.messages.length - 1;
    if (last && !outcome.complete) {
      expect(result.kind).not.toBe('message');
      // A faulty body may have ended in the middle of a size line; its head must be in order all the same.
      if (outcome.fault <= 1) expect(result).toEqual({ kind: 'incomplete' });
      return;
    }
    if (result.kind !== 'message') throw new Error(`${JSON.stringify(result)} of ${JSON.stringify(message)}`);
    expect(result.message.length).toBe(message.length);
  });
}

describe('damaged messages', () => {
  it('of requests, only what a strict reader reads the same way is forwarded, however they are cut', () => {
    const texts = seeds(requestCases().map((c) => wholeText(c.client)));
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(change, { maxLength: 4 }), fc.nat(), (seed, changes, cut) => {
        const input = latin1(damage(seed, changes) + LAST);
        const outcome = run.requests(input, [], 0x0a);
        judge(outcome, readRequest);
        const again = run.requests(input, [cut % (input.length + 1)], 0x61);
        expect(comparable(again)).toEqual(comparable(outcome));
      }),
      { numRuns },
    );
  });

  it('of answers, only what a strict reader reads the same way is passed to the client', () => {
    const texts = seeds(responseCases().map((c) => wholeText(c.origin)));
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(change, { maxLength: 4 }), fc.nat(), (seed, changes, cut) => {
        const input = latin1(damage(seed, changes) + LAST);
        const outcome = run.responses(input, { cuts: [], poison: 0x0a, toHead: false });
        judge(outcome, (message) => readResponse(message, false));
        const cuts = [cut % (input.length + 1)];
        const again = run.responses(input, { cuts, poison: 0x61, toHead: false });
        expect(comparable(again)).toEqual(comparable(outcome));
      }),
      { numRuns },
    );
  });
});
