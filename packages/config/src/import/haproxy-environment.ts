// The environment of the old process, as far as it is known: what the caller gives (--env) and what `setenv` and
// `presetenv` of the file say. HAProxy's manual, section 2.3.

/** Values of environment variables; a line that needs another one cannot be read. */
export class Environment {
  readonly #values: Map<string, string>;

  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(given));
  }

  /** The value, or undefined when it is not known. */
  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Takes over `setenv`, `presetenv` and `unsetenv` of the global section. */
  read(words: readonly string[]): void {
    const [keyword, name = '', value = ''] = words;
    if (keyword === 'setenv' || (keyword === 'presetenv' && !this.#values.has(name))) this.#values.set(name, value);
    if (keyword === 'unsetenv') for (const each of words.slice(1)) this.#values.delete(each);
  }

  /** The variable that begins at a dollar sign; a sign that begins none stands for itself. */
  variableAt(raw: string, at: number): { readonly text: string; readonly length: number; readonly fault?: string } {
    const match = /^\$(?:\{(\w+)(\[\*\])?(?:-([^}]*))?\}|([A-Za-z_]\w*))/.exec(raw.slice(at));
    if (match === null) return { text: '$', length: 1 };
    const [whole, braced, list, fallback, plain] = match;
    const name = braced ?? plain ?? '';
    const value = this.get(name) ?? fallback;
    if (value !== undefined && list === undefined) return { text: value, length: whole.length };
    const fault = `the value of the environment variable ${name} of the old process is not known here: give it with --env ${name}=VALUE`;
    return { text: whole, length: whole.length, fault };
  }

  /** A text with all its variables. */
  expand(text: string): { readonly text: string } | { readonly fault: string } {
    let expanded = '';
    for (let at = 0; at < text.length;) {
      const variable = text[at] === '$' ? this.variableAt(text, at) : { text: text[at] ?? '', length: 1 };
      if ('fault' in variable && variable.fault !== undefined) return { fault: variable.fault };
      expanded += variable.text;
      at += variable.length;
    }
    return { text: expanded };
  }
}
