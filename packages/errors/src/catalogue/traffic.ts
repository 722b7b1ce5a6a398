// Codes about requests: what a client or a server sent that cannot be forwarded, and why.
import type { ErrorEntry } from '../catalogue.ts';

export const trafficErrors = {} as const satisfies Readonly<Record<string, ErrorEntry>>;
