// Generated requests for differential runs: valid ones of every shape that the framing knows, cases of the corpus, and
// both damaged. A case is what one client sends on one connection: some requests, then one that tells where it ends.
import { requestCases, wholeText } from './corpus.ts';
import { mutate } from './mutations.ts';
import { SeededRandom } from './random.ts';

/** What one client sends. */
export interface GeneratedCase {
  readonly number: number;
  /** Latin-1, without the last request. */
  readonly text: string;
  /** Requests that were generated into it. */
  readonly requests: number;
  /** What was done to it; empty: valid throughout. */
  readonly kinds: readonly string[];
  /** The last request: asks for the target below, and the end of the connection. */
  readonly sentinel: string;
  readonly sentinelTarget: string;
}

/** Longer corpus cases are about limits, and slow to send. */
const LONGEST_SEED = 1500;
const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'] as const;
const FIELDS = [
  'Accept: */*',
  'User-Agent: t/1.0 (x; y)',
  'Cookie: a=b; c="d e"',
  'Accept-Encoding: gzip, br;q=0.5',
  'X-Empty:',
  'X-Spaces: \t a  b \t ',
  'X-Twice: 1',
  'X-Twice: 2',
  'X-High: caf\xe9',
  "!#$%&'*+-.^_`|~: token",
  'Connection: keep-alive',
  'Connection: x-gone',
  'X-Gone: 1',
  'X-Forwarded-For: 192.0.2.7',
  'Cache-Control: no-cache',
  'If-None-Match: "x"',
  'Range: bytes=0-1',
  'Authorization: Basic eDp5',
  'TE: trailers',
  'Via: 1.1 x',
] as const;

const seeds = requestCases()
  .filter(({ client }) => client.every(({ delayMs }) => delayMs === undefined))
  .map(({ client }) => wholeText(client))
  .filter((text) => text.length > 0 && text.length < LONGEST_SEED);

/** A valid HTTP/1.1 (sometimes 1.0) request; its target has `mark` in it. */
export function validRequest(random: SeededRandom, mark: string): string {
  const method = random.pick(METHODS);
  const http10 = random.chance(4);
  const target = random.chance(5)
    ? `http://a.test/${mark}`
    : `/${mark}${random.pick(['', '?q=1&r=%20', '/a;b=c', '/%2e'])}`;
  const lines = [
    `${method} ${target} HTTP/1.${http10 ? 0 : 1}`,
    `Host: ${random.pick(['a.test', 'a.test:8080', '[::1]'])}`,
  ];
  for (let i = random.below(6); i > 0; i--) lines.push(random.pick(FIELDS));
  const framing = method === 'GET' || method === 'HEAD' || http10 ? 0 : random.below(3);
  const data = 'abcdefghij'.repeat(3).slice(0, random.below(25));
  if (framing === 0) return `${lines.join('\r\n')}\r\n\r\n`;
  if (framing === 1) return `${lines.join('\r\n')}\r\nContent-Length: ${data.length}\r\n\r\n${data}`;
  return `${lines.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks(data, random)}`;
}

function chunks(data: string, random: SeededRandom): string {
  let text = '';
  for (let at = 0; at < data.length;) {
    const size = Math.min(data.length - at, 1 + random.below(12));
    const digits = random.chance(20) ? size.toString(16).toUpperCase().padStart(3, '0') : size.toString(16);
    text += `${digits}${random.pick(['', '', '', ';a', ';a=b', ' ;a="b c"'])}\r\n${data.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n${random.pick(['', '', 'X-Trailer: 1\r\n'])}\r\n`;
}

/** The case of this number in the run of this seed. */
export function generatedCase(seed: number, number: number): GeneratedCase {
  const random = new SeededRandom(Math.imul(seed, 1_000_003) + number);
  const parts: string[] = [];
  for (let i = random.below(3); i > 0; i--) parts.push(validRequest(random, `v${number}-${i}`));
  const last = random.chance(40) ? random.pick(seeds) : validRequest(random, `m${number}`);
  const times = random.chance(15) ? 0 : 1 + random.below(2);
  const { text, kinds } = mutate(last, random, times);
  parts.push(text);
  const sentinelTarget = `/end-${number}`;
  return {
    number,
    text: parts.join(''),
    requests: parts.length + 1,
    kinds,
    sentinel: `GET ${sentinelTarget} HTTP/1.1\r\nHost: end.test\r\nConnection: close\r\n\r\n`,
    sentinelTarget,
  };
}
