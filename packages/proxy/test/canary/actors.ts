// Clients and servers of the canary runs. Each is played from random numbers and knows its connection only as something
// that takes text and can be ended or broken, so that the same actors play on memory, on ring and on node.
import type { Random } from '../random.ts';
import {
  type Answer,
  type Asked,
  bodyOf,
  canaryIn,
  cutMessage,
  lengthIn,
  makeAnswer,
  makeRequest,
  poisonBehind,
} from './words.ts';

/** An actor's end of a connection. */
export interface Wire {
  write(text: string): void;
  /** FIN. */
  end(): void;
  /** RST. */
  reset(): void;
}

/** What all actors of a run share. */
export interface Scene {
  readonly random: Random;
  readonly bufferBytes: number;
  /** Does something later, never at once; a larger number is later. */
  later(steps: number, act: () => void): void;
  /** Whether bytes of their own may follow an answer when nothing is under way (only where that moment is known). */
  readonly lateSurplus: boolean;
  /** Something that must not be. */
  wrong(what: string): void;
  /** The number of the next exchange; undefined: there is no more to ask. */
  nextId(): string | undefined;
  readonly counts: Counts;
}

export interface Counts {
  /** Whole ones of servers, checked to the last byte. */
  answers: number;
  refusals: number;
  cut: number;
  surplus: number;
  /** Clients that sent too little, too much, or left. */
  aborted: number;
  /** Requests that were under way when their connection ended. */
  unanswered: number;
}

export function newCounts(): Counts {
  return { answers: 0, refusals: 0, cut: 0, surplus: 0, aborted: 0, unanswered: 0 };
}

/** One client's connection: asks, reads, misbehaves. */
export class ClientActor {
  readonly #scene: Scene;
  readonly #wire: Wire;
  readonly #lane: string;
  readonly #asked: Asked[] = [];
  #left: number;
  #text = '';
  #over = false;
  #ended = false;
  /** A request is not written to its end, or never will be. */
  #writing = false;
  /** The connection has been given up or has ended. */
  readonly done: () => void;

  constructor(scene: Scene, wire: Wire, done: () => void) {
    this.#scene = scene;
    this.#wire = wire;
    this.#lane = scene.random.pick(['/a', '/a', '/static']);
    this.#left = 1 + scene.random.below(5);
    this.done = done;
  }

  start(): void {
    this.#ask();
  }

  received(text: string): void {
    if (this.#over) return;
    this.#text += text;
    this.#read(false);
  }

  /** The proxy has sent FIN. */
  ended(): void {
    if (this.#over) return;
    this.#read(true);
    if (this.#text !== '') this.#scene.counts.cut++;
    this.#finish();
    this.#wire.end();
  }

  broken(): void {
    if (this.#over) return;
    this.#scene.counts.cut++;
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#scene.counts.unanswered += this.#asked.length;
    this.done();
  }

  #ask(): void {
    if (this.#over || this.#writing) return;
    const { random } = this.#scene;
    const id = this.#left-- > 0 && !this.#ended ? this.#scene.nextId() : undefined;
    if (id === undefined) {
      this.#leave(random.chance(0.2));
      return;
    }
    const asked = makeRequest(random, id, this.#lane);
    this.#asked.push(asked);
    this.#writing = true;
    if (random.chance(0.12)) {
      this.#misbehave(asked);
      return;
    }
    this.#writeInPieces(asked.text, () => {
      this.#writing = false;
      if (random.chance(0.1)) this.#ask(); // pipelined
    });
  }

  #writeInPieces(text: string, then: () => void): void {
    const { random } = this.#scene;
    if (random.chance(0.7)) {
      this.#wire.write(text);
      then();
      return;
    }
    const cut = 1 + random.below(text.length - 1);
    this.#wire.write(text.slice(0, cut));
    this.#scene.later(1 + random.below(3), () => {
      if (this.#over) return;
      this.#wire.write(text.slice(cut));
      then();
    });
  }

  /** Too little, too much, or away while it waits. */
  #misbehave(asked: Asked): void {
    const { random, counts } = this.#scene;
    counts.aborted++;
    const { text } = asked;
    switch (random.below(5)) {
      case 0:
        this.#wire.write(text.slice(0, random.below(text.length)));
        this.#scene.later(random.below(4), () => this.#leave(random.chance(0.5)));
        return;
      case 1:
        this.#asked.push({ id: 'garbage', method: 'GET', text: '' }); // that is refused
        this.#wire.write(`${text}${'garbage '.repeat(1 + random.below(4))}\r\n\r\n`);
        return;
      case 2:
        this.#wire.write(text);
        this.#ended = true;
        this.#wire.end();
        return;
      case 3:
        this.#wire.write(text.slice(0, random.below(text.length)));
        return; // and then nothing, until a time-out
      default:
        this.#wire.write(text);
        this.#scene.later(random.below(6), () => this.#leave(random.chance(0.5)));
    }
  }

