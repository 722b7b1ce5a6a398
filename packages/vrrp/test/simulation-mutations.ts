// Rules broken on purpose, so that the simulation is seen to fail: each mutation wraps the election or the model around
// it. Not part of the product; not the unit tests of the rules.
import { step } from '../src/core/machine.ts';
import type { MachineConfig, MachineEvent, MachineState, Step } from '../src/core/state.ts';

type Run = (state: MachineState, event: MachineEvent, config: MachineConfig) => Step;

export interface Mutation {
  readonly step?: Run;
  /** The lease is longer than it should be. */
  readonly leaseTimes?: number;
  /** The agent does not watch its addresses. */
  readonly blindToAddresses?: boolean;
  /** The faults that show it, so that few histories are enough; all of them otherwise. */
  readonly focus?: readonly string[];
}

/** Changes the configuration that the machine sees. */
function configured(change: (config: MachineConfig) => Partial<MachineConfig>): Mutation {
  return { step: (state, event, config) => step(state, event, { ...config, ...change(config) }) };
}

/** Changes the event before the machine sees it. */
function heard(change: (event: MachineEvent, state: MachineState) => MachineEvent): Mutation {
  return { step: (state, event, config) => step(state, change(event, state), config) };
}

/** Changes the state after each step. */
function forgotten(change: (state: MachineState) => Partial<MachineState>): Mutation {
  return {
    step: (state, event, config) => {
      const result = step(state, event, config);
      return { ...result, state: { ...result.state, ...change(result.state) } };
    },
  };
}

/** An owner that gives the address up by itself when this is so. */
function stepsDown(when: (state: MachineState, config: MachineConfig) => boolean, focus: readonly string[]): Mutation {
  return {
    focus,
    step: (state, event, config) => {
      const result = step(state, event, config);
      if (result.state.vrrp !== 'master' || !when(result.state, config)) return result;
      const closed = step(result.state, { type: 'own-failed', nowUs: event.nowUs, reason: 'it cannot serve' }, config);
      return { state: closed.state, effects: [...result.effects, ...closed.effects] };
    },
  };
}

/** By name: what is broken. */
export const mutations: Readonly<Record<string, Mutation>> = {
  /** Rule 1: an advert under another key counts as one. */
  'invalid adverts touch timers': heard((event) =>
    event.type === 'contender'
      ? {
          type: 'advert',
          nowUs: event.nowUs,
          source: event.source,
          wins: true,
          priority: 200,
          intervalUs: 1_000_000,
          addressesDiffer: false,
        }
      : event,
  ),
  /** Rule 2: the address is released with the priority 0. */
  'break before make': {
    step: (state, event, config) => {
      const result = step(state, event, config);
      const begun = result.state.handover !== undefined && state.handover === undefined;
      return begun ? { ...result, effects: [...result.effects, { type: 'release', drain: false }] } : result;
    },
  },
  /** Rule 3. */
  'the lease is ten times as long': { leaseTimes: 10, focus: ['stopped', 'crash'] },
  /** Rule 5: a backup that was frozen takes over at once. */
  'frozen backup does not listen': {
    step: (state, event, config) =>
      step(event.type === 'contender' ? state : { ...state, awakeUs: event.nowUs }, event, config),
    focus: ['paused'],
  },
  /** Rule 6. */
  'addresses are not watched': { blindToAddresses: true },
  /** Rule 7: a word is believed however old it is. */
  'old words are believed': {
    step: (state, event, config) =>
      step(
        event.type === 'tick' && state.word !== undefined
          ? { ...state, word: { ...state.word, saidUs: event.nowUs } }
          : state,
        event,
        config,
      ),
  },
  /** Rule 7: an unheard master goes on. */
  'unheard master stays': { ...forgotten(() => ({ unanswered: 0 })), focus: ['one way long'] },
  'words about being unheard are ignored': {
    ...heard((event) =>
      event.type === 'peer' && event.word !== undefined ? { ...event, word: { ...event.word, heardAgeUs: 0 } } : event,
    ),
    focus: ['adverts long'],
  },
  /** Rule 8: a node in fault goes on. */
  'fault is no reason': heard((event) =>
    event.type === 'ability' && event.ability === 'cannot-serve' ? { ...event, ability: 'serves' } : event,
  ),
  /** A last node never steps down to nobody. */
  'a node that cannot serve goes whoever comes': stepsDown(
    ({ ability, handover }) => ability === 'cannot-serve' && handover === undefined,
    ['ability', 'ability for a while'],
  ),
  'a node whose adverts do not leave goes whoever comes': stepsDown(
    ({ sendFailingSinceUs, awakeUs }, { intervalUs }) => awakeUs - sendFailingSinceUs > 3 * intervalUs,
    ['send fails'],
  ),
  'a node that cannot serve takes an address from nobody': {
    ...forgotten(({ vrrp, refused }) => (vrrp === 'fault' && !refused ? { downDueUs: Infinity } : {})),
    focus: ['ability', 'power off'],
  },
  'a part takes the rest with it': {
    ...heard((event) => (event.type === 'link' && event.lacks !== '' ? { ...event, up: false } : event)),
    focus: ['part'],
  },
  'impaired nodes keep the address': heard((event) =>
    event.type === 'ability' && event.ability === 'impaired' ? { ...event, ability: 'serves' } : event,
  ),
  'maintenance is forgotten': forgotten(() => ({ maintenance: false })),
  'nobody wins a tie': heard((event) => (event.type === 'advert' ? { ...event, wins: false } : event)),
  'terms do not grow': forgotten(() => ({ term: 1, peerTerm: 0 })),
  'two adverts too patient': configured(({ missedAdverts }) => ({ missedAdverts: missedAdverts + 3 })),
  'an advert too eager': configured(() => ({ missedAdverts: 1 })),
};
