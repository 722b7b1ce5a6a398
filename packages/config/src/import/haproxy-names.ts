// Names of the old file as names of the new one: HAProxy's letters, at most 64 of them, each once.

const MAX_LENGTH = 64;

/** Names of one kind. */
export class NameTable {
  readonly #taken = new Set<string>();
  readonly #known = new Map<string, string>();

  /** The name here of a thing of the old file; always the same for the same name. */
  of(written: string): string {
    const known = this.#known.get(written);
    if (known !== undefined) return known;
    const name = this.free(written);
    this.#known.set(written, name);
    return name;
  }

  /** A name that nothing has, as near to this one as can be. */
  free(written: string): string {
    const base = nameOf(written);
    let name = base;
    for (let count = 2; this.#taken.has(name); count += 1) {
      const end = `_${count}`;
      name = `${base.slice(0, MAX_LENGTH - end.length)}${end}`;
    }
    this.#taken.add(name);
    return name;
  }
}

function nameOf(written: string): string {
  const letters = written
    .replace(/[^\w.:-]/g, '_')
    .replace(/^[^\w]/, '_')
    .slice(0, MAX_LENGTH);
  // YAML would read it as something else than a name, or the new file as a placeholder.
  if (letters === '' || letters === '__proto__' || letters.startsWith('FILL-IN')) return `_${letters.slice(2)}`;
  return letters;
}
