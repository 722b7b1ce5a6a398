// Codes about the failover agent: adverts, addresses, interfaces.
import type { ErrorEntry } from '../catalogue.ts';

export const vrrpErrors = {} as const satisfies Readonly<Record<string, ErrorEntry>>;
