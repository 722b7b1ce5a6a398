// The end of a request: its counters and its log line. Every request comes here once, whatever became of it.
import { FieldId, type RequestHeadParser, VALUE_END, VALUE_START } from '@tospann/http';
import { LOGGED_FIELD_BYTES, LOGGED_LINE_BYTES, type LogRecord } from './access-log.ts';
import { NONE } from './buffers.ts';
import type { Client } from './connection.ts';
import { dropAnswerEdits } from './edits.ts';
import type { Engine } from './engine.ts';
import { resetRequest } from './reset.ts';
import type { ServerPlan } from './plan.ts';
import { BackendWord, FrontendCounter, LATENCY_BOUNDS_MS, REFUSAL_SLOTS, ServerCounter } from './shared.ts';

const EMPTY = new Uint8Array(0);
const DASH = 45;
const CLIENT = 67;
const TARPIT = 84;

/** Copies the request line (and two fields for the combined format) to the log store. */
export function keepForLog(engine: Engine, client: Client): void {
  client.open = true;
  if (engine.log === null || client.probe) return;
  const head = engine.requestHead;
  const store = engine.logStore;
  const slot = store.take();
  client.logSlot = slot;
  const at = slot * store.slotBytes;
  const from = head.methodStart;
  // The line without its CR LF.
  const length = Math.min(head.fieldsStart - 2 - from, LOGGED_LINE_BYTES);
  const memory = engine.buffers.memory;
  const bytes = store.bytes;
  for (let i = 0; i < length; i++) bytes[at + i] = memory[from + i]!;
  store.lineLength[slot] = length;
  store.methodLength[slot] = head.methodEnd - from;
  const path = Math.min(head.pathStart - from, length);
  store.pathFrom[slot] = path;
  store.pathLength[slot] = Math.min(head.pathEnd - from, length) - path;
  store.refererLength[slot] = 0;
  store.agentLength[slot] = 0;
  if (!engine.log.wantsFields) return;
  store.refererLength[slot] = keepField(engine, head, FieldId.REFERER, at + LOGGED_LINE_BYTES);
  store.agentLength[slot] = keepField(engine, head, FieldId.USER_AGENT, at + LOGGED_LINE_BYTES + LOGGED_FIELD_BYTES);
}

// oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
function keepField(engine: Engine, head: RequestHeadParser, id: number, at: number): number {
  const entry = head.fields.find(id);
  if (entry < 0) return 0;
  const from = head.fields.entries[entry + VALUE_START]!;
  const length = Math.min(head.fields.entries[entry + VALUE_END]! - from, LOGGED_FIELD_BYTES);
  for (let i = 0; i < length; i++) engine.logStore.bytes[at + i] = engine.buffers.memory[from + i]!;
  return length;
}

/** Clears what a refused request must not show of the one before it. */
export function beginRefusal(engine: Engine, client: Client): void {
  resetRequest(client);
  client.open = true;
  client.headMs = engine.transport.nowMs();
  client.endCause = 80;
  client.endPhase = 82;
}

/** Counts a request or connection that is refused, by the number of its fault; the request's log line has it too. */
export function countRefusal(engine: Engine, client: Client, fault: number): void {
  client.fault = fault;
  const slot = fault < REFUSAL_SLOTS ? fault : 0;
  engine.counters[engine.plan.layout.refusalBase + client.frontend.index * REFUSAL_SLOTS + slot]! += 1;
}

/** Counts and logs the request; does nothing the second time. */
export function finish(engine: Engine, client: Client): void {
  if (!client.open) return;
  client.open = false;
  engine.dropRepeat(client);
  dropAnswerEdits(engine, client);
  if (client.probe) return;
  const nowMs = engine.transport.nowMs();
  const counters = engine.counters;
  const frontend = client.frontend.counter;
  const kind = (client.status / 100) | 0;
  if (kind >= 1 && kind <= 5) counters[frontend + FrontendCounter.responses + kind - 1]! += 1;
  countBytes(engine, client);
  client.countedIn = 0;
  client.countedOut = 0;
  // How long a WebSocket stays open is no latency: its answer is the 101.
  const duration = (client.status === 101 ? client.answerMs : nowMs) - client.headMs;
  if (client.server !== null) countServer(counters, client, duration);
  if (!client.frontend.tcp) counters[engine.plan.layout.latencyBase + latencyBound(duration)]! += 1;
  if (engine.log !== null && !isEmptyStream(engine, client)) logRequest(engine, client, nowMs);
  if (client.logSlot !== NONE) {
    engine.logStore.free(client.logSlot);
    client.logSlot = NONE;
  }
}

/** Counts the bytes that have passed since the last time: once a request, about once a second in a tunnel. */
export function countBytes(engine: Engine, client: Client): void {
  const { counters } = engine;
  const bytesIn = client.bytesIn - client.countedIn;
  const bytesOut = client.bytesOut - client.countedOut;
  client.countedIn = client.bytesIn;
  client.countedOut = client.bytesOut;
  const frontend = client.frontend.counter;
  counters[frontend + FrontendCounter.bytesIn]! += bytesIn;
  counters[frontend + FrontendCounter.bytesOut]! += bytesOut;
  if (client.server === null) return;
  const server = client.server.counter;
  counters[server + ServerCounter.bytesIn]! += bytesIn;
  counters[server + ServerCounter.bytesOut]! += bytesOut;
}

