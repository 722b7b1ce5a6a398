// Damages HTTP/1.1 messages in the ways that parsers disagree about: one byte gone, changed or added; a CR, LF, NUL,
// colon or TAB where none belongs; lengths and line ends shifted; framing fields repeated. Latin-1 text in and out.
import type { SeededRandom } from './random.ts';

const SEPARATORS = ['\r', '\n', '\0', ':', '\t'] as const;
const FRAMING_FIELDS = [
  'Content-Length: 3',
  'Content-Length: 0',
  'Content-Length: 5, 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  'Host: b.test',
  'Connection: close',
  'Connection: keep-alive, x-a',
] as const;

/** One kind of damage: takes a message, returns another. */
export type Mutation = (text: string, random: SeededRandom) => string;

/** All kinds, by name. */
export const mutations: Readonly<Record<string, Mutation>> = {
  'delete a byte': (text, random) => spliced(text, random.below(text.length), { cut: 1 }),
  'insert a byte': (text, random) => spliced(text, random.below(text.length + 1), { put: anyByte(random) }),
  'replace a byte': (text, random) => spliced(text, random.below(text.length), { cut: 1, put: anyByte(random) }),
  'insert a separator': (text, random) =>
    spliced(text, random.below(text.length + 1), { put: random.pick(SEPARATORS) }),
  'insert a separator at a line end': (text, random) => {
    const ends = placesOf(text, '\r\n');
    if (ends.length === 0) return text;
    return spliced(text, random.pick(ends) + random.below(3), { put: random.pick(SEPARATORS) });
  },
  'shift a line end': (text, random) => {
    const ends = placesOf(text, '\r\n');
    if (ends.length === 0) return text;
    const at = random.pick(ends);
    const without = spliced(text, at, { cut: 2 });
    return spliced(without, Math.max(0, Math.min(without.length, at + random.pick([-2, -1, 1, 2]))), { put: '\r\n' });
  },
  'half a line end': (text, random) => {
    const ends = placesOf(text, '\r\n');
    return ends.length === 0 ? text : spliced(text, random.pick(ends) + random.below(2), { cut: 1 });
  },
  'change a length': (text, random) => {
    const numbers = [...text.matchAll(/(?<=content-length: *)\d+|(?<=\r\n)[0-9a-f]+(?=[;\r])/gi)];
    if (numbers.length === 0) return text;
    const { index, 0: digits } = random.pick(numbers);
    const hex = !/content-length: *$/i.test(text.slice(Math.max(0, index - 24), index));
    const value = Math.max(0, Number.parseInt(digits, hex ? 16 : 10) + random.pick([-2, -1, 1, 2]));
    const changed = random.pick([
      value.toString(hex ? 16 : 10),
      `0${digits}`,
      `+${digits}`,
      `${digits} `,
      `0x${digits}`,
    ]);
    return spliced(text, index, { cut: digits.length, put: changed });
  },
  'repeat a framing field': (text, random) => {
    const own = [...text.matchAll(/(?<=\r\n)(?:content-length|transfer-encoding|host|connection):[^\r\n]*/gi)];
    const line = own.length > 0 && random.chance(50) ? random.pick(own)[0] : random.pick(FRAMING_FIELDS);
    return addField(text, line, random);
  },
};

const names = Object.keys(mutations);

/** Damages a message `times` times, and names the kinds of damage. */
export function mutate(
  text: string,
  random: SeededRandom,
  times: number,
): { readonly text: string; readonly kinds: readonly string[] } {
  let damaged = text;
  const kinds = [];
  for (let i = 0; i < times && damaged !== ''; i++) {
    const kind = random.pick(names);
    kinds.push(kind);
    damaged = mutations[kind]!(damaged, random);
  }
  return { text: damaged, kinds };
}

function anyByte(random: SeededRandom): string {
  return String.fromCharCode(random.below(256));
}

function addField(text: string, line: string, random: SeededRandom): string {
  const end = text.indexOf('\r\n\r\n');
  const ends = placesOf(end < 0 ? text : text.slice(0, end + 2), '\r\n');
  return ends.length === 0 ? text : spliced(text, random.pick(ends), { put: `\r\n${line}` });
}

function spliced(text: string, at: number, change: { readonly cut?: number; readonly put?: string }): string {
  return text.slice(0, at) + (change.put ?? '') + text.slice(at + (change.cut ?? 0));
}

function placesOf(text: string, what: string): number[] {
  const places = [];
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + 1)) places.push(at);
  return places;
}
