// The corpus of hostile messages through the engine on the memory transport: whole, in small segments, and cut at every
// place; then the same messages damaged at random. However the bytes come: the outcome is the same, the server is only
// sent what a strict reader reads, the client too, a canary gets its own answer, and no buffer or connection is left.
// fast-check prints the seed of a failure; TOSPANN_FUZZ_RUNS sets the number of random runs (default 300).
import { readRequest, readResponse, requestCases, responseCases, wholeText } from '@tospann/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { EngineBench } from './engine-bench.ts';

const numRuns = Number(process.env['TOSPANN_FUZZ_RUNS'] ?? '300');
/** Longer messages are about limits; the codec's own tests cut them. */
const LONGEST = 1500;

interface Outcome {
  /** Complete requests that the server read. */
  readonly requests: readonly (readonly [method: string, target: string, body: string])[];
  /** Final answers; a failed one as 'failed', whether it was a 502 or was cut off. */
  readonly answers: readonly string[];
  readonly closed: boolean;
}

/** How the bytes come: cut once at a place, or all in segments of a size. */
type Cut = { readonly at: number } | { readonly segmentBytes: number };

/** An engine with one played server that reads strictly. */
class Stage {
  readonly bench: EngineBench;
  requests: Outcome['requests'][number][] = [];
  faults: string[] = [];
  /** What the server sends instead of its usual answer, in these pieces; then it closes if `ends`. */
  script: { readonly pieces: readonly string[]; readonly ends: boolean } | undefined;

  constructor(segmentBytes?: number) {
    const segment = segmentBytes === undefined ? {} : { segmentBytes };
    const sizes = { bufferBytes: 16_384, receiveBuffers: 16, sendBuffers: 16, socketBytes: 1 << 20 };
    this.bench = new EngineBench({ flags: ['one-server', 'log-off'], transport: { ...sizes, ...segment } });
    this.bench.serve('web1', { address: '10.0.0.1', port: 80 }); // replaces the bench's own
    this.bench.transport.serve({ address: '10.0.0.1', port: 80 }, (peer) => this.#serve(peer));
  }

  #serve(peer: MemoryPeer): void {
    let told = false;
    peer.onChange = () => {
      for (;;) {
        const result = readRequest(peer.text);
        if (result.kind === 'invalid') this.faults.push(result.reason);
        if (result.kind === 'incomplete') {
          const waits = /\r\nexpect: 100-continue\r\n[^]*\r\n\r\n/i.test(peer.text);
          if (waits && !told) peer.write('HTTP/1.1 100 Continue\r\n\r\n');
          told ||= waits;
        }
        if (result.kind !== 'message') return;
        told = false;
        peer.text = peer.text.slice(result.message.length);
        const [method, target] = result.message.start;
        this.requests.push([method, target, result.message.body]);
        this.#answer(peer, method, target);
      }
    };
  }

  #answer(peer: MemoryPeer, method: string, target: string): void {
    if (this.script === undefined || target.startsWith('/canary')) {
      peer.write(`HTTP/1.1 200 OK\r\nX-Target: ${target}\r\nContent-Length: 2\r\n\r\n${method === 'HEAD' ? '' : 'ok'}`);
      return;
    }
    // The pieces come one after another, so that each arrives alone.
    const [first = '', ...rest] = this.script.pieces;
    const { ends } = this.script;
    peer.write(first);
    this.#later.push(() => {
      for (const piece of rest) peer.write(piece);
      if (ends) peer.end();
    });
  }

  readonly #later: (() => void)[] = [];

  /** Lets everything happen that needs no time. */
  settle(): void {
    this.bench.transport.settle();
    for (let next = this.#later.shift(); next !== undefined; next = this.#later.shift()) {
      next();
      this.bench.transport.settle();
    }
  }

  /** Plays a client's pieces and returns what came of them; throws if an invariant is broken. */
  play(pieces: readonly string[], methods: readonly (string | null)[]): Outcome {
    this.requests = [];
    this.faults = [];
    const client = this.bench.dial();
    this.settle();
    for (const piece of pieces) {
      client.write(piece);
      this.settle();
    }
    if (!isAnswered(client, methods)) this.bench.transport.advance(6000);
    const answers = readAnswers(client.text, methods);
    const closed = client.ended || client.wasReset;
    // A cut answer is ended by RST, and then it depends on the pieces whether its begin was read.
    if (client.wasReset && answers.length < methods.length) answers.push('failed');
    const outcome = { requests: [...this.requests], answers, closed };
    client.close();
    this.settle();
    if (this.faults.length > 0) throw new Error(`the server was sent: ${this.faults.join('; ')}`);
    this.#canary();
    return outcome;
  }

  #canary(): void {
    const client = this.bench.dial();
    const target = `/canary-${this.bench.connections.length}-${Math.trunc(this.bench.transport.nowMs())}`;
    client.write(`GET ${target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n`);
    this.settle();
    if (!client.text.includes(`\r\nX-Target: ${target}\r\n`)) throw new Error(`the canary got ${client.text}`);
    client.close();
    this.settle();
  }

  /** After all clients have gone nothing may be left. */
  end(): string {
    this.bench.transport.advance(30_000);
    if (this.bench.missingBuffers > 0) return `${this.bench.missingBuffers} buffers are missing`;
    return this.bench.engine.openClients === 0 ? '' : 'a client is left';
  }
}

function isAnswered(client: MemoryPeer, methods: readonly (string | null)[]): boolean {
  if (client.ended || client.wasReset) return true;
  const answers = readAnswers(client.text, methods);
  return answers.length >= methods.length && !answers.includes('failed');
}

