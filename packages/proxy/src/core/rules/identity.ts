// Who a request is from, and what servers are told of it: the client behind trusted proxies, X-Forwarded-*, Forwarded
// (RFC 7239), and the request id. What somebody untrusted says of itself is taken out. Once for each request, and only
// where the configuration wants any of it.
import type { HttpConfig } from '@tospann/config';
import {
  FIELD_STRIDE,
  FieldId,
  FIELD_ID,
  FIELD_ID_MASK,
  type FieldName,
  fieldName,
  type HeadEdits,
  type RequestHeadParser,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import { latin1, putNumber } from '../bytes.ts';
import type { Client } from '../connection.ts';
import { answerEdits, requestEdits } from '../edits.ts';
import type { Engine } from '../engine.ts';
import { type ClientName, nameOf } from '../client-names.ts';
import { addressText, NetworkList, readAddress, SourceAddress } from '../source.ts';
import { sentHeaderSpan, Span } from './spans.ts';

const X_FORWARDED_FOR = fieldName('X-Forwarded-For');
const X_FORWARDED_PROTO = fieldName('X-Forwarded-Proto');
const X_FORWARDED_HOST = fieldName('X-Forwarded-Host');
const X_FORWARDED_PORT = fieldName('X-Forwarded-Port');
const FORWARDED = fieldName('Forwarded');
const HTTP = latin1('http');
const FOR = latin1('for=');
const FOR_V6 = latin1('for="[');
const FOR_V6_END = latin1(']"');
const PROTO = latin1(';proto=http');
const HOST = latin1(';host="');
const QUOTE = 34;
const QUOTE_BYTES = latin1('"');
const COMMA = 44;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
/** A longer id, or one with other bytes, is replaced. */
export const MAX_ID_BYTES = 64;
/** 1: may stand in a request id: nothing that could hurt a log, a shell or a URL. */
const ID_BYTES = new Uint8Array(256);
for (const byte of latin1('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:=+/@')) ID_BYTES[byte] = 1;
const HEX = latin1('0123456789abcdef');
/** Digits of the counter in an id. */
const COUNTER_DIGITS = 12;
/** Addresses behind trusted proxies whose forms are kept; a power of two. */
const KEPT_NAMES = 4096;

const found = new SourceAddress();
const span = new Span();
const decimal = new Uint8Array(8);

/** What a configuration wants; the same object for all frontends of a plan. */
export class IdentityPlan {
  readonly trusted: NetworkList | null;
  readonly proto: boolean;
  readonly host: boolean;
  readonly port: boolean;
  readonly forwarded: boolean;
  readonly idField: FieldName | null;
  /** `Name: ` of the id in answers; null: not sent back. */
  readonly idAnswer: Uint8Array | null;

  constructor(http: HttpConfig) {
    this.trusted = http.trustedProxies === undefined ? null : new NetworkList(http.trustedProxies);
    this.proto = http.forwardedProto ?? false;
    this.host = http.forwardedHost ?? false;
    this.port = http.forwardedPort ?? false;
    this.forwarded = http.forwarded ?? false;
    this.idField = http.requestId === undefined ? null : fieldName(http.requestId.header);
    this.idAnswer = http.requestId?.respond === true ? this.idField!.lineStart : null;
  }
}

/** The plan of a configuration; null if it wants nothing that costs anything. */
export function identityPlan(http: HttpConfig | undefined): IdentityPlan | null {
  if (http === undefined) return null;
  const plan = new IdentityPlan(http);
  const wants = plan.trusted !== null || plan.idField !== null || plan.forwarded;
  return wants || plan.proto || plan.host || plan.port ? plan : null;
}

/** What one engine keeps: names of clients behind proxies, and the ids it makes. */
export class Identities {
  readonly #seed: Uint8Array;
  #counter = 0;
  readonly #sources: (SourceAddress | null)[] = [];
  readonly #texts: string[] = [];

  /** @param seed Begins each id: different for each node, worker and start. */
  constructor(seed: string) {
    this.#seed = latin1(seed);
  }

  /** The address as text; kept, so that a client's next request makes none. */
  textOf(source: SourceAddress): string {
    while (this.#texts.length < KEPT_NAMES) {
      this.#sources.push(null);
      this.#texts.push('');
    }
    const slot = source.hash() & (KEPT_NAMES - 1);
    const known = this.#sources[slot] ?? null;
    if (known?.isSame(source) === true) return this.#texts[slot]!;
    const kept = known ?? new SourceAddress();
    kept.set(source);
    this.#sources[slot] = kept;
    return (this.#texts[slot] = addressText(source));
  }

  /** Writes a new id; its length. */
  makeId(into: Uint8Array): number {
    into.set(this.#seed);
    let rest = this.#counter++;
    const end = this.#seed.length + COUNTER_DIGITS;
    for (let i = end - 1; i >= this.#seed.length; i--) {
      into[i] = HEX[rest % 16]!;
      rest = Math.floor(rest / 16);
    }
    return end;
  }
}

/** Finds out who the request in the engine's parser is from, and notes what its head is to say of it. */
export function identify(engine: Engine, client: Client, plan: IdentityPlan): void {
  const head = engine.requestHead;
  const isTrusted = plan.trusted !== null && plan.trusted.has(client.peer);
  if (isTrusted && clientBehind(head, plan.trusted, found)) {
    useName(client, nameOf(engine, engine.identities.textOf(found)));
  } else useName(client, client.peerName!);
  if (plan.trusted !== null && !isTrusted) refuseClaims(engine, client, plan);
  if (plan.idField !== null) chooseId(engine, client, { field: plan.idField, isTrusted, answer: plan.idAnswer });
  if (plan.proto || plan.host || plan.port || plan.forwarded) describe(engine, client, { plan, isTrusted });
}

function useName(client: Client, name: ClientName): void {
  client.source = name.source;
  client.address = name.address;
  client.logged = name.logged;
}

/** Takes out what nobody may say of himself. */
function refuseClaims(engine: Engine, client: Client, plan: IdentityPlan): void {
  const head = engine.requestHead;
  for (const name of [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST, X_FORWARDED_PORT, FORWARDED]) {
    if (sentHeaderSpan(head, name, span)) requestEdits(engine).remove(name);
  }
  client.requestIdLength = 0;
  if (plan.idField !== null && sentHeaderSpan(head, plan.idField, span)) requestEdits(engine).remove(plan.idField);
}

/** The right-most address of X-Forwarded-For that is not a trusted proxy; false: none, or it cannot be read. */
function clientBehind(head: RequestHeadParser, trusted: NetworkList | null, into: SourceAddress): boolean {
  const { entries, count } = head.fields;
  let any = false;
  for (let entry = (count - 1) * FIELD_STRIDE; entry >= 0; entry -= FIELD_STRIDE) {
    if ((entries[entry + FIELD_ID]! & FIELD_ID_MASK) !== FieldId.X_FORWARDED_FOR) continue;
    const start = entries[entry + VALUE_START]!;
    let end = entries[entry + VALUE_END]!;
    while (end > start) {
      let from = end;
      while (from > start && head.memory[from - 1] !== COMMA) from--;
      if (!readListed(head.memory, from, { to: end, into })) return false;
      any = true;
      if (trusted === null || !trusted.has(into)) return true;
      end = from - 1;
    }
  }
  // All are proxies of ours: the first of them is where it came from.
  return any;
}

/** One entry of the list: an address, maybe with a port; IPv6 may have brackets. */
function readListed(
  memory: Uint8Array,
  start: number,
  { to, into }: { readonly to: number; readonly into: SourceAddress },
): boolean {
  let from = start;
  let end = to;
  while (from < end && (memory[from] === SPACE || memory[from] === TAB)) from++;
  while (end > from && (memory[end - 1] === SPACE || memory[end - 1] === TAB)) end--;
  if (memory[from] === BRACKET_OPEN) {
    let close = from;
    while (close < end && memory[close] !== BRACKET_CLOSE) close++;
    return close < end && readAddress(memory, from + 1, close, into);
  }
  if (readAddress(memory, from, end, into)) return true;
  let colon = end - 1;
  while (colon > from && memory[colon] !== COLON) colon--;
  return colon > from && readAddress(memory, from, colon, into);
}

function chooseId(
  engine: Engine,
  client: Client,
  { field, isTrusted, answer }: { field: FieldName; isTrusted: boolean; answer: Uint8Array | null },
): void {
  const head = engine.requestHead;
  client.requestId ??= new Uint8Array(MAX_ID_BYTES);
  const id = client.requestId;
  client.idAnswer = answer;
  if (isTrusted && sentHeaderSpan(head, field, span) && isId(head.memory, span)) {
    client.requestIdLength = span.to - span.from;
    for (let i = 0; i < client.requestIdLength; i++) id[i] = head.memory[span.from + i]!;
  } else {
    client.requestIdLength = engine.identities.makeId(id);
    const edits = requestEdits(engine);
    if (edits.beginSet(field)) {
      edits.put(id, 0, client.requestIdLength);
      edits.end();
    }
  }
  if (answer === null) return;
  const edits = answerEdits(engine, client);
  if (!edits.beginSet(field)) return;
  edits.put(id, 0, client.requestIdLength);
  edits.end();
}

function isId(memory: Uint8Array, { from, to }: Span): boolean {
  if (to === from || to - from > MAX_ID_BYTES) return false;
  for (let i = from; i < to; i++) if (ID_BYTES[memory[i]!] === 0) return false;
  return true;
}

/** X-Forwarded-Proto, -Host and -Port of a trusted proxy stay; Forwarded grows by an element. */
function describe(
  engine: Engine,
  client: Client,
  { plan, isTrusted }: { readonly plan: IdentityPlan; readonly isTrusted: boolean },
): void {
  const head = engine.requestHead;
  const edits = requestEdits(engine);
  const says = (name: FieldName): boolean => !(isTrusted && sentHeaderSpan(head, name, span));
  if (plan.proto && says(X_FORWARDED_PROTO)) edits.set(X_FORWARDED_PROTO, HTTP);
  if (plan.host && head.hostEnd > head.hostStart && says(X_FORWARDED_HOST) && edits.beginSet(X_FORWARDED_HOST)) {
    edits.put(head.memory, head.hostStart, head.hostEnd);
    edits.end();
  }
  if (plan.port && client.localPort > 0 && says(X_FORWARDED_PORT) && edits.beginSet(X_FORWARDED_PORT)) {
    edits.put(decimal, 0, putNumber(decimal, 0, client.localPort));
    edits.end();
  }
  if (plan.forwarded && edits.begin(FORWARDED)) {
    putForwarded(edits, client, head);
    edits.end();
  }
}

/** `for=192.0.2.1;proto=http;host="a.example"`: an address with colons and every host stand in quotes. */
function putForwarded(edits: HeadEdits, client: Client, head: RequestHeadParser): void {
  const { address } = client.peerName!;
  if (client.peer.isV4) {
    edits.put(FOR);
    edits.put(address);
  } else {
    edits.put(FOR_V6);
    edits.put(address);
    edits.put(FOR_V6_END);
  }
  edits.put(PROTO);
  if (head.hostEnd === head.hostStart) return;
  for (let i = head.hostStart; i < head.hostEnd; i++) if (head.memory[i] === QUOTE) return; // no host has one
  edits.put(HOST);
  edits.put(head.memory, head.hostStart, head.hostEnd);
  edits.put(QUOTE_BYTES);
}
