// The corpus of odd and hostile messages as data: reads cases/*.json. Used by the codec's tests and by
// the whole product's conformance test. Bytes are Latin-1 text; long ones are written as { text, times }.
import { readFileSync } from 'node:fs';

/** A piece of a message; "#" in a repeated text becomes the repetition's number. */
export type Piece = string | { readonly text: string; readonly times: number };

export interface Segment {
  readonly bytes: readonly Piece[];
  /** Pause before it is sent, in ms. */
  readonly delayMs?: number;
}

interface CaseBase {
  readonly id: string;
  readonly category: string;
  /** control, desync and rfc-must have to pass; of rfc-should and policy-limit 95 in 100. */
  readonly severity: 'control' | 'desync' | 'rfc-must' | 'rfc-should' | 'policy-limit';
  readonly title: string;
  readonly rfc: string;
  readonly why: string;
  /** What HAProxy 2.6.12 and nginx 1.22.1 did. */
  readonly peers: Readonly<Record<'haproxy' | 'nginx', string>>;
  readonly client: readonly Segment[];
}

export interface RequestCase extends CaseBase {
  readonly expect: {
    readonly verdicts: readonly ('reject' | 'normalise' | 'accept' | 'timeout')[];
    readonly rejectStatus: readonly number[];
    /** What the server must see when it is forwarded; null: anything. */
    readonly requests: readonly {
      readonly method: string | null;
      readonly target: string | readonly Piece[] | null;
      readonly body: string | null;
    }[];
    readonly responses: readonly number[];
    readonly mustClose: boolean;
    /** Regular expressions, without regard to case, over all that the server received. */
    readonly originMust: readonly string[];
    readonly originMustNot: readonly string[];
    readonly unordered?: boolean;
  };
}

export interface ResponseCase extends CaseBase {
  readonly origin: readonly Segment[];
  readonly originAfter: 'keep' | 'close' | 'rst';
  readonly methods: readonly string[];
  readonly expect: {
    readonly verdicts: readonly ('forward' | 'bad-gateway' | 'abort' | 'gateway-timeout')[];
    readonly status: number;
    readonly body?: string;
    readonly clientMust: readonly string[];
    readonly clientMustNot: readonly string[];
    readonly finals: number;
    readonly noReuse: boolean;
    readonly clientClose: boolean;
  };
}

/** Writes pieces out as Latin-1 text. */
export function expand(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) =>
      typeof piece === 'string'
        ? piece
        : Array.from({ length: piece.times }, (_, i) => piece.text.replace('#', String(i))).join(''),
    )
    .join('');
}

/** All bytes of a message as Latin-1 text, whatever its segments. */
export function wholeText(segments: readonly Segment[]): string {
  return segments.map((segment) => expand(segment.bytes)).join('');
}

/** The request cases, in the file's order. */
export function requestCases(): readonly RequestCase[] {
  // The file is ours; its shape is checked by the tests that use every field.
  return JSON.parse(readFileSync(new URL('./cases/requests.json', import.meta.url), 'utf8')) as RequestCase[];
}

/** The response cases, in the file's order. */
export function responseCases(): readonly ResponseCase[] {
  return JSON.parse(readFileSync(new URL('./cases/responses.json', import.meta.url), 'utf8')) as ResponseCase[];
}
