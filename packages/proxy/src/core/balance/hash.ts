// Consistent hashing by weighted rendezvous: each server gets a score from the key, its own name and its weight, and the
// highest one has the key. A server that goes moves its own keys only, a weight that grows only draws keys to itself. The
// same on every node and after every start: nothing depends on positions, and V8 computes logarithms in software.

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Spreads every bit of a 32-bit number over all of it. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hashes bytes[from, to) to an unsigned 32-bit number. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let h = FNV_OFFSET;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, FNV_PRIME);
  return mix(h);
}

/** Hashes a text (of Latin-1 characters) as `hashBytes` hashes its bytes. */
export function hashText(text: string): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ (text.charCodeAt(i) & 255), FNV_PRIME);
  return mix(h);
}

/**
 * The score of a server for a key: the highest one among the servers wins.
 *
 * @param key Hash of what is asked for.
 * @param identity Hash of the server's name.
 * @param weight Above 0; shares of keys are in proportion to it.
 */
export function rendezvousScore(key: number, identity: number, weight: number): number {
  // In (0, 1): one logarithm makes the weights exact shares.
  const share = (mix(key ^ Math.imul(identity, 0x9e3779b1)) + 0.5) / 4_294_967_296;
  return -weight / Math.log(share);
}
