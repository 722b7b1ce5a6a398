// A named condition of a frontend, ready to be asked about the request that the engine's parser holds (or, in mode tcp,
// about the connection). True when any of its lists matches. It always sees the request as it came, whatever rules
// before it have changed.
import type { AclConfig, ValueMatchConfig } from '@tospann/config';
import {
  CookieFinder,
  type FieldName,
  fieldName,
  FIELD_STRIDE,
  findField,
  type RequestHeadParser,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import { latin1 } from '../bytes.ts';
import type { Client } from '../connection.ts';
import { NetworkList } from '../source.ts';
import { cookieSpan, hostSpan, parameterSpan, Span } from './spans.ts';
import { TextMatch } from './text-match.ts';

const ROOT = latin1('/');
const span = new Span();

interface Named<T> {
  readonly name: T;
  readonly present: boolean;
  readonly text: TextMatch;
}

export class AclPlan {
  readonly name: string;
  readonly #path: TextMatch | null;
  readonly #host: TextMatch | null;
  readonly #method: TextMatch | null;
  readonly #headers: readonly Named<FieldName>[];
  readonly #cookies: readonly Named<CookieFinder>[];
  readonly #queries: readonly Named<Uint8Array>[];
  readonly #source: NetworkList | null;
  readonly #ports: readonly number[];

  /** @throws {RegexError} For a pattern that the validation would have refused. */
  constructor(acl: AclConfig) {
    const { ignoreCase } = acl;
    const lists = { exact: acl.pathExact, prefix: acl.pathPrefix, suffix: acl.pathSuffix, regex: acl.pathRegex };
    const hosts = acl.host ?? [];
    const named = <T>(list: readonly ValueMatchConfig[] | undefined, of: (name: string) => T): Named<T>[] =>
      (list ?? []).map((value) => ({
        name: of(value.name),
        present: value.present,
        text: new TextMatch(value, ignoreCase),
      }));
    this.name = acl.name;
    this.#path = orNull(new TextMatch(lists, ignoreCase));
    // Host names have no case (RFC 3986 section 3.2.2); `*.example.com` is what ends with `.example.com`.
    const under = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
    this.#host = orNull(new TextMatch({ exact: hosts.filter((host) => !host.startsWith('*.')), suffix: under }, true));
    this.#method = orNull(new TextMatch({ exact: acl.method }, false));
    this.#headers = named(acl.header, fieldName);
    this.#cookies = named(acl.cookie, (name) => new CookieFinder(latin1(name)));
    this.#queries = named(acl.query, latin1);
    this.#source = acl.source === undefined || acl.source.length === 0 ? null : new NetworkList(acl.source);
    this.#ports = acl.port ?? [];
  }

  /** Whether it is true of the connection alone: source and port. */
  matchesConnection(client: Client): boolean {
    if (this.#source !== null && this.#source.has(client.source)) return true;
    return this.#ports.length > 0 && this.#ports.includes(client.localPort);
  }

  /** Whether it is true of the request in `head`, which is the client's. */
  matches(client: Client, head: RequestHeadParser): boolean {
    if (this.#path !== null && this.#matchesPath(head)) return true;
    if (this.#host !== null) {
      hostSpan(head, span);
      if (span.to > span.from && this.#host.test(head.memory, span.from, span.to)) return true;
    }
    if (this.#method !== null && this.#method.test(head.memory, head.methodStart, head.methodEnd)) return true;
    if (this.#headers.length + this.#cookies.length + this.#queries.length > 0 && this.#matchesValue(head)) return true;
    return this.matchesConnection(client);
  }

  #matchesPath(head: RequestHeadParser): boolean {
    // An absolute-form target may have no path: it means "/".
    if (head.pathEnd === head.pathStart) return this.#path!.test(ROOT, 0, 1);
    return this.#path!.test(head.memory, head.pathStart, head.pathEnd);
  }

  #matchesValue(head: RequestHeadParser): boolean {
    for (const header of this.#headers) if (matchesHeader(head, header)) return true;
    for (const { name, present, text } of this.#cookies) {
      if (cookieSpan(head, name, span) && (present || text.test(head.memory, span.from, span.to))) return true;
    }
    for (const { name, present, text } of this.#queries) {
      if (parameterSpan(head, name, span) && (present || text.test(head.memory, span.from, span.to))) return true;
    }
    return false;
  }
}

/** Any field of the name, each with its whole value: lists are not taken apart at commas. */
function matchesHeader(head: RequestHeadParser, { name, present, text }: Named<FieldName>): boolean {
  const { entries } = head.fields;
  let entry = findField(head, name, 0);
  while (entry >= 0) {
    if (present || text.test(head.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!)) return true;
    entry = findField(head, name, entry + FIELD_STRIDE);
  }
  return false;
}

function orNull(text: TextMatch): TextMatch | null {
  return text.isEmpty ? null : text;
}
