// One machine by hand: feeds events as the loop does and keeps the effects. For the unit tests of the election.
import { initialState, nextTickUs, step } from '../src/core/machine.ts';
import type { Ability, Effect, MachineConfig, MachineEvent, MachineState, PeerElection } from '../src/core/state.ts';
import { downUs } from '../src/core/timers.ts';

export const intervalUs = 100_000;
export const peer = '10.99.0.3';
export const config: MachineConfig = {
  priority: 100,
  intervalUs,
  missedAdverts: 3,
  version: 3,
  preferred: false,
  preemptDelayUs: 1_000_000,
  peers: 1,
  transport: 'unicast',
  holdUs: 30_000_000,
  lastsUs: 0,
};
export const down = downUs(config);

/** Feeds events as the loop does: every advert is taken to have left, unless it is mute. */
export class Driver {
  state: MachineState;
  nowUs = 1_000_000;
  effects: Effect[] = [];
  /** Every effect since the beginning. */
  readonly all: Effect[] = [];
  readonly config: MachineConfig;
  /** Why its adverts do not leave. */
  mute = '';

  constructor(change: Partial<MachineConfig> = {}) {
    this.config = { ...config, ...change };
    this.state = initialState(this.config, this.nowUs);
  }

  feed(event: MachineEvent): this {
    this.effects = [];
    this.#apply(event);
    return this;
  }

  #apply(event: MachineEvent): void {
    const result = step(this.state, event, this.config);
    this.state = result.state;
    this.effects.push(...result.effects);
    this.all.push(...result.effects);
    for (const effect of result.effects)
      if (effect.type === 'advertise')
        this.#apply({ type: 'sent', nowUs: this.nowUs, ok: this.mute === '', reason: this.mute });
  }

  advert(priority: number, change: Partial<Extract<MachineEvent, { type: 'advert' }>> = {}): this {
    return this.feed({
      type: 'advert',
      nowUs: this.nowUs,
      source: peer,
      priority,
      intervalUs,
      wins: true,
      addressesDiffer: false,
      ...change,
    });
  }

  ability(ability: Exclude<Ability, 'unknown'>): this {
    return this.feed({ type: 'ability', nowUs: this.nowUs, ability, reason: `told ${ability}` });
  }

  /** A word over the peer link; without a change: of a healthy backup that hears us. */
  word(change: Partial<PeerElection> = {}): this {
    const word = { state: 'backup', priority: 100, ability: 'serves', heardAgeUs: 0, term: 0, wins: true } as const;
    const saidUs = this.nowUs;
    return this.feed({ type: 'peer', nowUs: this.nowUs, word: { ...word, maintenance: false, saidUs, ...change } });
  }

  /** An advert of the peer's own address under another key, or of a stranger. */
  contender(fromPeer: boolean, source = fromPeer ? peer : '10.99.0.77', reason = 'auth'): this {
    return this.feed({ type: 'contender', nowUs: this.nowUs, source, fromPeer, reason });
  }

  maintenance(on: boolean, force = false): this {
    return this.feed({ type: 'maintenance', nowUs: this.nowUs, on, reason: 'kernel update', force });
  }

  /** Passes time step by step and does something at each of them, until it is over or `until` holds. */
  each(us: number, everyUs: number, act: (driver: this) => void): this {
    for (let passed = 0; passed < us; passed += everyUs) {
      act(this);
      this.pass(everyUs);
    }
    return this;
  }

  notices(): string[] {
    return this.all.flatMap((effect) => (effect.type === 'notice' ? [effect.what] : []));
  }

  link(up: boolean, lacks = ''): this {
    return this.feed({ type: 'link', nowUs: this.nowUs, up, reason: 'no carrier', lacks });
  }

  /** Ticks at each due time until `us` have passed; returns all effects of them. */
  pass(us: number): Effect[] {
    const untilUs = this.nowUs + us;
    const all: Effect[] = [];
    for (let due = nextTickUs(this.config, this.state); due <= untilUs; due = nextTickUs(this.config, this.state)) {
      this.nowUs = Math.max(this.nowUs, due);
      all.push(...this.feed({ type: 'tick', nowUs: this.nowUs }).effects);
    }
    this.nowUs = untilUs;
    return all;
  }

  /** Nothing runs for a while, then the timers are looked at: a freeze. */
  freeze(us: number): this {
    this.nowUs += us;
    return this;
  }

  tick(): this {
    return this.feed({ type: 'tick', nowUs: this.nowUs });
  }

  backup(): this {
    return this.link(true).ability('serves');
  }

  master(): this {
    this.backup();
    this.pass(downUs(this.config));
    return this;
  }

  types(): string[] {
    return this.effects.map((effect) => (effect.type === 'advertise' ? `advertise ${effect.priority}` : effect.type));
  }
}
