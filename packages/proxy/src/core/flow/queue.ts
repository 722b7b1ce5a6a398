// Waiting for a place at a server. Places are counted over all workers, exactly; who waits is in one line over all
// workers, so a place goes to whoever has waited longest for it: for that server, or for any of its backend. A worker
// that has a place to give hands it over, whoever's request it is, and wakes the others. HAProxy's queues, by threads.
import { answerLocally } from '../answers.ts';
import { choose, isStrict } from '../balance/choose.ts';
import { Wait, type Client } from '../connection.ts';
import { assign, sendTo } from '../dispatch.ts';
import type { Engine } from '../engine.ts';
import type { BackendPlan, ServerPlan } from '../plan.ts';
import { BackendWord, serverWord, ServerWord } from '../shared.ts';
import { hasRoom, takeCounted } from './places.ts';

const PROXY = 80;
const QUEUE = 81;

/** Whether anybody waits for any server of the backend, on whatever worker. */
export function someoneWaits(engine: Engine, backend: BackendPlan): boolean {
  const word = backend.word + (backend.balance.maxConnections > 0 ? BackendWord.queued : BackendWord.anyWaiting);
  return Atomics.load(engine.words, word) > 0;
}

/** Whether anybody waits whom a new request at this server would overtake. */
export function isAwaited(engine: Engine, server: ServerPlan): boolean {
  if (!server.backend.balance.limited) return false;
  return Atomics.load(engine.words, server.word + ServerWord.waiting) > 0 || someoneWaits(engine, server.backend);
}

/** Puts the request at the end of the line, for one server or (null) for any; or refuses it. */
export function enqueue(engine: Engine, client: Client, server: ServerPlan | null): void {
  const { line, words } = engine;
  const backend = client.backend!;
  const { maxQueue } = backend.balance;
  const count = server === null ? backend.word + BackendWord.anyWaiting : server.word + ServerWord.waiting;
  line.lock();
  const full = maxQueue >= 0 && Atomics.load(words, backend.word + BackendWord.queued) >= maxQueue;
  const avoid = client.avoid === null ? 0 : client.avoid.index + 1;
  const key = client.keyed ? client.hashKey : client.handle;
  const entry = full ? 0 : line.join(backend.index, server === null ? -1 : server.index, key, avoid);
  if (entry !== 0) {
    client.queuePosition = Atomics.add(words, count, 1) + 1;
    Atomics.add(words, backend.word + BackendWord.queued, 1);
  }
  line.unlock();
  if (entry === 0) {
    client.endCause = PROXY;
    client.endPhase = QUEUE;
    answerLocally(engine, client, 503);
    return;
  }
  client.wait = Wait.QUEUE;
  client.waitsFor = server;
  client.queueEntry = entry;
  client.hasQueued = true;
  client.queuedForServer = server !== null;
  engine.waiting[line.placeOf(entry)] = client;
  engine.queued++;
  engine.wheel.set(client.handle, engine.transport.nowMs() + engine.options.timeouts.queueMs);
  // A place may have become free while nobody was in the line yet.
  serveWaiting(engine, backend);
}

/** Takes a waiting request out of the line; a place that it had just been given goes to the next. */
export function leaveQueue(engine: Engine, client: Client): void {
  if (client.queueEntry === 0) return;
  const backend = client.backend!;
  const granted = takeOut(engine, client);
  if (granted < 0) return;
  giveBack(engine, backend, granted);
  serveWaiting(engine, backend);
}

/** Takes the request out of the line; returns the slot of the server at which it has a place, or -1. */
function takeOut(engine: Engine, client: Client): number {
  const { line, words } = engine;
  const entry = client.queueEntry;
  line.lock();
  const granted = line.leave(entry);
  if (granted < 0) uncount(words, client.backend!, client.waitsFor);
  line.unlock();
  engine.waiting[line.placeOf(entry)] = null;
  engine.queued--;
  client.queueEntry = 0;
  client.waitsFor = null;
  client.wait = Wait.NONE;
  return granted;
}

function uncount(words: Int32Array, backend: BackendPlan, server: ServerPlan | null): void {
  Atomics.sub(words, server === null ? backend.word + BackendWord.anyWaiting : server.word + ServerWord.waiting, 1);
  Atomics.sub(words, backend.word + BackendWord.queued, 1);
}

