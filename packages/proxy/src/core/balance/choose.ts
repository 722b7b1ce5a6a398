// The choice of a server for a request that is bound to none. Each way of balancing looks at the members of the backend
// only, passes over those that are full, and takes a place at the one that it chooses, so that two workers never give
// the same place away. A server that has just failed this request is taken if there is no other.
import { BackendWord, ServerWord } from '../shared.ts';
import type { BackendPlan, ServerPlan } from '../plan.ts';
import { BalanceKind, KeyFrom } from './balance.ts';
import { rendezvousScore } from './hash.ts';

/** What a choice needs to know of the request. */
export interface Wish {
  /** `hashKey` is valid: hash balancing found what it hashes. */
  readonly keyed: boolean;
  readonly hashKey: number;
  readonly avoid: ServerPlan | null;
}

/** What the engine lends. */
export interface Places {
  readonly words: Int32Array;
  /** Takes a place at a server; false when it has none. */
  take(server: ServerPlan): boolean;
  /** In [0, 1). */
  random(): number;
}

/** A place may be lost to another worker between looking and taking; after so many times the request waits. */
const TRIES = 4;

/** Chooses a server and takes a place there; null when all are full. There is a member. */
export function choose(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  switch (backend.balance.kind) {
    case BalanceKind.LEASTCONN:
      return takeBest(places, backend, wish, leastLoaded);
    case BalanceKind.RANDOM2:
      return takeBest(places, backend, wish, twoChoices);
    case BalanceKind.FIRST:
      return inOrder(places, backend, wish);
    case BalanceKind.HASH:
      if (wish.keyed) return takeBest(places, backend, wish, bestScore);
      return nextInTurn(places, backend, wish);
    default:
      return nextInTurn(places, backend, wish);
  }
}

/** The server to which a key belongs, whatever its load; that of the request's wish is passed over if it can be. */
export function ownerOf(backend: BackendPlan, wish: Wish): ServerPlan {
  const { members, weights } = backend.balance;
  const avoid = avoided(wish);
  let best = backend.servers[members[0]!]!;
  let most = -1;
  for (let i = 0; i < members.length; i++) {
    const server = backend.servers[members[i]!]!;
    if (server.index === avoid && members.length > 1) continue;
    const score = rendezvousScore(wish.hashKey, server.identity, weights[members[i]!]!);
    if (score <= most) continue;
    most = score;
    best = server;
  }
  return best;
}

/** Whether a key's requests wait for its own server when that is full. */
export function isStrict(backend: BackendPlan): boolean {
  return backend.balance.keyFrom !== KeyFrom.NONE && backend.balance.boundPercent === 0;
}

function nextInTurn(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  const turns = backend.balance.turns;
  const length = turns.length;
  const turn = length === 1 ? 0 : Atomics.add(places.words, backend.word + BackendWord.turn, 1) >>> 0;
  const avoid = avoided(wish);
  let second: ServerPlan | null = null;
  for (let i = 0; i < length; i++) {
    const server = backend.servers[turns[(turn + i) % length]!]!;
    if (server.index === avoid) second = server;
    else if (places.take(server)) return server;
  }
  return second !== null && places.take(second) ? second : null;
}

function inOrder(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  const { members } = backend.balance;
  const avoid = avoided(wish);
  let second: ServerPlan | null = null;
  for (let i = 0; i < members.length; i++) {
    const server = backend.servers[members[i]!]!;
    if (server.index === avoid) second = server;
    else if (places.take(server)) return server;
  }
  return second !== null && places.take(second) ? second : null;
}

type Best = (places: Places, backend: BackendPlan, wish: Wish) => ServerPlan | null;

// oxlint-disable-next-line max-params -- long: no object for a choice
function takeBest(places: Places, backend: BackendPlan, wish: Wish, best: Best): ServerPlan | null {
  for (let i = 0; i < TRIES; i++) {
    const server = best(places, backend, wish);
    if (server === null) break;
    if (places.take(server)) return server;
  }
  const second = wish.avoid === null ? null : memberNow(backend, wish.avoid);
  return second !== null && places.take(second) ? second : null;
}

