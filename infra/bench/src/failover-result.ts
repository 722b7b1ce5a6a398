// What one repetition of one event came to, as it is kept in a file of JSON lines, and the bars that it is held against.
// Pure.

/** One question to the address and whether it was answered. */
export interface Answer {
  readonly atMs: number;
  readonly ok: boolean;
}

/** Times in ms. */
export interface FailoverResult {
  readonly system: 'tospann' | 'keepalived';
  readonly advertMs: number;
  readonly event: string;
  /** When it was measured, for the reader of the file. */
  readonly at: string;
  readonly udpAsked: number;
  readonly udpLost: number;
  /** The longest run of lost datagrams. */
  readonly udpOutageMs: number;
  readonly httpAsked: number;
  readonly httpFailed: number;
  readonly httpOutageMs: number;
  readonly twoOwnersMs: number;
  readonly nobodyMs: number;
  /** How often a node got the address. */
  readonly takeOvers: number;
  /** Upgraded connections that were open at the beginning, and how many of them broke or hung. Absent: not counted then. */
  readonly open?: { readonly count: number; readonly broken: number };
}

/** The longest run of failures, from the first failed start to the next good one, or to the end. */
export function longestOutageMs(answers: readonly Answer[]): number {
  let longest = 0;
  let since: number | undefined;
  for (const { atMs, ok } of answers) {
    if (!ok) since ??= atMs;
    if (since !== undefined) longest = Math.max(longest, atMs - since);
    if (ok) since = undefined;
  }
  return longest;
}

/** Priority of a node that is not preferred: its skew is the longest of a healthy node's. */
const priority = 100;

/** Of the RFC: three adverts and the skew. */
export function downMs(advertMs: number, missed = 3): number {
  return missed * advertMs + ((256 - priority) * advertMs) / 256;
}

/** The lease in whole seconds, and what the kernel may be late by. */
function leaseBarMs(advertMs: number): number {
  return Math.ceil(downMs(advertMs) / 1000) * 1000 + 350;
}

/** One promise: what it is about, and how much of it is allowed. */
export interface Bar {
  readonly text: string;
  readonly value: (result: FailoverResult) => number;
  readonly most: number;
}

const outage = (most: number): Bar => ({
  text: `outage <= ${Math.round(most)} ms`,
  value: ({ udpOutageMs }) => udpOutageMs,
  most,
});

/** For clients of either kind, where the nodes live and only the address may be missing. */
const anyOutage = (most: number): Bar => ({
  text: `outage of datagrams and connections <= ${most} ms`,
  value: ({ udpOutageMs, httpOutageMs }) => Math.max(udpOutageMs, httpOutageMs),
  most,
});

/** The bars of an event at an advert interval; none: only shown. */
export function barsOf(event: string, advertMs: number): readonly Bar[] {
  const lostNone: Bar = { text: '0 lost', value: ({ udpLost }) => udpLost, most: 0 };
  const failedNone: Bar = { text: '0 failed', value: ({ httpFailed }) => httpFailed, most: 0 };
  const owners: Bar = {
    text: `two owners <= ${leaseBarMs(advertMs)} ms`,
    value: ({ twoOwnersMs }) => twoOwnersMs,
    most: leaseBarMs(advertMs),
  };
  switch (event) {
    case 'crash':
    case 'link-down':
      return [outage(downMs(advertMs) + 20)];
    case 'agent-kill':
      return [lostNone];
    case 'node-kill':
    case 'node-stop':
    case 'one-way':
    case 'mismatch':
      return [owners];
    case 'graceful':
      return [lostNone, failedNone];
    case 'split':
    case 'freeze':
    case 'address':
      return [anyOutage(20)];
    case 'loss-long':
      return [{ text: '0 take-overs', value: ({ takeOvers }) => takeOvers, most: 0 }];
    default:
      return [];
  }
}
