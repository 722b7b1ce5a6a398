// The catalogue of error codes: data only. A code has one meaning, is never renamed and never used again.
// Grammar of a message: "Cannot <verb> <object>: <state>" or "Cannot <verb> <object> as <field> must be
// <constraint>: current value is <x>". A hint is one imperative sentence. docs/errors.md is generated from here.
import type { ErrorRetry, ErrorSource } from './error.ts';
import { apiErrors } from './catalogue/api.ts';
import { configErrors } from './catalogue/config.ts';
import { electionErrors } from './catalogue/elections.ts';
import { kernelErrors } from './catalogue/kernel.ts';
import { operationErrors } from './catalogue/operation.ts';
import { trafficErrors } from './catalogue/traffic.ts';
import { tunerErrors } from './catalogue/tuner.ts';
import { vrrpErrors } from './catalogue/vrrp.ts';

/** Values for the `{name}` places of a message. */
export type ErrorParams = Readonly<Record<string, string | number>>;

/** One entry: `status` is the HTTP status on HTTP surfaces; `message` and `hint` may hold `{name}` places. */
export interface ErrorEntry {
  readonly source: ErrorSource;
  readonly retry: ErrorRetry;
  readonly status: number;
  readonly message: string;
  readonly hint: string;
}

/** Every code of the product, by area. */
export const catalogue = {
  ...apiErrors,
  ...configErrors,
  ...electionErrors,
  ...kernelErrors,
  ...operationErrors,
  ...trafficErrors,
  ...tunerErrors,
  ...vrrpErrors,
} as const satisfies Readonly<Record<`LB_${string}`, ErrorEntry>>;

/** A code of the catalogue, for instance `LB_CONFIG_UNKNOWN_KEY`. */
export type ErrorCode = keyof typeof catalogue;
