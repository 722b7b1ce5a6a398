// The differential run itself: many lanes side by side, each plays its cases one after another on every proxy; what
// differs is played again with more time before it counts.
import { generatedCase, type GeneratedCase } from '@tospann/testing';
import { allowedDifference } from './allowed.ts';
import { compareOutcomes, type Difference } from './compare.ts';
import type { Lane } from './judge.ts';
import { canaryLives, CAREFUL, FAST, type Outcome, type Pace, playCase } from './play.ts';
import { Target, type TargetName } from './targets.ts';
import { Origin } from './wire.ts';

const TARGETS = ['ring', 'node', 'haproxy'] as const satisfies readonly TargetName[];
type Compared = (typeof TARGETS)[number];

/** A time-out would hide a difference behind a wait: they are long, and the client ends its side. */
const TIMEOUTS = { httpRequestMs: 6000, clientMs: 6000, serverMs: 6000, connectMs: 3000, keepAliveMs: 6000 };
export interface DifferenceClass {
  readonly kind: string;
  readonly grammar: string;
  /** Why it may be; absent: it may not. */
  readonly reason?: string;
  count: number;
  readonly example: Difference;
}

export interface DifferentialReport {
  readonly seed: number;
  readonly cases: number;
  readonly requests: number;
  readonly damaged: number;
  readonly seconds: number;
  /** Between Tospann (ring) and HAProxy. */
  readonly classes: readonly DifferenceClass[];
  /** Between Tospann's transports. */
  readonly transports: readonly DifferenceClass[];
  /** Seen once and not again. */
  readonly unrepeated: readonly Difference[];
  /** Cases after which a plain request did not get its own answer. */
  readonly badCanaries: readonly string[];
}

type Lanes = Readonly<Record<Compared, Lane>>;

/** The proxies with their servers. */
export interface Targets extends AsyncDisposable {
  readonly lanes: readonly Lanes[];
}

/** Starts HAProxy and both of Tospann's transports. */
export async function startAll(lanes: number): Promise<Targets> {
  const stack = new AsyncDisposableStack();
  const made = new Map<Compared, Lane[]>();
  try {
    for (const name of TARGETS) {
      const origins: Origin[] = [];
      for (let i = 0; i < lanes; i++) origins.push(stack.use(await Origin.open()));
      const target = stack.use(
        await Target.start(name, { origins: origins.map(({ port }) => port), timeouts: TIMEOUTS }),
      );
      made.set(
        name,
        origins.map((origin, i) => ({ address: target.address, port: target.port(i), origin })),
      );
    }
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  const lane = (name: Compared, i: number): Lane => made.get(name)![i]!;
  return {
    lanes: Array.from({ length: lanes }, (_, i) => ({
      ring: lane('ring', i),
      node: lane('node', i),
      haproxy: lane('haproxy', i),
    })),
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

/** One run over a seed. */
export class Differential {
  readonly #targets: Targets;
  readonly #options: { readonly seed: number; readonly requests: number };
  readonly #classes = new Map<string, DifferenceClass>();
  readonly #transports = new Map<string, DifferenceClass>();
  readonly #unrepeated: Difference[] = [];
  readonly #badCanaries: string[] = [];
  #next = 0;
  #requests = 0;
  #damaged = 0;

  constructor(targets: Targets, options: { readonly seed: number; readonly requests: number }) {
    this.#targets = targets;
    this.#options = options;
  }

  /** Plays cases until so many requests have been sent. */
  async play(onProgress: (requests: number) => void = () => undefined): Promise<DifferentialReport> {
    const begin = performance.now();
    const timer = setInterval(() => onProgress(this.#requests), 1000);
    await Promise.all(
      this.#targets.lanes.map(async (lanes) => {
        while (this.#requests < this.#options.requests) await this.#playNext(lanes);
      }),
    );
    clearInterval(timer);
    return {
      seed: this.#options.seed,
      cases: this.#next,
      requests: this.#requests,
      damaged: this.#damaged,
      seconds: (performance.now() - begin) / 1000,
      classes: [...this.#classes.values()].sort((a, b) => b.count - a.count),
      transports: [...this.#transports.values()],
      unrepeated: this.#unrepeated,
      badCanaries: this.#badCanaries,
    };
  }

  /** Plays one case alone on every proxy. */
  async playOne(number: number): Promise<Map<TargetName, Outcome>> {
    const generated = generatedCase(this.#options.seed, number);
    const outcomes = await playOnAll(this.#targets.lanes[0]!, generated, CAREFUL);
    return new Map(Object.entries(outcomes) as [TargetName, Outcome][]); // its keys are names of targets
  }

  async #playNext(lanes: Lanes): Promise<void> {
    const generated = generatedCase(this.#options.seed, this.#next++);
    this.#requests += generated.requests;
    if (generated.kinds.length > 0) this.#damaged += 1;
    const outcomes = await playOnAll(lanes, generated, FAST);
    await this.#judge(lanes, generated, outcomes);
    for (const name of TARGETS) {
      if (name === 'haproxy' || !isSuspicious(outcomes[name])) continue;
      if (!(await canaryLives(lanes[name], generated.number)))
        this.#badCanaries.push(`${name}, case ${generated.number}`);
    }
  }

  async #judge(lanes: Lanes, generated: GeneratedCase, outcomes: Readonly<Record<Compared, Outcome>>): Promise<void> {
    const peer = compareOutcomes(generated, outcomes.ring, outcomes.haproxy);
    const own = compareOutcomes(generated, outcomes.ring, outcomes.node);
    if (own.length === 0 && peer.every((difference) => allowedDifference(difference) !== undefined)) {
      for (const difference of peer) count(this.#classes, difference);
      return;
    }
    const again = await playOnAll(lanes, generated, CAREFUL);
    const ownAgain = compareOutcomes(generated, again.ring, again.node);
    const peerAgain = compareOutcomes(generated, again.ring, again.haproxy);
    for (const difference of ownAgain) count(this.#transports, difference);
    for (const difference of peerAgain) count(this.#classes, difference);
    this.#unrepeated.push(...missing(own, ownAgain), ...missing(peer, peerAgain));
  }
}

/** Differences of the first list that the second does not have. */
function missing(first: readonly Difference[], second: readonly Difference[]): Difference[] {
  return first.filter(({ kind }) => !second.some((difference) => difference.kind === kind));
}

async function playOnAll(lanes: Lanes, generated: GeneratedCase, pace: Pace): Promise<Record<Compared, Outcome>> {
  const [ring, node, haproxy] = await Promise.all(
    TARGETS.map(async (name) => await playCase(lanes[name], generated, pace)),
  );
  if (ring === undefined || node === undefined || haproxy === undefined) throw new Error('a target was not played');
  return { ring, node, haproxy };
}

/** Something was forwarded, and something went otherwise than a request and its answer. */
function isSuspicious({ requests, answers }: Outcome): boolean {
  if (requests.some((request) => typeof request === 'string')) return true;
  return (
    (requests.length > 0 && answers.some(({ target }) => target === undefined)) || answers.length < requests.length
  );
}

function count(classes: Map<string, DifferenceClass>, example: Difference): void {
  const key = `${example.kind}; ${example.grammar}`;
  const known = classes.get(key);
  if (known !== undefined) {
    known.count += 1;
    return;
  }
  const reason = allowedDifference(example)?.reason;
  const { kind, grammar } = example;
  classes.set(key, { kind, grammar, ...(reason === undefined ? {} : { reason }), count: 1, example });
}
