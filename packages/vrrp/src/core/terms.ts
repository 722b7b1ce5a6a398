// Terms: one counter for each election that grows at each take-over, so that a hook can tell an old order from a new
// one (a fencing token). The election counts (machine-actions.ts), both nodes tell each other; this is the text in which a
// node keeps the highest that it knows. Pure; io/term-file.ts has the file.

/** The highest known term of each election, by name. */
export type Terms = Readonly<Record<string, number>>;

/**
 * Reads what a node has kept.
 *
 * @returns The terms, or what is wrong with the text.
 */
export function parseTerms(text: string): { readonly terms: Terms } | { readonly detail: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { detail: error instanceof Error ? error.message : 'it is not JSON' };
  }
  const terms = isRecord(value) ? value['terms'] : undefined;
  if (!isRecord(value) || value['version'] !== 1 || !isRecord(terms)) return { detail: 'it has no terms of version 1' };
  const wrong = Object.entries(terms).find(([, term]) => !isTerm(term));
  if (wrong !== undefined) return { detail: `the term of "${wrong[0]}" is no whole number` };
  return {
    terms: Object.fromEntries(Object.entries(terms).filter((entry): entry is [string, number] => isTerm(entry[1]))),
  };
}

export function formatTerms(terms: Terms): string {
  return `${JSON.stringify({ version: 1, terms })}\n`;
}

function isTerm(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
