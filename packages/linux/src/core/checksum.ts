// The Internet checksum (RFC 1071) and the pseudo-header of IPv6 (RFC 8200 section 8.1) that goes into it. Pure.

/** Adds the 16-bit words of `bytes` to `sum`; an odd last byte counts as the high half of a word. */
export function sumWords(bytes: Uint8Array, sum = 0): number {
  let total = sum;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  return total;
}

/** Folds the carries and complements: what stands in the header. */
export function finishSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * The sum of an IPv6 pseudo-header, to go on with `sumWords` over the payload.
 *
 * @param source 16 bytes.
 * @param destination 16 bytes.
 * @param payload Length in bytes and the protocol (next header) number.
 */
export function pseudoSum6(
  source: Uint8Array,
  destination: Uint8Array,
  payload: { readonly length: number; readonly protocol: number },
): number {
  const { length, protocol } = payload;
  return sumWords(source) + sumWords(destination) + (length >>> 16) + (length & 0xffff) + protocol;
}