  #leave(reset: boolean): void {
    if (this.#over) return;
    if (reset) this.#wire.reset();
    else this.#wire.end();
    this.#finish();
  }

  #read(atEnd: boolean): void {
    const { counts } = this.#scene;
    while (this.#text !== '') {
      const asked = this.#asked[0];
      const cut = cutMessage(this.#text, (head) => bodyRule(head, asked));
      if (cut === null) return;
      if (typeof cut === 'string') {
        this.#wrong(cut);
        return;
      }
      if (cut.untilClose && !atEnd) return;
      this.#text = cut.rest;
      if (cut.head.startsWith('HTTP/1.1 1')) {
        if (canaryIn(cut.head) !== asked?.id) this.#wrong(`asked ${asked?.id}, got an interim answer ${cut.head}`);
        continue;
      }
      if (asked === undefined) {
        this.#wrong(`an answer that nobody asked for: ${cut.head}`);
        return;
      }
      this.#asked.shift();
      const fault = faultOf(asked, cut.head, cut.body);
      if (fault !== '') this.#wrong(fault);
      if (canaryIn(cut.head) === undefined) counts.refusals++;
      else counts.answers++;
      if (this.#asked.length === 0 && !atEnd) this.#scene.later(this.#scene.random.below(3), () => this.#ask());
    }
  }

  #wrong(what: string): void {
    this.#scene.wrong(what);
    this.#leave(true);
  }
}

function bodyRule(head: string, asked: Asked | undefined): number {
  if (head.startsWith('HTTP/1.1 1') || head.startsWith('HTTP/1.1 204') || asked?.method === 'HEAD') return 0;
  return lengthIn(head, -2);
}

/** What is wrong with an answer to a request, or ''. */
function faultOf(asked: Asked, head: string, body: string): string {
  const canary = canaryIn(head);
  const status = Number(head.slice(9, 12));
  if (canary === undefined) return status >= 400 ? '' : `asked ${asked.id}, got ${head}`;
  if (canary !== asked.id) return `asked ${asked.id}, got the answer of ${canary}`;
  if (status === 204 || asked.method === 'HEAD') return '';
  const size = Number(/\r\nx-size: (\d+)/i.exec(head)?.[1] ?? '-1');
  if (body === bodyOf(asked.id, size)) return '';
  return `asked ${asked.id}, got ${body.length} bytes of ${size}, not all of them its own: ${body.slice(0, 60)}`;
}

/** One connection of a server: reads strictly, answers, misbehaves. */
export class ServerActor {
  readonly #scene: Scene;
  readonly #wire: Wire;
  #text = '';
  #over = false;
  /** Requests that have come and have no whole answer yet. */
  #underWay = 0;

  constructor(scene: Scene, wire: Wire) {
    this.#scene = scene;
    this.#wire = wire;
  }

