// How this node's adverts are signed and what it demands of the others', from the plan and the keys: keeps the sequence of
// what is sent. Not the formats (core/advert/auth-hmac.ts, core/advert/auth-password.ts), not where keys come from (advert-keys.ts).
import { createHmac } from 'node:crypto';
import type { AdvertProof } from '../../core/advert/advert.ts';
import { hmacTrailer, type HmacBinding } from '../../core/advert/auth-hmac.ts';
import { passwordBytes } from '../../core/advert/auth-password.ts';
import type { PlannedElection } from '../../core/plan.ts';
import type { RequiredProof } from '../../core/advert/receive.ts';
import { nextSequence, sequenceAt } from '../../core/advert/replay.ts';

/** A key as bytes; the id is on the wire. */
export interface AdvertKey {
  readonly id: number;
  readonly secret: Uint8Array;
}

/** Keys by election: the first one signs, all are accepted. */
export type AdvertKeys = Readonly<Record<string, readonly AdvertKey[]>>;

export class AdvertProofs {
  readonly #keys: AdvertKeys;
  #sequence: bigint;

  /** @param floorUtcMs No sequence is below this time: later than any in an earlier life of this node. */
  constructor(keys: AdvertKeys, floorUtcMs: number) {
    this.#keys = keys;
    this.#sequence = sequenceAt(floorUtcMs);
  }

  /** The proof of one advert of an election; another one each time. */
  sign({ name, auth }: PlannedElection, binding: HmacBinding): AdvertProof {
    if (auth.type === 'none') return { type: 'none' };
    if (auth.type === 'password') return { type: 'password', password: passwordBytes(auth.password) };
    const key = this.#keys[name]?.[0];
    // Cannot be: the service resolves the keys of every such election before it starts. Unsigned is heard by nobody.
    if (key === undefined) return { type: 'none' };
    this.#sequence = nextSequence(this.#sequence, Date.now());
    const by = { keyId: key.id, key: key.secret, sequence: this.#sequence, hmac };
    return { type: 'trailer', trailerOf: (message) => hmacTrailer(message, binding, by) };
  }

  /** Where the sequence stands: no advert from now on is below it. Undefined: this node signs nothing. */
  get sequence(): bigint | undefined {
    const now = sequenceAt(Date.now());
    return Object.keys(this.#keys).length === 0 ? undefined : now > this.#sequence ? now : this.#sequence;
  }

  /** What adverts for an election must prove. */
  required({ name, auth }: PlannedElection): RequiredProof {
    if (auth.type === 'none') return { type: 'none' };
    if (auth.type === 'password') return { type: 'password', password: passwordBytes(auth.password) };
    const keys = new Map((this.#keys[name] ?? []).map(({ id, secret }) => [id, secret]));
    return { type: 'hmac', keys, mode: auth.mode, hmac };
  }
}

function hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest();
}
