// The corpus through the codec, whole and at every split point: each case ends as it should, and the way the bytes
// were cut never matters. The same cases go through the running product in apps/appliance/test.
import { expand, readRequest, readResponse, requestCases, responseCases, wholeText } from '@tospann/testing';
import { describe, expect, it } from 'vitest';
import { faultStatus } from '../src/index.ts';
import { type CodecOutcome, CodecRun, latin1 } from './support/codec-run.ts';

const run = new CodecRun(1_100_000);
const POISON = 0xa7;

/** Every offset of a short message; of a long one those at the begin and the end, and some between. */
function splitPoints(length: number): number[] {
  if (length <= 1500) return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
  const edge = length > 20_000 ? 30 : 200;
  const stride = Math.ceil(length / 40);
  const points = [];
  for (let at = 1; at < length; at++) if (at < edge || at > length - edge || at % stride === 0) points.push(at);
  return points;
}

/** As `expect(a).toEqual(b)`, which is too slow for every split point; the slow one runs to show a difference. */
function expectSame(a: CodecOutcome, b: CodecOutcome, context: () => string): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) expect(a, context()).toEqual(b);
}

/** How much of a broken body has gone out before its fault depends on the cuts, and nobody takes it for complete. */
function comparable(outcome: CodecOutcome): CodecOutcome {
  const broken = outcome.fault > 1 && !outcome.complete;
  return broken ? { ...outcome, messages: outcome.messages.slice(0, -1) } : outcome;
}

describe('request cases', () => {
  it.each(requestCases().map((c) => [c.id, c] as const))('%s ends as expected', (_id, c) => {
    const input = latin1(wholeText(c.client));
    const outcome = run.requests(input, [], POISON);
    const allowed = c.expect.verdicts;
    const forwards = allowed.includes('accept') || allowed.includes('normalise');
    if (outcome.fault > 1) {
      // A fault after the expected requests is one of a following message.
      const isRejection = outcome.messages.filter((m) => readRequest(m).kind === 'message').length === 0;
      if (!isRejection) expect(c.expect.responses.at(-1)).toBe(faultStatus(outcome.fault));
      else {
        expect(allowed).toContain('reject');
        expect(c.expect.rejectStatus).toContain(faultStatus(outcome.fault));
        return;
      }
    }
    if (!outcome.complete) {
      expect(allowed).toContain('timeout');
      return;
    }
    expect(forwards).toBe(true);
    expect(outcome.messages).toHaveLength(c.expect.requests.length);
    c.expect.requests.forEach((wanted, i) => {
      const result = readRequest(outcome.messages[i]!);
      if (result.kind !== 'message') throw new Error(JSON.stringify(result));
      expect(result.message.start[2]).toBe('1');
      if (wanted.method !== null) expect(result.message.start[0]).toBe(wanted.method);
      const target = wanted.target;
      if (target !== null) expect(result.message.start[1]).toBe(typeof target === 'string' ? target : expand(target));
      if (wanted.body !== null) expect(result.message.body).toBe(wanted.body);
    });
    const all = outcome.messages.join('');
    const mustClose = c.expect.mustClose && outcome.fault === 0;
    if (mustClose) expect(outcome.closes).toBe(true);
    for (const pattern of c.expect.originMust.filter((p) => !p.includes('127')))
      expect(all).toMatch(new RegExp(pattern, 'i'));
    for (const pattern of c.expect.originMustNot) expect(all).not.toMatch(new RegExp(pattern, 'i'));
  });

  it('has the same outcome for every case at every split point and byte by byte', () => {
    for (const c of requestCases()) {
      const input = latin1(wholeText(c.client));
      const whole = comparable(run.requests(input, [], POISON));
      for (const cut of splitPoints(input.length)) {
        expectSame(comparable(run.requests(input, [cut], 0)), whole, () => `${c.id} cut at ${cut}`);
      }
      if (input.length > 3000) continue;
      const single = Array.from({ length: input.length - 1 }, (_, i) => i + 1);
      expectSame(comparable(run.requests(input, single, 0x0d)), whole, () => `${c.id} byte by byte`);
    }
  });
});

