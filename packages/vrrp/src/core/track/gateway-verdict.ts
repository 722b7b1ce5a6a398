// What the questions to the gateway mean. Many networks filter ICMP, and some ARP, so a gateway that has never answered
// since the start is a warning; one that answered and fell silent impairs the node: it gives way to a node that is
// better off and to no other, because a gateway that is dead for both must not leave the address without an owner. Pure.
import type { Finding } from './condition.ts';
import { count, noResults, type Tally } from './rise-and-fall.ts';

/** One round: who was asked and what answered first. */
export type GatewayResult =
  | { readonly type: 'answered'; readonly address: string; readonly by: string }
  | { readonly type: 'silent'; readonly address: string }
  /** There is no default route. */
  | { readonly type: 'no-route' }
  /** The question could not be asked. */
  | { readonly type: 'not-asked'; readonly why: string };

export interface GatewayState {
  readonly tally: Tally;
  readonly everReached: boolean;
  readonly last: GatewayResult | undefined;
}

export const newGateway: GatewayState = { tally: noResults, everReached: false, last: undefined };

/** Takes one round into account. */
export function judgeGateway(
  before: GatewayState,
  last: GatewayResult,
  limits: { readonly rise: number; readonly fall: number },
): GatewayState {
  if (last.type === 'not-asked') return { ...before, last };
  const reached = last.type === 'answered';
  // Until it has answered once there is nothing to fall from.
  const tally = before.everReached || reached ? count(before.tally, reached, limits) : before.tally;
  return { tally, everReached: before.everReached || reached, last };
}

/** The condition that this makes. */
export function gatewayFinding({ tally, everReached, last }: GatewayState): Finding {
  if (last === undefined) return { state: 'waiting', sentence: 'not asked yet' };
  const sentence = sentenceOf(last);
  if (tally.verdict === 'bad') return { state: 'impaired', sentence };
  if (last.type === 'answered') return { state: 'ok', sentence };
  const why = everReached ? 'not often enough yet to count' : 'it never has since the start, so it does not count';
  return { state: 'warning', sentence: last.type === 'not-asked' ? sentence : `${sentence}; ${why}` };
}

function sentenceOf(result: GatewayResult): string {
  if (result.type === 'answered') return `${result.address} answers by ${result.by}`;
  if (result.type === 'silent') return `${result.address} does not answer`;
  return result.type === 'no-route' ? 'this node has no default route' : `it cannot be asked: ${result.why}`;
}