/** Gives a place at a server back. */
export function release(engine: Engine, server: ServerPlan): void {
  const { words } = engine;
  Atomics.sub(words, server.word + ServerWord.inUse, 1);
  Atomics.sub(words, server.backend.word + BackendWord.inUse, 1);
  if (Atomics.load(words, server.backend.word + BackendWord.queued) > 0) serveWaiting(engine, server.backend);
}

/** Gives a place back by the server's slot: the server may be of another plan than the request. */
function giveBack(engine: Engine, backend: BackendPlan, slot: number): void {
  Atomics.sub(engine.words, serverWord(slot) + ServerWord.inUse, 1);
  Atomics.sub(engine.words, backend.word + BackendWord.inUse, 1);
}

/** Gives the places of all backends to those who wait, here or on other workers. */
export function serveAll(engine: Engine): void {
  for (const backend of engine.plan.backends) serveWaiting(engine, backend);
  for (const backend of engine.leaving) serveWaiting(engine, backend);
}

/** Gives the places that a backend has to those who have waited longest. */
export function serveWaiting(engine: Engine, old: BackendPlan): void {
  const backend = engine.plan.backendAt[old.index] ?? old;
  if (Atomics.load(engine.words, backend.word + BackendWord.queued) === 0) return;
  const { line } = engine;
  let others = false;
  line.lock();
  for (;;) {
    const bound = oldestBound(engine, backend);
    const any = line.firstOfBackend(backend.index);
    let entry = any;
    let server: ServerPlan | null = null;
    if (line.isOlder(any, bound === null ? 0 : line.firstOfServer(bound.index)))
      server = choiceFor(engine, backend, any);
    if (server === null && bound !== null && takeCounted(engine.words, bound)) {
      server = bound;
      entry = line.firstOfServer(bound.index);
    }
    if (server === null) break;
    if (line.grant(entry, server.index)) others = true;
    uncount(engine.words, backend, entry === any ? null : server);
  }
  line.unlock();
  if (others) engine.options.wakeOthers();
  if (line.hasGrants) takeGrants(engine);
}

/** The server with room whose first bound request has waited longest. */
function oldestBound(engine: Engine, backend: BackendPlan): ServerPlan | null {
  const { line } = engine;
  let oldest: ServerPlan | null = null;
  for (let i = 0; i < backend.servers.length; i++) {
    const server = backend.servers[i]!;
    const entry = line.firstOfServer(server.index);
    if (entry === 0 || !engine.mayTakeSession(server) || !hasRoom(engine.words, server)) continue;
    if (oldest === null || line.isOlder(entry, line.firstOfServer(oldest.index))) oldest = server;
  }
  return oldest;
}

/** Chooses a server, and takes a place there, for a request of some worker that may go to any. */
function choiceFor(engine: Engine, backend: BackendPlan, entry: number): ServerPlan | null {
  if (backend.balance.members.length === 0) return null;
  const avoid = engine.line.flagsOf(entry) - 1;
  return choose(engine.granting, backend, {
    keyed: !isStrict(backend),
    hashKey: engine.line.keyOf(entry),
    avoid: avoid < 0 ? null : (backend.servers.find(({ index }) => index === avoid) ?? null),
  });
}

/** Sends off the requests of this worker that have been given a place, by it or by another one. */
export function takeGrants(engine: Engine): void {
  const { line } = engine;
  for (;;) {
    line.lock();
    const entry = line.firstGranted();
    line.unlock();
    if (entry === 0) return;
    const client = engine.waiting[line.placeOf(entry)]!;
    const slot = takeOut(engine, client);
    const server = client.backend!.servers.find(({ index }) => index === slot);
    engine.rearmClient(client);
    if (server === undefined) {
      // The server is new since a reload, the request older: it goes on with what it knows.
      giveBack(engine, client.backend!, slot);
      assign(engine, client);
    } else sendTo(engine, client, server, true);
  }
}

/** After a change of servers' states: who waits for one that is gone takes any other; who waits for nobody gets 503. */
export function followWaiting(engine: Engine): void {
  for (let i = 0; i < engine.waiting.length && engine.queued > 0; i++) {
    const client = engine.waiting[i] ?? null;
    if (client === null) continue;
    const server = client.waitsFor;
    const hopeless = server === null ? client.backend!.balance.members.length === 0 : !engine.mayTakeSession(server);
    if (!hopeless) continue;
    leaveQueue(engine, client);
    client.wanted = null;
    assign(engine, client);
  }
}
