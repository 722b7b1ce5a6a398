// All conditions of one node: starts and ends their watches as the configuration says, keeps what they find, and tells
// the sum and every change. It decides nothing (core/track) and measures nothing itself.
import { failoverOf, type PairConfig } from '@tospann/config';
import {
  noteFinding,
  sumUp,
  type Condition,
  type ConditionKind,
  type ConditionState,
  type Finding,
  type TrackVerdict,
} from '../../core/track/condition.ts';
import { startSelfProbe, type FullState, type ProbeTarget } from '../probe/self-probe.ts';
import type { Watch } from './watch.ts';
import { watchGateway } from './watch-gateway.ts';
import { watchLateness, watchSteal } from './watch-pressure.ts';
import { watchScript } from './watch-script.ts';

/** A condition that changed; `monotonicMs` is CLOCK_MONOTONIC. */
export interface TrackEvent {
  readonly event: 'track';
  readonly condition: string;
  readonly from: ConditionState;
  readonly to: ConditionState;
  readonly sentence: string;
  readonly output?: string;
  readonly monotonicMs: number;
}

export interface TrackingOptions {
  readonly node: string;
  /** Users for scripts that name none, the first that exists. */
  readonly scriptUsers: readonly string[];
  /** CLOCK_MONOTONIC in ms. */
  readonly nowMs: () => number;
  /** The largest lateness of the agent's loop since it was asked last, ms. */
  readonly takeLatenessMs: () => number;
  /** Called when the sum changes, and when its reason does. `unknown` is never told. */
  readonly onVerdict: (verdict: TrackVerdict) => void;
  readonly onEvent: (event: TrackEvent) => void;
}

interface Wanted {
  readonly name: string;
  readonly kind: ConditionKind;
  /** A watch goes on as long as this stays the same. */
  readonly settings: unknown;
  readonly start: (tell: (finding: Finding) => void) => Watch;
}

/** The data plane tells twice a second, and at a full frontend places come free and are taken all the time, ms. */
const fullCountsMs = 2000;

interface Running {
  readonly settings: string;
  readonly watch: Watch;
}

export class Tracking {
  readonly #options: TrackingOptions;
  readonly #running = new Map<string, Running>();
  readonly #conditions = new Map<string, Condition>();
  /** Frontends that the data plane called full, and until when that counts. */
  readonly #full = new Map<string, FullState & { readonly untilMs: number }>();
  #required: readonly string[] = [];
  #told: TrackVerdict = { ability: 'unknown', reason: '' };

  constructor(options: TrackingOptions) {
    this.#options = options;
  }

