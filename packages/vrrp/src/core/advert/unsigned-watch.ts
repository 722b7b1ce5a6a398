// Mode permissive: adverts without a signature count. Who does not sign yet is told once when it begins and once when it
// has ended, not with each advert. Pure; one entry an election, so a flood cannot make it grow.

/** Signed adverts end it only when no unsigned one came for so long: who mixes both is one finding. */
const calmUs = 10_000_000;

export interface UnsignedNotice {
  readonly what: 'unsigned' | 'unsigned-ended';
  readonly detail: string;
}

export interface AcceptedAdvert {
  readonly election: string;
  /** The node's name, or its address where no name is known. */
  readonly sender: string;
  readonly unsigned: boolean;
  /** Monotonic µs. */
  readonly nowUs: number;
}

export class UnsignedWatch {
  readonly #since = new Map<string, { readonly firstUs: number; lastUs: number }>();

  /** Takes each accepted advert; returns what is to be told, if anything. */
  note({ election, sender, unsigned, nowUs }: AcceptedAdvert): UnsignedNotice | undefined {
    const seen = this.#since.get(election);
    if (unsigned) {
      if (seen !== undefined) seen.lastUs = nowUs;
      else this.#since.set(election, { firstUs: nowUs, lastUs: nowUs });
      const advice = 'give it the keys of this node, then set mode enforce on both';
      return seen === undefined
        ? {
            what: 'unsigned',
            detail: `${sender} does not sign its adverts for ${election} yet; they count (auth mode permissive): ${advice}`,
          }
        : undefined;
    }
    if (seen === undefined || nowUs - seen.lastUs < calmUs) return undefined;
    this.#since.delete(election);
    const seconds = ((seen.lastUs - seen.firstUs) / 1_000_000).toFixed(1);
    const detail = `${sender} signs its adverts for ${election} now, after ${seconds} s: set auth mode enforce on both nodes`;
    return { what: 'unsigned-ended', detail };
  }
}
