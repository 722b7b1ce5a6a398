// A named condition of a frontend, ready to be asked about the request that the engine's parser holds (or, in mode tcp,
// about the connection). True when any of its lists matches, for any of the fields, cookies or parameters of a name. It sees
// the request as the rules before it have left it.
import type { AclConfig, ValueMatchConfig } from '@tospann/config';
import { fieldName, normalBytes } from '@tospann/http';
import { latin1 } from '../bytes.ts';
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { NetworkList } from '../source.ts';
import { hostSpan, Span } from './spans.ts';
import { TextMatch } from './text-match.ts';
import { CookieValues, FieldValues, MemberValues, ParameterValues, takeValue, type Values } from './values.ts';

const DOT = 46;
const QUOTE = 34;
const utf8 = new TextEncoder();
const span = new Span();

interface Named {
  readonly present: boolean;
  /** 0: any. */
  readonly occurrence: number;
  readonly text: TextMatch;
  readonly values: Values;
}

export class AclPlan {
  readonly name: string;
  /** What edits by rules can change its answer: see `isChangedBy`. */
  readonly readsPath: boolean;
  readonly #fieldNames: readonly string[];
  readonly #normalizes: boolean;
  readonly #path: TextMatch | null;
  readonly #host: TextMatch | null;
  readonly #method: TextMatch | null;
  readonly #headers: readonly Named[];
  readonly #cookies: readonly Named[];
  readonly #queries: readonly Named[];
  readonly #source: NetworkList | null;
  readonly #ports: readonly number[];

  /**
   * @param normalizes Paths are looked at in normal form, hosts without the dot of the root, and query parameters decoded.
   * @throws {RegexError} For a pattern that the validation would have refused.
   */
  constructor(acl: AclConfig, normalizes: boolean) {
    const { ignoreCase } = acl;
    const hosts = (acl.host ?? []).map((host) => (normalizes ? host.replace(/\.$/, '') : host));
    const named = (list: readonly ValueMatchConfig[] = [], of: (name: string) => Values): Named[] =>
      list.map((value) => ({
        present: value.present,
        occurrence: value.occurrence ?? 0,
        text: new TextMatch(value, ignoreCase),
        values: of(value.name),
      }));
    this.name = acl.name;
    this.#normalizes = normalizes;
    this.#path = orNull(pathMatch(acl, normalizes));
    // Host names have no case (RFC 3986 section 3.2.2); `*.example.com` is what ends with `.example.com`.
    const under = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
    this.#host = orNull(new TextMatch({ exact: hosts.filter((host) => !host.startsWith('*.')), suffix: under }, true));
    this.#method = orNull(new TextMatch({ exact: acl.method }, false));
    this.#headers = [
      ...named(acl.header, (name) => new FieldValues(fieldName(name))),
      ...named(acl.headerMember, (name) => new MemberValues(fieldName(name))),
    ];
    this.#cookies = named(acl.cookie, (name) => new CookieValues(latin1(name)));
    this.#queries = named(acl.query, (name) => new ParameterValues(utf8.encode(name), normalizes));
    this.#source = acl.source === undefined || acl.source.length === 0 ? null : new NetworkList(acl.source);
    this.#ports = acl.port ?? [];
    this.readsPath = this.#path !== null;
    this.#fieldNames = fieldsOf(acl);
  }

  /** Whether an edit of the fields of this name can change its answer. */
  readsField(name: string): boolean {
    return this.#fieldNames.includes(name.toLowerCase());
  }

  /** Whether it is true of the connection alone: source and port. */
  matchesConnection(client: Client): boolean {
    if (this.#source !== null && this.#source.has(client.source)) return true;
    return this.#ports.length > 0 && this.#ports.includes(client.localPort);
  }

  /** Whether it is true of the request that the engine's parser holds, which is the client's. */
  matches(client: Client, engine: Engine): boolean {
    const head = engine.requestHead;
    if (this.#path !== null && this.#matchesPath(engine)) return true;
    if (this.#host !== null && this.#matchesHost(engine)) return true;
    if (this.#method !== null && this.#method.test(head.memory, head.methodStart, head.methodEnd)) return true;
    for (const header of this.#headers) if (matchesAny(engine, header)) return true;
    for (const cookie of this.#cookies) if (matchesCookie(engine, cookie)) return true;
    for (const query of this.#queries) if (matchesAny(engine, query)) return true;
    return this.matchesConnection(client);
  }

  #matchesPath(engine: Engine): boolean {
    if (this.#normalizes) engine.path.findNormal(span);
    else engine.path.find(span);
    return this.#path!.test(span.bytes, span.from, span.to);
  }

  #matchesHost(engine: Engine): boolean {
    hostSpan(engine, span);
    if (this.#normalizes && span.to > span.from && span.bytes[span.to - 1] === DOT) span.to--;
    return span.to > span.from && this.#host!.test(span.bytes, span.from, span.to);
  }
}

/** Any of the values, or the one that it asks for. */
function matchesAny(engine: Engine, { present, occurrence, text, values }: Named): boolean {
  if (occurrence !== 0) {
    return takeValue(values, engine, occurrence) && (present || text.test(values.bytes, values.from, values.to));
  }
  values.begin(engine);
  while (values.next()) if (present || text.test(values.bytes, values.from, values.to)) return true;
  return false;
}

/** Quotes around a cookie's value are a part of it for some servers only. */
function matchesCookie(engine: Engine, { present, text, values }: Named): boolean {
  values.begin(engine);
  while (values.next()) {
    const { bytes, from, to } = values;
    if (present || text.test(bytes, from, to)) return true;
    const quoted = to - from >= 2 && bytes[from] === QUOTE && bytes[to - 1] === QUOTE;
    if (quoted && text.test(bytes, from + 1, to - 1)) return true;
  }
  return false;
}

function pathMatch(acl: AclConfig, normalizes: boolean): TextMatch {
  const { pathExact: exact, pathPrefix: prefix, pathSuffix: suffix, pathRegex: regex, ignoreCase } = acl;
  return new TextMatch({ exact, prefix, suffix, regex }, ignoreCase, normalizes ? normalBytes : undefined);
}

/** Names of the fields that it looks at, in lower case. */
function fieldsOf(acl: AclConfig): string[] {
  const named = [...(acl.header ?? []), ...(acl.headerMember ?? [])].map(({ name }) => name.toLowerCase());
  if ((acl.cookie ?? []).length > 0) named.push('cookie');
  if ((acl.host ?? []).length > 0) named.push('host');
  return named;
}

function orNull(text: TextMatch): TextMatch | null {
  return text.isEmpty ? null : text;
}