describe('response cases', () => {
  it.each(responseCases().map((c) => [c.id, c] as const))('%s ends as expected', (_id, c) => {
    const toHead = c.methods[0] === 'HEAD';
    const outcome = run.responses(latin1(wholeText(c.origin)), { cuts: [], poison: POISON, toHead });
    const allowed = c.expect.verdicts;
    if (outcome.fault > 1) {
      const begun = outcome.messages.some((m) => !m.startsWith('HTTP/1.1 1'));
      // A fault after a complete answer is one of bytes that do not belong to it.
      if (begun && allowed.includes('forward')) return;
      expect(allowed).toContain(begun ? 'abort' : 'bad-gateway');
      expect(faultStatus(outcome.fault) === 502 || begun).toBe(true);
      return;
    }
    const finals = outcome.messages.filter((m) => !/^HTTP\/1\.1 10[02-9]/.test(m));
    if (finals.length === 0 || !outcome.complete) {
      // Nothing came or the body is cut: the engine's time-out or close decides.
      expect(['abort', 'bad-gateway', 'gateway-timeout'].some((v) => (allowed as readonly string[]).includes(v))).toBe(
        true,
      );
      return;
    }
    if (finals[0]!.startsWith('HTTP/1.1 101')) {
      expect(allowed).toContain('bad-gateway'); // nobody asked for it: the engine refuses
      return;
    }
    expect(allowed).toContain('forward');
    const result = readResponse(finals[0]!, toHead);
    if (result.kind !== 'message') throw new Error(JSON.stringify(result));
    expect(result.message.start[1]).toBe(String(c.expect.status));
    if (c.expect.body !== undefined) expect(result.message.body).toBe(c.expect.body);
    for (const pattern of c.expect.clientMust) expect(finals[0]).toMatch(new RegExp(pattern, 'i'));
  });

  it('has the same outcome for every case at every split point', () => {
    for (const c of responseCases()) {
      const input = latin1(wholeText(c.origin));
      const toHead = c.methods[0] === 'HEAD';
      const whole = comparable(run.responses(input, { cuts: [], poison: POISON, toHead }));
      for (const cut of splitPoints(input.length)) {
        expectSame(
          comparable(run.responses(input, { cuts: [cut], poison: 0, toHead })),
          whole,
          () => `${c.id} cut at ${cut}`,
        );
      }
    }
  });
});

describe('one changed byte', () => {
  const bytes = ['\r', '\n', '\0', ' ', '\t', ';', ':', ',', '0', 'x', '\x7f', '\xff'];
  const messages = [
    'POST /t HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;b=c\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
    'POST http://a.test/t HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello',
  ];

  it.each(messages)('in %j is refused or leaves a message that a strict reader reads with the same body', (message) => {
    for (let at = 0; at < message.length; at++) {
      for (const byte of bytes) {
        const input = message.slice(0, at) + byte + message.slice(at + 1);
        const outcome = run.requests(latin1(input), [], POISON);
        const first = outcome.messages[0];
        if (first === undefined || (outcome.messages.length === 1 && !outcome.complete)) continue;
        const forwarded = readRequest(first);
        const received = readRequest(input);
        const context = `${JSON.stringify(byte)} at ${at}`;
        if (forwarded.kind !== 'message') throw new Error(`${context}: ${JSON.stringify(forwarded)}`);
        // Leading zeros are allowed (RFC 9110 section 8.6) and not forwarded; the strict reader wants none.
        if (received.kind === 'invalid' && received.reason === 'Content-Length 05') continue;
        if (received.kind !== 'message') throw new Error(`${context}: accepted ${JSON.stringify(received)}`);
        expect(forwarded.message.body, context).toBe(received.message.body);
      }
    }
  });
});