  received(text: string): void {
    if (this.#over) return;
    this.#text += text;
    for (;;) {
      const cut = cutMessage(this.#text, (head) => lengthIn(head, 0));
      if (cut === null) return;
      if (typeof cut === 'string') {
        this.#scene.wrong(`a server read ${cut}`);
        return;
      }
      this.#text = cut.rest;
      const [method = '', path = ''] = cut.head.split(' ');
      const id = path.slice(path.lastIndexOf('/') + 1);
      if (canaryIn(cut.head) !== id || cut.body !== bodyOf(id, cut.body.length)) {
        this.#scene.wrong(`a server was asked for ${id} with the head or body of another: ${cut.head}`);
      }
      this.#underWay++;
      this.#scene.later(this.#scene.random.below(4), () => this.#answer({ id, method }));
    }
  }

  ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wire.end();
  }

  broken(): void {
    this.#over = true;
  }

  #answer(asked: { id: string; method: string }): void {
    if (this.#over) return;
    const { random, bufferBytes } = this.#scene;
    const answer = makeAnswer(random, asked, bufferBytes);
    if (random.chance(0.04)) {
      this.#giveUp(answer);
      return;
    }
    const surplus = !answer.closes && random.chance(this.#fills(answer) ? 0.5 : 0.15);
    if (surplus) this.#scene.counts.surplus++;
    this.#send(answer, surplus ? poisonBehind(random, asked.id) : '');
  }

  /** The answer ends with a receive buffer. */
  #fills({ text }: Answer): boolean {
    return text.length % this.#scene.bufferBytes === 0;
  }

  /** Sends the answer in one to three pieces; what is too much comes with the last one. */
  #send(answer: Answer, surplus: string): void {
    const { text, closes, edges, framing } = answer;
    const { random } = this.#scene;
    const places = [random.below(text.length), random.below(60), 1, ...edges];
    const inHead = this.#fills(answer) && random.chance(0.4);
    const cuts = inHead ? [1 + random.below(60)] : Array.from({ length: random.below(3) }, () => random.pick(places));
    const bounds = [...cuts.filter((at) => at > 0 && at < text.length).toSorted((a, b) => a - b), text.length];
    let from = 0;
    const next = (): void => {
      if (this.#over) return;
      const to = bounds.shift()!;
      const last = bounds.length === 0;
      if (last) this.#underWay--;
      this.#wire.write(text.slice(from, to) + (last ? surplus : ''));
      from = to;
      if (!last) this.#scene.later(1 + random.below(2), next);
      else if (closes) this.#close(framing === 'close' ? false : random.chance(0.3));
      else if (surplus === '') this.#mayGoOn();
    };
    next();
  }

  /** Behind a complete answer: sometimes FIN or RST, or bytes of its own. */
  #mayGoOn(): void {
    const { random, lateSurplus, counts } = this.#scene;
    if (random.chance(0.03)) this.#close(random.chance(0.5));
    else if (lateSurplus && random.chance(0.1)) {
      this.#scene.later(1 + random.below(3), () => {
        // Only as long as nobody has been given the connection: then the bytes are nobody's.
        if (this.#over || this.#underWay > 0 || this.#text !== '') return;
        counts.surplus++;
        this.#wire.write(poisonBehind(random, 'late'));
      });
    }
  }

  /** Too little: nothing, or a part, then FIN, RST or silence. */
  #giveUp({ text, framing }: Answer): void {
    const { random } = this.#scene;
    const places = [0, random.below(text.length), text.length - 1, text.indexOf('\r\n\r\n') + 4];
    const part = Math.min(random.pick(places), text.length - 1);
    // A body that ends with the connection is whole wherever FIN comes.
    const how = framing === 'close' ? 1 : random.below(3);
    this.#wire.write(text.slice(0, part));
    if (how === 2) this.#over = true; // hangs, until a time-out
    else this.#scene.later(random.below(3), () => this.#close(how === 1));
  }

  #close(reset: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (reset) this.#wire.reset();
    else this.#wire.end();
  }
}
