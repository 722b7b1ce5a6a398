// The address of a server that is configured by name: which of the answers is taken, when to ask again, and what holds
// while the resolver fails. Pure. The last good address holds for ever: a dead resolver takes no server down.
const MIN_TTL_MS = 1000;
const MAX_TTL_MS = 300_000;
const FIRST_RETRY_MS = 1000;
/** A resolver that answers again is heard within this: its outage is over for everybody else by then. */
const MAX_RETRY_MS = 5000;

/** What the resolver said. `ttlMs` is the least of all records. */
export type NameAnswer = { readonly addresses: readonly string[]; readonly ttlMs: number } | { readonly fault: string };

export interface NameState {
  /** Empty: never resolved. */
  readonly address: string;
  /** Answers in a row that were none. */
  readonly failures: number;
  /** Why the last answer was none; empty after a good one. */
  readonly fault: string;
  /** When to ask again, from the answer on, before jitter. */
  readonly nextInMs: number;
}

export const unresolvedName: NameState = { address: '', failures: 0, fault: '', nextInMs: 0 };

/**
 * Takes an answer.
 *
 * @param taken Addresses of other servers of the backend that have the same name: each takes another one if it can.
 */
export function afterAnswer(before: NameState, answer: NameAnswer, taken: ReadonlySet<string>): NameState {
  if ('fault' in answer || answer.addresses.length === 0) {
    const fault = 'fault' in answer ? answer.fault : 'no address';
    const failures = before.failures + 1;
    const nextInMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10));
    return { address: before.address, failures, fault, nextInMs };
  }
  const nextInMs = Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, answer.ttlMs));
  return { address: choose(before.address, answer.addresses, taken), failures: 0, fault: '', nextInMs };
}

/** The present address as long as it is among the answers: an order that turns around moves nobody. */
function choose(present: string, answers: readonly string[], taken: ReadonlySet<string>): string {
  if (answers.includes(present) && !taken.has(present)) return present;
  return answers.find((address) => !taken.has(address)) ?? (answers.includes(present) ? present : answers[0]!);
}

/** How the resolution is, for the status. */
export function resolutionOf(state: NameState): 'fresh' | 'stale' | 'unresolved' {
  if (state.address === '') return 'unresolved';
  return state.fault === '' ? 'fresh' : 'stale';
}

/** Addresses of a name in the text of /etc/hosts (hosts(5)), IPv4 ones first. */
export function hostsAddresses(text: string, name: string): string[] {
  const wanted = name.toLowerCase();
  const found = text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((candidate) => candidate.toLowerCase() === wanted) ? [address] : [];
  });
  const unique = [...new Set(found)];
  return [...unique.filter((address) => !address.includes(':')), ...unique.filter((address) => address.includes(':'))];
}

/** Names to ask for, by the search list of resolv.conf(5): a name with a dot as it is first, one without last. */
export function searchNames(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  let domains: string[] = [];
  for (const line of resolvConf.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (key === 'search' || key === 'domain') domains = values.slice(0, 6); // the last such line counts
  }
  const searched = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  return name.includes('.') ? [name, ...searched] : [...searched, name];
}