/** A session in which nobody said a word and the client closed: a port scan or a check (HAProxy's dontlognull). */
function isEmptyStream(engine: Engine, client: Client): boolean {
  if (!client.frontend.tcp || !engine.options.ignoreEmpty) return false;
  return client.bytesIn === 0 && client.bytesOut === 0 && (client.endCause === DASH || client.endCause === CLIENT);
}

function countServer(counters: Float64Array, client: Client, durationMs: number): void {
  const server = client.server!.counter;
  if (client.answerMs === 0 || client.connectedMs === 0) return;
  const responseMs = client.answerMs - client.connectedMs;
  counters[server + ServerCounter.queueMs]! += client.assignedMs - client.headMs;
  counters[server + ServerCounter.connectMs]! += client.connectedMs - client.assignedMs;
  counters[server + ServerCounter.responseMs]! += responseMs;
  counters[server + ServerCounter.totalMs]! += durationMs;
  counters[server + ServerCounter.responseTimes + latencyBound(responseMs)]! += 1;
}

/** The place of a duration in a latency histogram. */
function latencyBound(durationMs: number): number {
  let bound = 0;
  while (bound < LATENCY_BOUNDS_MS.length && durationMs > LATENCY_BOUNDS_MS[bound]!) bound++;
  return bound;
}

function logRequest(engine: Engine, client: Client, nowMs: number): void {
  const record = engine.record;
  record.startWallMs = client.startMs + engine.wallOffsetMs;
  record.client = client.logged ?? EMPTY;
  record.clientLength = record.client.length;
  record.clientPort = client.port;
  record.way = client.frontend.way(client.backend, client.server);
  record.tcp = client.frontend.tcp;
  record.status = client.status;
  record.bytesIn = client.bytesIn;
  record.bytesOut = client.bytesOut;
  // No choice between a time and -1 in one expression: it would make a number object for each request.
  record.requestMs = client.headMs - client.startMs;
  record.queueMs = client.assignedMs - client.headMs;
  if (client.assignedMs === 0 || !client.headDone) noteUnreached(client, record, nowMs);
  record.connectMs = client.connectedMs === 0 ? -1 : client.connectedMs - client.assignedMs;
  record.responseMs = client.answerMs === 0 || client.connectedMs === 0 ? -1 : client.answerMs - client.connectedMs;
  record.totalMs = nowMs - client.startMs;
  record.retries = client.retries;
  record.redispatched = client.redispatched;
  record.fault = client.fault;
  record.state0 = client.endCause;
  record.state1 = client.endPhase;
  const cookie = client.backend !== null && client.backend.cookie !== null;
  record.state2 = cookie ? client.cookieState : DASH;
  record.state3 = cookie ? client.setCookie : DASH;
  if (engine.log!.wantsCounts) countNow(engine, client, record);
  record.serverQueue = client.queuedForServer ? client.queuePosition : 0;
  record.backendQueue = client.queuedForServer ? 0 : client.queuePosition;
  record.requestId = client.requestId ?? EMPTY;
  record.requestIdLength = client.requestIdLength;
  lineOf(engine, client, record);
  engine.log!.write(record);
}

/**
 * Of one whose head never came, or that got to no server: -1, but for the time for which it waited in vain. What a tarpit
 * holds waits as well, and HAProxy then does not say when the head was there.
 */
function noteUnreached(client: Client, record: LogRecord, nowMs: number): void {
  const isHeld = client.endPhase === TARPIT;
  if (!client.headDone || isHeld) record.requestMs = -1;
  if (client.assignedMs > 0) return;
  record.queueMs = -1;
  if (client.hasQueued || isHeld) record.queueMs = nowMs - client.headMs;
}

/** Connections and requests under way at this moment, over all workers: of the node, the frontend, the backend, the server. */
function countNow(engine: Engine, client: Client, record: LogRecord): void {
  const { words, plan } = engine;
  let all = 0;
  for (const frontend of plan.frontends) all += Atomics.load(words, frontend.word);
  record.connections = all;
  record.frontendConnections = Atomics.load(words, client.frontend.word);
  record.serverSessions = client.server === null ? 0 : sessionsOf(engine, client.server);
  record.backendSessions = 0;
  if (client.backend === null) return;
  for (const server of client.backend.servers) record.backendSessions += sessionsOf(engine, server);
  record.backendSessions += Atomics.load(words, client.backend.word + BackendWord.queued);
}

function sessionsOf(engine: Engine, server: ServerPlan): number {
  let sessions = 0;
  for (const counters of engine.fleet) sessions += counters[server.counter + ServerCounter.currentSessions]!;
  return sessions;
}

function lineOf(engine: Engine, client: Client, record: LogRecord): void {
  const store = engine.logStore;
  const slot = client.logSlot;
  record.line = store.bytes;
  record.lineLength = 0;
  record.methodLength = 0;
  record.pathLength = 0;
  record.refererLength = 0;
  record.agentLength = 0;
  if (slot === NONE) return;
  record.lineFrom = slot * store.slotBytes;
  record.lineLength = store.lineLength[slot]!;
  record.methodLength = store.methodLength[slot]!;
  record.pathFrom = store.pathFrom[slot]!;
  record.pathLength = store.pathLength[slot]!;
  record.refererLength = store.refererLength[slot]!;
  record.agentLength = store.agentLength[slot]!;
}
