// The one way out for foreign text: what servers, their agents, scripts, files, clients and the other node say may not
// move a cursor, set a title, turn the direction of reading, hide letters or begin a line of its own (CWE-150). Pure.

/** Controls (C0, DEL, C1), invisible and direction-changing characters, separators of lines, halves of characters. */
// oxlint-disable-next-line no-control-regex -- control characters are what is taken out
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;
/** Of these, what only separates words. */
const BLANKS = /^[\t\n\v\f\r\u2028\u2029]+$/;

/** The longest foreign text that an operator is shown in one place, in characters. */
export const FOREIGN_TEXT_LIMIT = 400;

/**
 * Makes one line of a text: blanks of any kind become a space, other unfit characters U+FFFD, so that one sees that
 * something was there.
 *
 * @param limit Characters at most; a longer text ends in `…`. @default no limit
 */
export function plainText(text: string, limit = Infinity): string {
  const line = text.replace(UNFIT, (run) => (BLANKS.test(run) ? ' ' : '\ufffd'));
  if (line.length <= limit) return line;
  const end = limit - 1;
  // Not between the halves of one character.
  const isSplit = /[\ud800-\udbff]/.test(line[end - 1] ?? '');
  return `${line.slice(0, isSplit ? end - 1 : end)}…`;
}

/** Every string in plain data through `plainText`; keys stay. What needs no change is returned as it is. */
export function plainData<T>(data: T, limit = FOREIGN_TEXT_LIMIT): T {
  return plained(data, limit) as T; // the same shape, other strings
}

function plained(value: unknown, limit: number): unknown {
  if (typeof value === 'string') return plainText(value, limit);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => plained(item, limit));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  const entries = Object.entries(value);
  const next = entries.map(([key, item]) => [key, plained(item, limit)] as const);
  return next.some(([, item], i) => item !== entries[i]?.[1]) ? Object.fromEntries(next) : value;
}

/** JSON text with what is unfit for a terminal as `\uXXXX`: nothing of it is lost to a program that reads it. */
export function plainJson(json: string): string {
  return json.replace(UNFIT, (run) =>
    Array.from({ length: run.length }, (_, i) => `\\u${run.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
