// IP addresses as the election needs them: 4 or 16 bytes in network order, compared as unsigned numbers (RFC 9568
// section 6.4.3), and the internet checksum (RFC 1071). Not text: that is for `io`. Pure.

/** 4 or 16 bytes, network order. */
export type IpBytes = Uint8Array;

/** The groups of VRRP: 224.0.0.18 and ff02::12. RFC 9568 sections 5.1.1.2 and 5.1.2.2. */
export const vrrpGroup4: IpBytes = Uint8Array.of(224, 0, 0, 18);
export const vrrpGroup6: IpBytes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12);

/** Number of the protocol VRRP over IP. */
export const vrrpProtocol = 112;

/** Negative when `a` is the lower address; of different families the shorter one is lower. */
export function compareIp(a: IpBytes, b: IpBytes): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function sameIp(a: IpBytes, b: IpBytes): boolean {
  return compareIp(a, b) === 0;
}

/** fe80::/10. */
export function isLinkLocal6(address: IpBytes): boolean {
  return address.length === 16 && address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}

/** The unsigned 16-bit word at an offset; bytes after the end count as 0. */
export function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Sum of the 16-bit words, an odd byte padded with 0; not folded: safe for more than a megabyte. */
export function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += word(bytes, at);
  return sum;
}

/** Folds the carries and complements. */
export function finishSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
