// Runs a frontend's rules for the request that the engine's parser holds, in their order, up to one that ends the list.
// Edits of heads are noted for the writers; a rule that answers does so at once. Conditions, keys and templates see the
// request as the rules before have left it; an ACL is asked again only after an edit that can change its answer.
import type { FieldName } from '@tospann/http';
import { sendAnswer, sendRedirect } from '../answers.ts';
import type { Client } from '../connection.ts';
import { answerEdits, requestEdits } from '../edits.ts';
import type { Engine } from '../engine.ts';
import type { BackendPlan } from '../plan.ts';
import { runCondition } from './condition.ts';
import { closeSilently, holdForAnswer } from './hold.ts';
import { pageFor } from './local-answer.ts';
import type { Action, MapKey, MapSource, RulesPlan } from './rules-plan.ts';
import { hostSpan, Span } from './spans.ts';
import { type Template, writeTemplate } from './template.ts';
import { Place, type TextBuffer } from './text-buffer.ts';
import { lower } from './text-match.ts';
import { takeValue } from './values.ts';

const DOT = 46;
const SLASH = 47;
const STAR = 42;
/** `client.endCause` and `endPhase` of an answer that a rule gives: HAProxy's PR, and LR where nothing is refused. */
const REFUSED = 80;
const LOCAL = 76;
const IN_REQUEST = 82;
const TARPIT = 84;
/** Bytes of a map's key that are looked at in another case. */
const MAX_HOST_BYTES = 256;