/** Fewest requests under way for its weight; those alike take turns. */
function leastLoaded(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  const { members, weights } = backend.balance;
  const length = members.length;
  const turn = length === 1 ? 0 : Atomics.add(places.words, backend.word + BackendWord.turn, 1) >>> 0;
  const avoid = avoided(wish);
  let best: ServerPlan | null = null;
  let least = Infinity;
  for (let i = 0; i < length; i++) {
    const member = members[(turn + i) % length]!;
    const server = backend.servers[member]!;
    if (server.index === avoid) continue;
    const cost = costOf(places, server, weights[member]!);
    if (cost >= least) continue;
    least = cost;
    best = server;
  }
  return best;
}

/** Infinity: it is full. An idle server costs nothing whatever its weight: idle ones take turns. */
function costOf(places: Places, server: ServerPlan, weight: number): number {
  const load = Atomics.load(places.words, server.word + ServerWord.inUse);
  if (server.limit > 0 && load >= server.limit) return Infinity;
  return load === 0 ? 0 : (load + 1) / weight;
}

/** Draws two by weight and takes the one with less to do: nearly as even as looking at all, and without a herd. */
function twoChoices(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  const one = draw(places, backend);
  const other = draw(places, backend);
  const { weights } = backend.balance;
  const avoid = avoided(wish);
  const costOne = one.index === avoid ? Infinity : costOf(places, one, weights[one.place]!);
  const costOther = other.index === avoid ? Infinity : costOf(places, other, weights[other.place]!);
  if (costOne === Infinity && costOther === Infinity) return leastLoaded(places, backend, wish);
  return costOther < costOne ? other : one;
}

function draw(places: Places, backend: BackendPlan): ServerPlan {
  const { members, sums } = backend.balance;
  const at = places.random() * sums[sums.length - 1]!;
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > at) high = middle;
    else low = middle + 1;
  }
  return backend.servers[members[low]!]!;
}

/** The key's server; if that has more than its bounded share of the load, the next one by score. */
function bestScore(places: Places, backend: BackendPlan, wish: Wish): ServerPlan | null {
  const { members, weights, sums, boundPercent } = backend.balance;
  if (boundPercent === 0) return ownerOf(backend, wish);
  let total = 1;
  for (let i = 0; i < members.length; i++) {
    total += Atomics.load(places.words, backend.servers[members[i]!]!.word + ServerWord.inUse);
  }
  const allowed = (boundPercent * total) / 100 / sums[sums.length - 1]!;
  const avoid = avoided(wish);
  let best: ServerPlan | null = null;
  let most = -1;
  for (let i = 0; i < members.length; i++) {
    const server = backend.servers[members[i]!]!;
    const weight = weights[members[i]!]!;
    const load = Atomics.load(places.words, server.word + ServerWord.inUse);
    if (load + 1 > Math.ceil(allowed * weight) || (server.limit > 0 && load >= server.limit)) continue;
    if (server.index === avoid) continue;
    const score = rendezvousScore(wish.hashKey, server.identity, weight);
    if (score <= most) continue;
    most = score;
    best = server;
  }
  // All within the bound are full, or were passed over.
  return best ?? leastLoaded(places, backend, wish);
}

/** Slot of the server to be passed over, or -1. It may be of an older plan than the backend. */
function avoided(wish: Wish): number {
  return wish.avoid === null ? -1 : wish.avoid.index;
}

/** The server as it is in this backend, if it takes part. */
function memberNow(backend: BackendPlan, server: ServerPlan): ServerPlan | null {
  const { members } = backend.balance;
  for (let i = 0; i < members.length; i++) {
    const member = backend.servers[members[i]!]!;
    if (member.index === server.index) return member;
  }
  return null;
}
