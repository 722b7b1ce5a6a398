// Comparing spans of a head with known words, in any case. Only for frontends that compress: fields that nobody else
// asks for have no number in the field table.

/** Whether memory[start, end) is the word, whose letters are lower case. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function isName(memory: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = memory[start + i]!;
    const lower = byte >= 65 && byte <= 90 ? byte | 32 : byte;
    if (lower !== word[i]) return false;
  }
  return true;
}

/** Whether a comma-separated list has the word as a member, without looking into quoted strings. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function hasMember(memory: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  let p = start;
  while (p < end) {
    while (p < end && (memory[p] === 32 || memory[p] === 9 || memory[p] === 44)) p++;
    const from = p;
    while (p < end && memory[p] !== 44) p++;
    let stop = p;
    while (stop > from && (memory[stop - 1] === 32 || memory[stop - 1] === 9)) stop--;
    if (isName(memory, from, stop, word)) return true;
  }
  return false;
}
