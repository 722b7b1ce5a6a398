// The simple password of VRRPv2 as its 8 bytes. It goes over the wire as it is: against mistakes, not against attackers.
// RFC 2338 section 5.3.10. Pure.

/** The first 8 bytes of the text, filled up with zeros, as keepalived sends it. */
export function passwordBytes(password: string): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes.set(new TextEncoder().encode(password).subarray(0, 8));
  return bytes;
}
