// Runs a frontend's rules for the request that the engine's parser holds, in their order, up to one that ends the list.
// Edits of heads are noted for the writers; a rule that answers does so at once. ACLs are asked once at most, and always
// see the request as it came. Keys and templates see it as it came, too; only the path is built up step by step.
import type { CookieFinder, FieldName } from '@tospann/http';
import { sendAnswer, sendRedirect } from '../answers.ts';
import { latin1 } from '../bytes.ts';
import type { Client } from '../connection.ts';
import { answerEdits, requestEdits } from '../edits.ts';
import type { Engine } from '../engine.ts';
import type { BackendPlan } from '../plan.ts';
import { runCondition } from './condition.ts';
import { closeSilently, holdForAnswer } from './hold.ts';
import { pageFor } from './local-answer.ts';
import type { Action, MapKey, MapSource, RulesPlan } from './rules-plan.ts';
import { cookieSpan, headerSpan, hostSpan, parameterSpan, Span } from './spans.ts';
import { TextBuffer, type Template, writeTemplate } from './template.ts';
import { lower } from './text-match.ts';

const ROOT = latin1('/');
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
  /** The path as rules have left it, of which a copy is written. */
  readonly #path = new TextBuffer();
  #hasPath = false;
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
    this.#hasPath = false;
    plan.known.fill(0);
    for (const rule of plan.rules) {
      if (!runCondition(rule.condition, this.#ask)) continue;
      const result = this.#act(client, rule.action);
      if (result !== undefined) return result;
    }
    return client.frontend.defaultBackend;
  }

  /** The rules of the backend that was chosen, behind those of the frontend; false: it has been answered, or will be. */
  runOwn(client: Client, plan: RulesPlan): boolean {
    this.#client = client;
    this.#plan = plan;
    plan.known.fill(0);
    for (const rule of plan.rules) {
      if (runCondition(rule.condition, this.#ask) && this.#act(client, rule.action) !== undefined) return false;
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
    const value = plan.acls[acl]!.matches(this.#client!, this.#engine.requestHead);
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
    const head = this.#engine.requestHead;
    // "*" is no path, and its request is for the server as a whole.
    if (head.memory[head.targetStart] === STAR) return;
    const path = this.#path;
    path.clear();
    if (text.length === 0 || text.bytes[0] !== SLASH) path.bytes[path.length++] = SLASH;
    path.put(text.bytes, 0, text.length);
    if (text.overflowed || path.overflowed) {
      requestEdits(this.#engine).overflowed = true;
      return;
    }
    this.#hasPath = true;
    this.#engine.requestWriter.replacePath(path.bytes, path.length);
  }

  #replacePrefix(from: Uint8Array, to: Uint8Array): void {
    const head = this.#engine.requestHead;
    const own = this.#hasPath;
    const bytes = own ? this.#path.bytes : head.memory;
    const start = own ? 0 : head.pathStart;
    const end = own ? this.#path.length : head.pathEnd;
    if (end - start < from.length) return;
    for (let i = 0; i < from.length; i++) if (bytes[start + i] !== from[i]) return;
    const text = this.#engine.text;
    text.clear();
    text.place = 0;
    text.put(to, 0, to.length);
    // `/old` to `/` must not make `//rest` of `/old/rest`.
    const doubled = to.length > 0 && to[to.length - 1] === SLASH && bytes[start + from.length] === SLASH;
    const rest = start + from.length + (doubled && end > start + from.length ? 1 : 0);
    text.put(bytes, rest, end);
    this.#setPath(text);
  }

  /** The backend that the map names; undefined: it has no entry, or none that is a backend. */
  #mapped(client: Client, map: MapSource, key: MapKey): BackendPlan | undefined {
    const head = this.#engine.requestHead;
    const span = this.#span;
    let bytes = head.memory;
    if (key.from === 'source') {
      bytes = client.address;
      span.from = 0;
      span.to = bytes.length;
    } else if (key.from === 'host') {
      hostSpan(head, span);
      const length = Math.min(span.to - span.from, MAX_HOST_BYTES);
      for (let i = 0; i < length; i++) this.#host[i] = lower(bytes[span.from + i]!);
      bytes = this.#host;
      span.from = 0;
      span.to = length;
    } else if (key.from === 'path' && head.pathEnd === head.pathStart) {
      // An absolute-form target may have no path: it means "/".
      bytes = ROOT;
      span.from = 0;
      span.to = 1;
    } else if (!this.#find(key)) return undefined;
    const name = map.table.find(bytes, span.from, span.to);
    return name === undefined ? undefined : this.#plan!.backends.get(name);
  }

  #find(key: MapKey): boolean {
    const head = this.#engine.requestHead;
    const span = this.#span;
    switch (key.from) {
      case 'header':
        return headerSpan(head, key.field!, span);
      case 'cookie':
        return cookieSpan(head, key.cookie as CookieFinder, span);
      case 'query':
        return parameterSpan(head, key.parameter, span);
      case 'path':
      case 'host':
      case 'source':
        break;
    }
    span.from = head.pathStart;
    span.to = head.pathEnd;
    return true;
  }
}

/** The request's query with its question mark, if it has one. */
function appendQuery(engine: Engine, out: TextBuffer): void {
  const { memory, pathEnd, forwardEnd } = engine.requestHead;
  if (pathEnd < forwardEnd) out.put(memory, pathEnd, forwardEnd);
}
