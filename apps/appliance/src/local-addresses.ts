// The IP addresses that this machine has now.
import { networkInterfaces } from 'node:os';

export function localAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
