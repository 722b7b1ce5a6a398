// Connections that the transport had already accepted when their frontend became full: several accepts are with the
// kernel at a time, on each worker. They are no connections of the frontend yet: nothing of them is read, and each gets
// its place as if it had stayed in the backlog, in its order. So a count never goes above its maximum. What is held is
// bounded by the accepts under way. Other workers learn of them by a count and let them go first.
import type { Engine } from '../engine.ts';
import type { FrontendPlan } from '../plan.ts';
import { FrontendWord } from '../shared.ts';
import { raise } from '../flow/places.ts';

interface Held {
  readonly handle: number;
  readonly listener: number;
  readonly frontend: FrontendPlan;
}

/** The held connections of one worker. */
export class Crowd {
  #held: Held[] = [];

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  all(): readonly Held[] {
    return this.#held;
  }

  push(held: Held): void {
    this.#held.push(held);
  }

  /** The one that has been held longest for a frontend's slot. */
  first(frontend: number): Held | undefined {
    return this.#held.find((held) => held.frontend.index === frontend);
  }

  find(handle: number): Held | undefined {
    return this.#held.find((held) => held.handle === handle);
  }

  remove(held: Held): void {
    this.#held = this.#held.filter((other) => other !== held);
  }
}

/** Takes one of a frontend's places for connections; false: it has as many as it may. */
export function takeConnection(words: Int32Array, frontend: FrontendPlan): boolean {
  return raise(words, frontend.word + FrontendWord.connections, frontend.maxConnections);
}

/** The frontend is full: the connection waits for its place. */
// oxlint-disable-next-line max-params -- a connection as the transport tells it
export function hold(engine: Engine, handle: number, listener: number, frontend: FrontendPlan): void {
  engine.crowd.push({ handle, listener, frontend });
  Atomics.add(engine.words, frontend.word + FrontendWord.held, 1);
}

/** Gives the free places of a frontend to those that are held for it. */
export function admitHeld(engine: Engine, slot: number): void {
  const { crowd, listeners } = engine;
  for (let held = crowd.first(slot); held !== undefined; held = crowd.first(slot)) {
    const now = listeners.frontendOf(held.listener);
    if (!takeConnection(engine.words, now)) return;
    release(engine, held);
    engine.admit(held.handle, held.listener, now);
  }
}

/** Whether another worker holds connections that came before those in the backlog. */
export function heldElsewhere(engine: Engine, frontend: FrontendPlan): boolean {
  return Atomics.load(engine.words, frontend.word + FrontendWord.held) > 0;
}

/** A held connection broke; false: it is none. */
export function heldFailed(engine: Engine, handle: number): boolean {
  if (engine.crowd.isEmpty) return false;
  const held = engine.crowd.find(handle);
  if (held === undefined) return false;
  release(engine, held);
  engine.transport.close(handle, false);
  return true;
}

/** Closes those whose frontend is gone, or all of them. */
export function closeHeld(engine: Engine, everybody: boolean): void {
  for (const held of engine.crowd.all()) {
    if (!everybody && engine.plan.frontendAt[held.frontend.index]) continue;
    release(engine, held);
    engine.transport.close(held.handle, everybody);
  }
}

function release(engine: Engine, held: Held): void {
  engine.crowd.remove(held);
  Atomics.sub(engine.words, held.frontend.word + FrontendWord.held, 1);
}