/** Runs rules; one for each engine. */
export class RuleRunner {
  readonly #engine: Engine;
  readonly #span = new Span();
  readonly #host = new Uint8Array(MAX_HOST_BYTES);
  #client: Client | null = null;
  #plan: RulesPlan | null = null;
  readonly #ask = (acl: number): boolean => this.#isTrue(acl);
  /** In mode tcp, where there is no request: cheap enough to be asked again. */
  readonly #askConnection = (acl: number): boolean => this.#plan!.acls[acl]!.matchesConnection(this.#client!);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The backend for the request; null: it has been answered, or will be. */
  run(client: Client, plan: RulesPlan): BackendPlan | null {
    this.#client = client;
    this.#plan = plan;
    plan.known.fill(0);
    for (const rule of plan.rules) {
      if (!runCondition(rule.condition, this.#ask)) continue;
      const result = this.#act(client, rule.action);
      if (result !== undefined) return result;
      for (const acl of rule.stale) plan.known[acl] = 0;
    }
    return client.frontend.defaultBackend;
  }

  /** The rules of the backend that was chosen, behind those of the frontend; false: it has been answered, or will be. */
  runOwn(client: Client, plan: RulesPlan): boolean {
    this.#client = client;
    this.#plan = plan;
    plan.known.fill(0);
    for (const rule of plan.rules) {
      if (!runCondition(rule.condition, this.#ask)) continue;
      if (this.#act(client, rule.action) !== undefined) return false;
      for (const acl of rule.stale) plan.known[acl] = 0;
    }
    return true;
  }

  /** The same in mode tcp, for a connection; null: it is to be closed, or has been. */
  runConnection(client: Client, plan: RulesPlan): BackendPlan | null {
    this.#client = client;
    this.#plan = plan;
    for (const { condition, action } of plan.rules) {
      if (!runCondition(condition, this.#askConnection)) continue;
      if (action.type === 'use') return action.backend;
      if (action.type !== 'deny' && action.type !== 'silent-drop') continue; // the schema lets no other through
      this.#ends(client, REFUSED);
      if (action.type === 'silent-drop') closeSilently(this.#engine, client);
      return null;
    }
    return client.frontend.defaultBackend;
  }

  #isTrue(acl: number): boolean {
    const plan = this.#plan!;
    const known = plan.known[acl]!;
    if (known !== 0) return known === 2;
    const value = plan.acls[acl]!.matches(this.#client!, this.#engine);
    plan.known[acl] = value ? 2 : 1;
    return value;
  }

  /** Undefined: the next rule is tried. */
  // oxlint-disable-next-line complexity -- long: the table of actions as a switch
  #act(client: Client, action: Action): BackendPlan | null | undefined {
    const engine = this.#engine;
    switch (action.type) {
      case 'use':
        return action.backend;
      case 'use-map':
        return this.#mapped(client, action.map, action.key);
      case 'deny':
        this.#ends(client, REFUSED);
        sendAnswer(engine, client, client.frontend.errorPages.get(action.status) ?? pageFor(action.status));
        return null;
      case 'tarpit':
        this.#ends(client, REFUSED);
        client.endPhase = TARPIT;
        holdForAnswer(engine, client, action);
        return null;
      case 'silent-drop':
        this.#ends(client, REFUSED);
        closeSilently(engine, client);
        return null;
      case 'return':
        this.#ends(client, LOCAL);
        sendAnswer(engine, client, action.answer);
        return null;
      case 'redirect': {
        this.#ends(client, LOCAL);
        const target = this.#write(action.target);
        if (action.keepsQuery) appendQuery(engine, target);
        sendRedirect(engine, client, { status: action.status, head: action.head, target });
        return null;
      }
      case 'set-header':
      case 'set-response-header':
      case 'add-header':
      case 'add-response-header':
        this.#edit(client, action.name, action);
        return undefined;
      case 'remove-header':
        requestEdits(engine).remove(action.name);
        return undefined;
      case 'remove-response-header':
        answerEdits(engine, client).remove(action.name);
        return undefined;
      case 'set-path':
        this.#setPath(this.#write(action.path));
        return undefined;
      case 'replace-prefix':
        this.#replacePrefix(action.from, action.to);
        return undefined;
    }
    return undefined;
  }

  #ends(client: Client, cause: number): void {
    client.endCause = cause;
    client.endPhase = IN_REQUEST;
  }

  #write(template: Template): TextBuffer {
    this.#engine.text.clear();
    return writeTemplate(template, this.#engine, this.#client!);
  }

  #edit(client: Client, name: FieldName, action: { readonly type: string; readonly value: Template }): void {
    const value = this.#write(action.value);
    const ofAnswer = action.type.includes('response');
    const edits = ofAnswer ? answerEdits(this.#engine, client) : requestEdits(this.#engine);
    if (value.overflowed) edits.overflowed = true;
    else if (action.type.startsWith('set') ? edits.beginSet(name) : edits.begin(name)) {
      edits.put(value.bytes, 0, value.length);
      edits.end();
    }
  }

  /** What has been written becomes the path; always with a slash before it. */
  #setPath(text: TextBuffer): void {
    const engine = this.#engine;
    const head = engine.requestHead;
    // "*" is no path, and its request is for the server as a whole.
    if (head.memory[head.targetStart] === STAR) return;
    if (!engine.path.replace(text)) requestEdits(engine).overflowed = true;
  }

  #replacePrefix(from: Uint8Array, to: Uint8Array): void {
    const span = this.#span;
    this.#engine.path.find(span);
    const { bytes, from: start, to: end } = span;
    if (end - start < from.length) return;
    for (let i = 0; i < from.length; i++) if (bytes[start + i] !== from[i]) return;
    const text = this.#engine.text;
    text.clear();
    text.place = Place.VALUE;
    text.put(to, 0, to.length);
    // `/old` to `/` must not make `//rest` of `/old/rest`.
    const doubled = to.length > 0 && to[to.length - 1] === SLASH && bytes[start + from.length] === SLASH;
    const rest = start + from.length + (doubled && end > start + from.length ? 1 : 0);
    text.put(bytes, rest, end);
    this.#setPath(text);
  }

  /** The backend that the map names; undefined: it has no entry, or none that is a backend. */
  #mapped(client: Client, map: MapSource, key: MapKey): BackendPlan | undefined {
    const span = this.#span;
    if (!this.#find(client, key)) return undefined;
    const name = map.table.find(span.bytes, span.from, span.to);
    return name === undefined ? undefined : this.#plan!.backends.get(name);
  }

  #find(client: Client, { from, values, occurrence }: MapKey): boolean {
    const engine = this.#engine;
    const span = this.#span;
    if (values !== null) {
      if (!takeValue(values, engine, occurrence)) return false;
      span.set(values.bytes, values.from, values.to);
    } else if (from === 'source') span.set(client.address, 0, client.address.length);
    else if (from === 'host') this.#findHost();
    else if (this.#plan!.normalizes) engine.path.findNormal(span);
    else engine.path.find(span);
    return true;
  }

  /** The host in lower case. */
  #findHost(): void {
    const span = this.#span;
    hostSpan(this.#engine, span);
    const { bytes, from } = span;
    let length = Math.min(span.to - from, MAX_HOST_BYTES);
    for (let i = 0; i < length; i++) this.#host[i] = lower(bytes[from + i]!);
    if (this.#plan!.normalizes && length > 0 && this.#host[length - 1] === DOT) length--;
    span.set(this.#host, 0, length);
  }
}

/** The request's query with its question mark, if it has one. */
function appendQuery(engine: Engine, out: TextBuffer): void {
  const { memory, pathEnd, forwardEnd } = engine.requestHead;
  if (pathEnd < forwardEnd) out.put(memory, pathEnd, forwardEnd);
}
