// Four bytes at a time: reads of the memory as 32-bit words (little-endian machines only, as x86-64 and arm64 are),
// and the search for the end of plain text in a field's value, which is where most bytes of a head are. A word may
// reach up to three bytes beyond the end that is given; what they hold never changes a result.

/** The same memory as words; its length and begin must be multiples of 4. */
export function wordsOf(memory: Uint8Array): Int32Array {
  if (memory.byteOffset % 4 !== 0 || memory.length % 4 !== 0) {
    throw new RangeError(`a codec's memory must be aligned to 4 bytes: ${memory.byteOffset} + ${memory.length}`);
  }
  return new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4);
}

/** Four ASCII characters as the word that they make in memory. */
export function word(text: string): number {
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24) | 0;
}

/** The word at any byte offset; it must not be in the last word of the memory. */
export function wordAt(words: Int32Array, at: number): number {
  const shift = (at & 3) << 3;
  const low = words[at >> 2]!;
  return shift === 0 ? low : (low >>> shift) | (words[(at >> 2) + 1]! << (32 - shift));
}

/** As `wordAt`, with ASCII letters in lower case. Only for bytes that are tchar: others may become equal. */
export function lowerWordAt(words: Int32Array, at: number): number {
  return wordAt(words, at) | 0x20202020;
}

/**
 * Finds the first byte from `at` on that is not 0x20..0x7E: the CR of a line nearly always.
 *
 * @returns Its offset, or `end` if there is none before.
 */
export function endOfText(words: Int32Array, at: number, end: number): number {
  if (at >= end) return end;
  const last = (end + 3) >> 2;
  const before = (1 << ((at & 3) << 3)) - 1; // the bytes of the first word that are before `at`
  let i = at >> 2;
  let four = (words[i]! & ~before) | (0x61616161 & before);
  for (;;) {
    // Bit 7 of a byte becomes 1 if it is set already, if the byte is below 0x20 (borrow), or if it is 0x7F (carry).
    // A borrow or carry may spoil bytes above the first such byte, never below it.
    const odd = (four | ((four - 0x20202020) | 0) | ((four + 0x01010101) | 0)) & 0x80808080;
    if (odd !== 0) {
      const found = (i << 2) + ((31 - Math.clz32(odd & -odd)) >> 3);
      return found < end ? found : end;
    }
    if (++i >= last) return end;
    four = words[i]!;
  }
}
