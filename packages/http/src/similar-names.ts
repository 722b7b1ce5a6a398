// Field names that a server takes for another name: CGI and its heirs (RFC 3875 section 4.1.18: FastCGI, WSGI, PHP) turn
// fields into variables, in which "-" and "_", and for some every sign, are the same. Who vouches for a field must keep
// these spellings of it out. Made once for the names that matter; a look costs something only when a head has odd names.
import { lowerCase } from './bytes.ts';
import { DROPPED, FIELD_ID, FIELD_STRIDE, NAME_END, NAME_START } from './field-table.ts';
import type { ParsedFields } from './field-name.ts';

const DASH = 45;
const utf8 = new TextEncoder();

/** Names of which no other spelling may be passed on. */
export class SimilarNames {
  /** In lower case, as they are, and with "-" for every sign. */
  readonly #names: readonly Uint8Array[];
  readonly #folded: readonly Uint8Array[];

  constructor(names: Iterable<string>) {
    const unique = [...new Set([...names].map((name) => name.toLowerCase()))];
    this.#names = unique.map((name) => utf8.encode(name));
    this.#folded = this.#names.map((name) => name.map(foldedByte));
  }

  /** Drops the fields of a parsed head that have other signs than letters, digits and "-" and are similar to a name. */
  drop(head: ParsedFields): void {
    const { fields, memory } = head;
    if (!fields.hasOddNames) return;
    const { entries, count } = fields;
    for (let entry = 0; entry < count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & DROPPED) !== 0) continue;
      if (this.#isSimilar(memory, entries[entry + NAME_START]!, entries[entry + NAME_END]!)) fields.drop(entry);
    }
  }

  #isSimilar(memory: Uint8Array, start: number, end: number): boolean {
    if (!isOdd(memory, start, end)) return false;
    let similar = false;
    for (let i = 0; i < this.#names.length; i++) {
      if (this.#names[i]!.length !== end - start || !isSame(memory, start, this.#folded[i]!, true)) continue;
      // The spelling that the configuration itself has.
      if (isSame(memory, start, this.#names[i]!, false)) return false;
      similar = true;
    }
    return similar;
  }
}

function isOdd(memory: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (memory[p] !== DASH && foldedByte(memory[p]!) === DASH) return true;
  return false;
}

// oxlint-disable-next-line max-params -- long: hot path of hostile heads, no object
function isSame(memory: Uint8Array, start: number, name: Uint8Array, folds: boolean): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = memory[start + i]!;
    if ((folds ? foldedByte(byte) : lowerCase(byte)) !== name[i]) return false;
  }
  return true;
}

/** Lower case; "-" for all that is neither letter nor digit. */
function foldedByte(byte: number): number {
  const lower = lowerCase(byte);
  return (lower >= 97 && lower <= 122) || (byte >= 48 && byte <= 57) ? lower : DASH;
}