/** The final answers in a client's text; the text must be strict up to where the connection broke. */
function readAnswers(text: string, methods: readonly (string | null)[]): string[] {
  const answers: string[] = [];
  let rest = text;
  while (rest !== '') {
    const result = readResponse(rest, methods[answers.length] === 'HEAD');
    if (result.kind === 'invalid') {
      const begun = /^HTTP\/1\.1 [2-5]\d\d /.test(rest) && rest.includes('\r\n\r\n');
      if (!begun) throw new Error(`the client was sent: ${result.reason}`);
    }
    if (result.kind !== 'message') return [...answers, 'failed'];
    const status = result.message.start[1];
    rest = rest.slice(result.message.length);
    if (status.startsWith('1')) continue;
    answers.push(status === '502' ? 'failed' : `${status} ${status.startsWith('2') ? result.message.body : ''}`);
  }
  return answers;
}

function pieces(text: string, cut: Cut | undefined): readonly string[] {
  return cut === undefined || !('at' in cut) || cut.at <= 0 ? [text] : [text.slice(0, cut.at), text.slice(cut.at)];
}

function expectSame(got: Outcome, wanted: Outcome, context: string): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) expect(got, context).toEqual(wanted);
}

const hostileRequests = requestCases()
  .map((c) => ({ id: c.id, text: wholeText(c.client), methods: c.expect.requests.map((r) => r.method) }))
  .filter(({ text }) => text.length <= LONGEST);
const hostileAnswers = responseCases()
  .filter((c) => c.category === 'upstream-response')
  .map((c) => ({
    id: c.id,
    client: wholeText(c.client),
    text: wholeText(c.origin),
    ends: c.originAfter !== 'keep',
    methods: c.methods,
    noReuse: c.expect.noReuse,
  }))
  .filter(({ text }) => text.length <= LONGEST);

describe('the corpus on the memory transport', () => {
  it('has the same outcome for every request case at every split point', () => {
    const stage = new Stage();
    for (const { id, text, methods } of hostileRequests) {
      const whole = stage.play([text], methods);
      for (let at = 1; at < text.length; at++) {
        expectSame(stage.play(pieces(text, { at }), methods), whole, `${id} cut at ${at}`);
      }
    }
    expect(stage.end()).toBe('');
  });

  it('has the same outcome for every response case at every split point', () => {
    const stage = new Stage();
    for (const { id, client, text, ends, methods } of hostileAnswers) {
      stage.script = { pieces: [text], ends };
      const whole = stage.play([client], methods);
      for (let at = 1; at < text.length; at++) {
        stage.script = { pieces: pieces(text, { at }), ends };
        expectSame(stage.play([client], methods), whole, `${id} cut at ${at}`);
      }
    }
    expect(stage.end()).toBe('');
  });

  it.each([1, 2, 3, 7])('has the same outcome in segments of %i bytes', (segmentBytes) => {
    const whole = new Stage();
    const cut = new Stage(segmentBytes);
    for (const { id, text, methods } of hostileRequests) {
      expectSame(cut.play([text], methods), whole.play([text], methods), id);
    }
    for (const { id, client, text, ends, methods } of hostileAnswers) {
      for (const stage of [whole, cut]) stage.script = { pieces: [text], ends };
      expectSame(cut.play([client], methods), whole.play([client], methods), id);
    }
    expect(cut.end()).toBe('');
  });
});

const change = fc.record({
  at: fc.nat(),
  cut: fc.nat(3),
  put: fc.oneof(
    fc.constantFrom('\r', '\n', '\0', ':', '\t', ' ', '\r\n', '\r\n ', ',', ';', '0', '5', '\x7f', '\xff', ''),
    fc.constantFrom(
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'GET /more HTTP/1.1\r\nHost: b.test\r\n\r\n',
    ),
  ),
});

function damage(message: string, changes: readonly { at: number; cut: number; put: string }[]): string {
  let text = message;
  for (const { at, cut, put } of changes) {
    const place = at % (text.length + 1);
    text = text.slice(0, place) + put + text.slice(place + cut);
  }
  // The parser may wait with a fault until a line ends, so it does.
  return `${text}\n`;
}

describe('damaged messages on the memory transport', () => {
  it('of clients break no invariant and end the same however they are cut', () => {
    const texts = hostileRequests.map(({ text }) => text);
    const stage = new Stage();
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(change, { maxLength: 3 }), fc.nat(), (seed, changes, cut) => {
        const text = damage(seed, changes);
        const whole = stage.play([text], ['GET']);
        const again = stage.play(pieces(text, { at: cut % text.length }), ['GET']);
        expectSame(again, whole, JSON.stringify(text));
      }),
      { numRuns },
    );
    expect(stage.end()).toBe('');
  });

  it('of servers break no invariant and end the same however they are cut', () => {
    const stage = new Stage();
    const client = 'GET /t HTTP/1.1\r\nHost: a.test\r\n\r\n';
    const texts = hostileAnswers.map(({ text }) => text);
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(change, { maxLength: 3 }), fc.nat(), (seed, changes, cut) => {
        const text = damage(seed, changes);
        stage.script = { pieces: [text], ends: true };
        const whole = stage.play([client], ['GET']);
        stage.script = { pieces: pieces(text, { at: cut % text.length }), ends: true };
        expectSame(stage.play([client], ['GET']), whole, JSON.stringify(text));
      }),
      { numRuns },
    );
    expect(stage.end()).toBe('');
  });
});
