// Exchanges as data: a case file is a script of what the client and the server send and what each must see. The runner
// plays it on the memory transport as it stands, with all bytes in small segments, and with every section cut at every
// place. A new case is a new file: no code.
//
// First line: what is shown. Then optional `flags:` (see engine-bench.ts). Then sections, each begun by a line of
// dashes and one of:
//   client | server                     sends these lines; each line gets CR LF, but none after a `\` at its end
//   to client | to server               what must have arrived since the last such section; `*\` at the end: any rest
//   to new server                       the same, on a new connection
//   client ends | server ends           FIN          client resets | server resets      RST
//   client closed | server closed       must have seen FIN or RST by now
//   client open | server open           must not
//   wait N                              N ms pass
//   web1 down | web1 up                 as the checks would say
//   web1 gone                           nobody listens there any more
//   log                                 the log line that must have been written; `*` stands for any text
// `\xHH` is a byte, but in `log` it is text. Lines that begin with # before the first section are comments.
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { EngineBench, type BenchFlag } from './engine-bench.ts';

interface Section {
  readonly what: string;
  readonly text: string;
}

export interface ExchangeCase {
  readonly title: string;
  readonly flags: readonly BenchFlag[];
  readonly sections: readonly Section[];
}

/** How the bytes are cut. */
export interface Cut {
  readonly segmentBytes?: number;
  /** Number of the section that is sent in two pieces, and where it is cut. */
  readonly section?: number;
  readonly at?: number;
}

export function parseCase(file: string): ExchangeCase {
  const [head = '', ...rest] = file.split(/^-{10} /m);
  const lines = head.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const flags =
    lines
      .find((line) => line.startsWith('flags: '))
      ?.slice(7)
      .split(' ') ?? [];
  return {
    title: lines[0] ?? '',
    flags: flags as BenchFlag[], // names are checked by their use: an unknown one changes nothing and a case fails
    sections: rest.map((section) => {
      const end = section.indexOf('\n');
      const what = section.slice(0, end).trim();
      const text = section.slice(end + 1);
      return { what, text: what === 'log' ? text : unescape(text) };
    }),
  };
}

function unescape(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})|\\\n|\n/g, (match, hex?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return match === '\n' ? '\r\n' : '';
  });
}

/**
 * Every cut of a case worth running: whole, small segments, and each sending section at each place.
 *
 * @yields One cut.
 */
export function* cutsOf(exchange: ExchangeCase): Generator<Cut> {
  yield {};
  for (const segmentBytes of [1, 2, 3, 5, 16]) yield { segmentBytes };
  for (const [section, { what, text }] of exchange.sections.entries()) {
    if (what !== 'client' && what !== 'server') continue;
    for (let at = 1; at < text.length; at++) yield { section, at };
  }
}

/** Plays a case; returns what was wrong in words, or an empty string. */
export function playCase(exchange: ExchangeCase, cut: Cut): string {
  const segment = cut.segmentBytes === undefined ? {} : { segmentBytes: cut.segmentBytes };
  const run = new Run(new EngineBench({ flags: exchange.flags, transport: { socketBytes: 1 << 20, ...segment } }), cut);
  for (const [i, section] of exchange.sections.entries()) {
    const wrong = run.step(section, i);
    if (wrong !== '') return `section ${i} (${section.what}): ${wrong}`;
  }
  return run.end();
}

class Run {
  readonly #bench: EngineBench;
  readonly #cut: Cut;
  readonly #client: MemoryPeer;
  #server: MemoryPeer | undefined;

  constructor(bench: EngineBench, cut: Cut) {
    this.#bench = bench;
    this.#cut = cut;
    this.#client = bench.dial();
    bench.transport.settle();
  }

  step({ what, text }: Section, index: number): string {
    const [who = '', verb = ''] = what.split(' ');
    if (what === 'client' || what === 'server') return this.#send(who, text, index);
    if (who === 'to') return this.#expect(what, text);
    if (who === 'wait') this.#bench.transport.advance(Number(verb));
    else if (who === 'log') return this.#expectLog(text.trim());
    else if (who.startsWith('web')) this.#change(Number(who.slice(3)), verb);
    else return this.#connection(who, verb);
    return '';
  }

  /** When the client has gone and all time-outs are over, nothing may be left. */
  end(): string {
    const { transport, engine } = this.#bench;
    this.#client.close();
    transport.advance(30_000);
    if (this.#bench.missingBuffers > 0) return `${this.#bench.missingBuffers} buffers are missing at the end`;
    return engine.openClients === 0 ? '' : 'a client connection is left at the end';
  }

  #peer(who: string): MemoryPeer {
    if (who === 'client') return this.#client;
    this.#server ??= this.#bench.connections.at(-1)?.peer;
    if (this.#server === undefined) throw new Error('no connection to a server');
    return this.#server;
  }

  #send(who: string, text: string, index: number): string {
    const peer = this.#peer(who);
    const at = this.#cut.section === index ? this.#cut.at! : 0;
    if (at > 0) {
      peer.write(text.slice(0, at));
      this.#bench.transport.settle();
    }
    peer.write(text.slice(at));
    this.#bench.transport.settle();
    return '';
  }

  #expect(what: string, expected: string): string {
    const { connections } = this.#bench;
    if (what === 'to new server') {
      const before = this.#server;
      this.#server = connections.at(-1)?.peer;
      if (this.#server === undefined || this.#server === before) return 'there is no new connection to a server';
    } else if (what === 'to server' && this.#server === undefined) this.#server = connections.at(-1)?.peer;
    const peer = what === 'to client' ? this.#client : this.#server;
    const got = peer?.take() ?? '';
    const same = expected.endsWith('*') ? got.startsWith(expected.slice(0, -1)) : got === expected;
    return same ? '' : `\n--- expected\n${expected}\n--- got\n${got}`;
  }

  #expectLog(expected: string): string {
    const lines = this.#bench.logLines();
    const parts = expected.split('*').map((part) => part.replace(/[.[\](){}+?^$|\\]/g, String.raw`\$&`));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    return lines.length === 1 && pattern.test(lines[0]!) ? '' : `expected ${expected}, got ${lines.join('\n')}`;
  }

  #change(server: number, how: string): void {
    if (how === 'gone') this.#bench.transport.unserve({ address: `10.0.0.${server}`, port: 80 });
    else this.#bench.setUsable(server - 1, how === 'up');
  }

  #connection(who: string, verb: string): string {
    const peer = this.#peer(who);
    if (verb === 'ends') peer.end();
    else if (verb === 'resets') peer.close(true);
    this.#bench.transport.settle();
    const closed = peer.ended || peer.wasReset;
    if (verb === 'closed' && !closed) return 'it is still open';
    return verb === 'open' && closed ? 'it is closed' : '';
  }
}
