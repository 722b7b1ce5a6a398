// Balancing: smooth weighted round-robin as a table. The order repeats after the sum of the (reduced) weights, so it is
// worked out once for each change of servers, and a turn is one shared counter: all workers together alternate exactly.

/** Longest table; larger sums of weights are scaled down (the shares then differ by less than 0.1 %). */
const MAX_TURNS = 8192;

/**
 * Works out the order of turns by smooth weighted round-robin: no server gets two turns in a row that another one
 * could have, and in one round each gets as many as its weight.
 *
 * @param weights Weight of each server, 0..256; 0 takes no turn.
 * @returns Indices into `weights`, one for each turn of a round; empty when all weights are 0.
 */
export function roundRobinTurns(weights: readonly number[]): Uint16Array {
  const shares = reduce(weights);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const turns = new Uint16Array(total);
  const current = shares.map(() => 0);
  for (let turn = 0; turn < total; turn++) {
    let best = -1;
    for (let i = 0; i < shares.length; i++) {
      if (shares[i] === 0) continue;
      current[i]! += shares[i]!;
      if (best < 0 || current[i]! > current[best]!) best = i;
    }
    current[best]! -= total;
    turns[turn] = best;
  }
  return turns;
}

/** Divides the weights by what they have in common, and scales them down where a round would be too long. */
function reduce(weights: readonly number[]): number[] {
  const divisor = weights.reduce((a, b) => commonDivisor(a, b), 0) || 1;
  const shares = weights.map((weight) => weight / divisor);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (total <= MAX_TURNS) return shares;
  return shares.map((share) => (share === 0 ? 0 : Math.max(1, Math.round((share * MAX_TURNS) / total))));
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