  /** All conditions in a steady order. */
  get conditions(): readonly Condition[] {
    return [...this.#conditions.values()];
  }

  /** The sum as it was told last. */
  get verdict(): TrackVerdict {
    return this.#told;
  }

  /**
   * Watches what this configuration names. What is unchanged goes on undisturbed; of what is changed the last finding
   * holds until the first new one.
   */
  configure(config: PairConfig, probes: readonly ProbeTarget[]): void {
    this.#required = failoverOf(config).requireServers;
    const wanted = this.#wanted(config, probes);
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, { watch }] of this.#running) {
      if (names.has(name)) continue;
      watch.close();
      this.#running.delete(name);
      this.#conditions.delete(name);
    }
    for (const one of wanted) this.#watch(one);
    this.note({ name: 'configuration', kind: 'configuration' }, loaded(config));
  }

  /** A finding of somebody else: the agent's loop knows its links. */
  note(place: Pick<Condition, 'name' | 'kind'>, finding: Finding): void {
    const { nowMs, onEvent } = this.#options;
    const before = this.#conditions.get(place.name);
    // A watch that begins anew does not undo what the one before has found.
    if (finding.state === 'waiting' && before !== undefined) return;
    const after = noteFinding(before, finding, { ...place, nowMs: nowMs() });
    this.#conditions.set(place.name, after);
    const from = before?.state ?? 'waiting';
    // That all is well at the start is no news.
    if (from !== after.state && !(from === 'waiting' && after.state === 'ok')) {
      const { name: condition, state: to, sentence, output } = after;
      const said = output === undefined ? {} : { output };
      onEvent({ event: 'track', condition, from, to, sentence, ...said, monotonicMs: after.sinceMs });
    }
    this.#sum();
  }

  /** The data plane says, again and again, which frontends have no place left. */
  noteFull(frontends: readonly (FullState & { readonly name: string })[]): void {
    const untilMs = this.#options.nowMs() + fullCountsMs;
    for (const { name, live, maxConnections } of frontends) this.#full.set(name, { live, maxConnections, untilMs });
  }

  close(): void {
    for (const { watch } of this.#running.values()) watch.close();
    this.#running.clear();
  }

  #sum(): void {
    const verdict = sumUp(this.conditions, this.#required);
    if (verdict.ability === 'unknown') return;
    if (verdict.ability === this.#told.ability && verdict.reason === this.#told.reason) return;
    const same = verdict.ability === this.#told.ability && verdict.ability === 'serves';
    this.#told = verdict;
    // Figures in the sentence of a good condition change all the time.
    if (!same) this.#options.onVerdict(verdict);
  }

  #fullNow(frontend: string): FullState | undefined {
    const full = this.#full.get(frontend);
    return full !== undefined && this.#options.nowMs() <= full.untilMs ? full : undefined;
  }

  #watch({ name, kind, settings, start }: Wanted): void {
    const text = JSON.stringify(settings);
    const running = this.#running.get(name);
    if (running?.settings === text) return;
    running?.watch.close();
    if (!this.#conditions.has(name)) this.note({ name, kind }, { state: 'waiting', sentence: 'no result yet' });
    this.#running.set(name, { settings: text, watch: start((finding) => this.note({ name, kind }, finding)) });
  }

  #wanted(config: PairConfig, probes: readonly ProbeTarget[]): readonly Wanted[] {
    const { gateway, scripts, steal, lateness } = failoverOf(config);
    const { node, nowMs, takeLatenessMs, scriptUsers } = this.#options;
    const device = config.cluster.nodes.find(({ name }) => name === node)?.interface ?? '';
    const wanted: Wanted[] = probes.map((target) => ({
      name: `frontend ${target.frontend}`,
      kind: 'frontend',
      settings: target,
      start: (tell) =>
        startSelfProbe({
          target,
          whenFull: () => this.#fullNow(target.frontend),
          onChange: (verdict, sentence) => tell({ state: probeStates[verdict], sentence }),
        }),
    }));
    if (gateway !== undefined) {
      const start: Wanted['start'] = (tell) => watchGateway({ gateway, interface: device, nowMs, tell });
      wanted.push({ name: 'gateway', kind: 'gateway', settings: [gateway, device], start });
    }
    for (const script of scripts) {
      const start: Wanted['start'] = (tell) => watchScript({ script, defaultUsers: scriptUsers, node, nowMs, tell });
      wanted.push({ name: `script ${script.name}`, kind: 'script', settings: script, start });
    }
    if (steal !== undefined) {
      const start: Wanted['start'] = (tell) => watchSteal({ limits: steal, nowMs, tell });
      wanted.push({ name: 'steal', kind: 'steal', settings: steal, start });
    }
    if (lateness !== undefined) {
      const start: Wanted['start'] = (tell) => watchLateness({ limits: lateness, nowMs, tell, takeLatenessMs });
      wanted.push({ name: 'lateness', kind: 'lateness', settings: lateness, start });
    }
    return wanted;
  }
}

const probeStates = {
  unknown: 'waiting',
  serves: 'ok',
  full: 'warning',
  'no-live-server': 'no-server',
  'cannot-serve': 'failed',
} as const;

function loaded({ hash }: PairConfig): Finding {
  return { state: 'ok', sentence: `${hash.slice(0, 12)} is loaded` };
}
