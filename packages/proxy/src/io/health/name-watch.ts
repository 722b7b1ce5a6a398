// Keeps the addresses of servers that are configured by name: asks, asks again by TTL, and tells each server what was
// found. Asked over DNS with Node's own resolver (c-ares), after /etc/hosts: getaddrinfo knows no TTL, and while a
// resolver hangs it holds the few threads that also write the logs.
import { readFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { afterAnswer, hostsAddresses, searchNames, type NameAnswer, type NameState } from '../../core/health/name.ts';
import { withJitter } from '../../core/health/state.ts';

const JITTER_PERCENT = 10;
/** One question to one resolver; asked again once. */
const QUERY_TIMEOUT_MS = 2000;
/** Names asked for at one time. */
const MAX_QUESTIONS = 32;
/** Records of hosts(5) have no TTL: the file is read again as often. */
const HOSTS_TTL_MS = 5000;

/** Finds the addresses of a name; never rejects. */
export type NameResolver = (name: string) => Promise<NameAnswer>;

/** A server that is configured by name. */
export interface NamedServer {
  readonly server: { readonly address: string };
  readonly backend: { readonly name: string };
  readonly name: NameState;
  resolved(name: NameState): void;
}

export interface NameWatchOptions {
  readonly random: () => number;
  /** @default systemResolver() */
  readonly resolver: NameResolver | undefined;
}

export class NameWatch {
  readonly #options: NameWatchOptions;
  readonly #resolve: NameResolver;
  readonly #servers = new Map<string, Set<NamedServer>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #waiting: string[] = [];
  #asking = 0;
  #isClosed = false;

  constructor(options: NameWatchOptions) {
    this.#options = options;
    this.#resolve = options.resolver ?? systemResolver();
  }

  /** Follows these servers from now on; names that are known already are not asked for again before their time. */
  follow(servers: readonly NamedServer[]): void {
    this.#servers.clear();
    for (const server of servers) {
      const name = server.server.address;
      const same = this.#servers.get(name) ?? new Set();
      this.#servers.set(name, same.add(server));
    }
    for (const [name, timer] of this.#timers) {
      if (this.#servers.has(name)) continue;
      clearTimeout(timer);
      this.#timers.delete(name);
    }
    for (const [name, same] of this.#servers) {
      const isNew = [...same].some((server) => server.name.address === '' && server.name.fault === '');
      if (isNew || !this.#timers.has(name)) this.#schedule(name, 0);
    }
  }

  /** A server with this name is down: it may have moved, so the name is asked for now and not when its TTL ends. */
  soon(name: string): void {
    if (this.#timers.has(name)) this.#schedule(name, 0);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#servers.clear();
  }

  #schedule(name: string, inMs: number): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(
      name,
      setTimeout(() => this.#ask(name), inMs),
    );
  }

  #ask(name: string): void {
    if (this.#asking >= MAX_QUESTIONS) {
      if (!this.#waiting.includes(name)) this.#waiting.push(name);
      return;
    }
    this.#asking++;
    this.#resolve(name).then(
      (answer) => this.#answered(name, answer),
      (error: unknown) => this.#answered(name, { fault: String(error) }),
    );
  }

  #answered(name: string, answer: NameAnswer): void {
    this.#asking--;
    const servers = this.#servers.get(name);
    if (!this.#isClosed && servers !== undefined) {
      let nextInMs = 0;
      for (const server of servers) {
        const state = afterAnswer(server.name, answer, takenBy(servers, server));
        nextInMs = state.nextInMs;
        server.resolved(state);
      }
      this.#schedule(name, withJitter(nextInMs, JITTER_PERCENT, this.#options.random()));
    }
    const next = this.#waiting.shift();
    if (next !== undefined && !this.#isClosed) this.#ask(next);
  }
}

/** Addresses of the other servers of the same backend. */
function takenBy(servers: ReadonlySet<NamedServer>, one: NamedServer): ReadonlySet<string> {
  const others = [...servers].filter((other) => other !== one && other.backend.name === one.backend.name);
  return new Set(others.map((other) => other.name.address));
}

export interface SystemResolverOptions {
  /** @default /etc/hosts */
  readonly hostsFile?: string;
  /** @default /etc/resolv.conf */
  readonly resolvConf?: string;
  /** `ADDRESS:PORT` of resolvers, instead of those of resolv.conf. */
  readonly servers?: readonly string[];
}

/** Asks /etc/hosts, then DNS: IPv4 addresses, and IPv6 ones for a name that has no others. */
export function systemResolver(options: SystemResolverOptions = {}): NameResolver {
  const { hostsFile = '/etc/hosts', resolvConf = '/etc/resolv.conf' } = options;
  return async (name) => {
    const fromHosts = hostsAddresses(readText(hostsFile), name);
    if (fromHosts.length > 0) return { addresses: fromHosts, ttlMs: HOSTS_TTL_MS };
    // A new one each time: resolv.conf may have changed, for instance with a DHCP lease.
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    if (options.servers !== undefined) resolver.setServers(options.servers);
    let answer: NameAnswer = { fault: 'no such name' };
    for (const candidate of searchNames(name, readText(resolvConf))) {
      answer = await askDns(resolver, candidate);
      if (!('fault' in answer)) return answer;
    }
    return answer;
  };
}

async function askDns(resolver: Resolver, name: string): Promise<NameAnswer> {
  let fault = '';
  for (const type of ['resolve4', 'resolve6'] as const) {
    try {
      const records = await resolver[type](name, { ttl: true });
      if (records.length === 0) continue;
      const ttlMs = 1000 * Math.min(...records.map(({ ttl }) => ttl));
      return { addresses: records.map(({ address }) => address), ttlMs };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      fault = FAULT_TEXTS[code] ?? code;
      // No address of this kind is an answer; anything else will not be better for the other kind.
      if (code !== 'ENODATA' && code !== 'ENOTFOUND') break;
    }
  }
  return { fault };
}

const FAULT_TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name (NXDOMAIN)',
  ENODATA: 'the name has no address',
  ESERVFAIL: 'the resolver failed (SERVFAIL)',
  ETIMEOUT: 'the resolver does not answer',
  ECONNREFUSED: 'no resolver can be reached',
  EREFUSED: 'the resolver refused',
};

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // a machine without such a file has no such entries
  }
}
