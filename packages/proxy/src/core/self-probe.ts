// Knows the requests by which this node asks itself whether it can serve. They are served like any other, and left out
// of the log and the request counters. Looked at only for clients on loopback.
import { SELF_PROBE_ADDRESS, SELF_PROBE_AGENT } from '@tospann/config';
import { FieldId, type RequestHeadParser, VALUE_END, VALUE_START } from '@tospann/http';
import { latin1 } from './bytes.ts';
import { sourceOf, type SourceAddress } from './source.ts';

const AGENT = latin1(SELF_PROBE_AGENT);
const ADDRESS = sourceOf(SELF_PROBE_ADDRESS);

/** Tells whether a client in mode tcp is this node's own probe. */
export function isSelfProbeAddress({ a, b, c, d }: SourceAddress): boolean {
  return d === ADDRESS.d && c === ADDRESS.c && b === 0 && a === 0;
}

/** Tells whether the head that the parser holds is the probe's. */
export function isSelfProbe(head: RequestHeadParser): boolean {
  const entry = head.fields.find(FieldId.USER_AGENT);
  if (entry < 0) return false;
  const from = head.fields.entries[entry + VALUE_START]!;
  if (head.fields.entries[entry + VALUE_END]! - from !== AGENT.length) return false;
  for (let i = 0; i < AGENT.length; i++) if (head.memory[from + i] !== AGENT[i]) return false;
  return true;
}

/** Tells whether an address, as the transport writes it, is this machine. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
