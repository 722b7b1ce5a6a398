// Whether a regular expression can be matched in time linear in the text: no back-references, no look-around.
// Only a check of the source; the engine that matches is in @tospann/http.

/** Longer patterns are tables that belong into a map or a list. */
const MAX_LENGTH = 1024;

/**
 * Checks the source of a regular expression.
 *
 * @returns What is wrong with it, as half a sentence; undefined when it can be used.
 */
export function checkRegex(source: string): string | undefined {
  if (source === '') return 'it is empty';
  if (source.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  if (/[^\x20-\x7e]/.test(source)) return 'it has characters that are not printable ASCII';
  // An escaped backslash must not hide what follows it.
  const bare = source.replace(/\\\\/g, '');
  if (/\\(?:[1-9]|k<)/.test(bare)) return 'it has a back-reference';
  if (/\(\?<?[=!]/.test(bare)) return 'it has a look-around';
  try {
    RegExp(source);
    return undefined;
  } catch {
    return 'it cannot be read';
  }
}
