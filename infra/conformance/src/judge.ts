// Plays one case of the corpus against a running proxy and compares what happened with what may happen. A case
// passes with an empty list of complaints. After each case a canary on a new connection must get its own answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { expand, type RequestCase, type ResponseCase, type StrictMessage } from '@tospann/testing';
import { type Answer, answerOk, type Exchange, exchange, type Origin } from './wire.ts';

export interface Verdict {
  /** What was done: reject, timeout, forward; or forward, bad-gateway, gateway-timeout, abort. */
  readonly verdict: string;
  readonly statuses: readonly number[];
  /** Why the case is missed; empty if it passes. */
  readonly complaints: readonly string[];
}

/** One frontend of the proxy with the server behind it. Cases on a lane run one after another. */
export interface Lane {
  readonly address: string;
  readonly port: number;
  readonly origin: Origin;
}

const ends = ({ address, port }: Lane): Pick<Lane, 'address' | 'port'> => ({ address, port });
let canaries = 0;

/** Sends a plain request on a new connection; undefined if it gets its own answer, else a complaint. */
async function canary(lane: Lane): Promise<string | undefined> {
  const target = `/canary-${canaries++}`;
  const { answers } = await exchange({
    ...ends(lane),
    segments: [{ bytes: [`GET ${target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n`] }],
    methods: ['GET'],
    quietMs: 500,
    longestMs: 3000,
  });
  const answer = answers[0];
  const own = answer?.fields.some(([name, value]) => name.toLowerCase() === 'x-target' && value === target) ?? false;
  return own && answer?.status === 200 ? undefined : `canary got ${answer?.status}`;
}

/** Plays a client's bytes. */
export async function playRequest(lane: Lane, c: RequestCase): Promise<Verdict> {
  await lane.origin.reset();
  const methods = c.expect.requests.map((request) => request.method);
  const longestMs = 4500;
  const seen = await exchange({ ...ends(lane), segments: c.client, methods, quietMs: 250, longestMs });
  await sleep(10);
  const { requests, faults, received } = lane.origin;
  const verdict = requestVerdict(seen, requests.length, faults.length);
  const complaints = faults.map((fault) => `the server was sent invalid HTTP: ${fault}`);
  if (verdict === 'reject') complaints.push(...judgeRejection(c, seen));
  else if (verdict === 'timeout') {
    if (!c.expect.verdicts.includes('timeout')) complaints.push(`waits, but may only ${c.expect.verdicts.join('/')}`);
  } else if (verdict === 'forward') complaints.push(...judgeForwarded(c, seen, requests));
  else complaints.push(verdict);
  const reached = requests.length > 0 || faults.length > 0 ? received : '';
  for (const pattern of c.expect.originMustNot) {
    if (new RegExp(pattern, 'i').test(reached)) complaints.push(`the server was sent /${pattern}/`);
  }
  if (verdict === 'forward') {
    for (const pattern of c.expect.originMust) {
      if (!new RegExp(pattern, 'i').test(received)) complaints.push(`the server was not sent /${pattern}/`);
    }
  }
  const wrong = await canary(lane);
  if (wrong !== undefined) complaints.push(wrong);
  return { verdict, statuses: seen.answers.map((answer) => answer.status), complaints };
}

function requestVerdict(seen: Exchange, requests: number, faults: number): string {
  const first = seen.answers[0]?.status;
  if (faults > 0 && requests === 0) return 'forwarded invalid';
  if (requests > 0) return 'forward';
  if (first === 408 || first === 504) return 'timeout';
  if (first !== undefined && first >= 400) return 'reject';
  if (first !== undefined) return `answered ${first} itself`;
  return seen.closed && seen.elapsedMs < 800 ? 'closed without an answer' : 'timeout';
}

function judgeRejection(c: RequestCase, seen: Exchange): string[] {
  const complaints = [];
  const status = seen.answers[0]?.status ?? 0;
  if (!c.expect.verdicts.includes('reject')) complaints.push(`rejects, but may only ${c.expect.verdicts.join('/')}`);
  else if (!c.expect.rejectStatus.includes(status)) complaints.push(`rejects with ${status}`);
  if (!seen.closed) complaints.push('leaves the connection open after a rejection');
  return complaints;
}

function judgeForwarded(c: RequestCase, seen: Exchange, requests: readonly StrictMessage[]): string[] {
  const { expect } = c;
  if (!expect.verdicts.includes('accept') && !expect.verdicts.includes('normalise')) {
    return [`forwards, but may only ${expect.verdicts.join('/')}`];
  }
  const complaints: string[] = [];
  if (requests.length !== expect.requests.length) {
    complaints.push(`the server saw ${requests.length} requests, not ${expect.requests.length}`);
  }
  expect.requests.forEach((wanted, i) => {
    const request = requests[i];
    if (request === undefined) return;
    const target = typeof wanted.target === 'object' && wanted.target !== null ? expand(wanted.target) : wanted.target;
    if (wanted.method !== null && request.start[0] !== wanted.method) complaints.push(`method ${request.start[0]}`);
    if (target !== null && request.start[1] !== target) complaints.push(`target ${request.start[1].slice(0, 60)}`);
    if (wanted.body !== null && request.body !== wanted.body) complaints.push(`body ${i} differs`);
  });
  const statuses = seen.answers.map((answer) => answer.status);
  const missing = expect.responses.slice(statuses.length);
  if (missing.length > 0 && !(seen.closed && missing.every((status) => status >= 400))) {
    complaints.push(`answers ${statuses.join()} instead of ${expect.responses.join()}`);
  }
  expect.responses.forEach((wanted, i) => {
    const got = statuses[i];
    if (got === undefined) return;
    if (wanted >= 400 ? got < 400 : got !== wanted) complaints.push(`answer ${i} is ${got}, not ${wanted}`);
  });
  if (expect.mustClose && !seen.closed) complaints.push('leaves the connection open');
  return complaints;
}

/** Plays a server's bytes. */
export async function playResponse(lane: Lane, c: ResponseCase): Promise<Verdict> {
  let scripted = 0;
  let canaryConnection = 0;
  let tunnelled = '';
  const answer = async (socket: Parameters<typeof answerOk>[0], connection: number): Promise<void> => {
    scripted = connection;
    for (const segment of c.origin) {
      if (segment.delayMs !== undefined) await sleep(segment.delayMs);
      socket.write(Buffer.from(expand(segment.bytes), 'latin1'));
    }
    if (c.originAfter === 'close') socket.end();
    if (c.originAfter === 'rst') socket.resetAndDestroy();
  };
  const early = c.category === 'upstream-early';
  await lane.origin.reset({
    request: (socket, request, connection) => {
      if (!request.start[1].startsWith('/canary')) return early ? undefined : answer(socket, connection);
      canaryConnection = connection;
      answerOk(socket, request);
      return undefined;
    },
    begun: (socket, _target, connection) => {
      if (early) void answer(socket, connection);
      return early;
    },
  });
  const stalls = c.category === 'upstream-stall';
  const seen = await exchange({
    ...ends(lane),
    segments: c.client,
    methods: c.methods,
    quietMs: stalls ? 4500 : 250,
    longestMs: stalls ? 4800 : 3600,
  });
  await sleep(10);
  tunnelled = lane.origin.received;
  const complaints = judgeAnswer(c, seen);
  const wrong = await canary(lane);
  if (wrong !== undefined) complaints.push(wrong);
  if (c.expect.noReuse && canaryConnection !== 0 && canaryConnection === scripted) {
    complaints.push('a spoilt server connection was used again');
  }
  if (c.expect.status === 426 && tunnelled.includes('BINARY')) complaints.push('tunnels after a refused handshake');
  return { verdict: answerVerdict(seen), statuses: seen.answers.map(({ status }) => status), complaints };
}

function answerVerdict(seen: Exchange): string {
  const answer: Answer | undefined = seen.answers[0];
  if (answer === undefined) return seen.closed ? 'closed without an answer' : 'no answer';
  if (answer.status === 504) return 'gateway-timeout';
  if (answer.status === 500 || answer.status === 502 || answer.status === 503) return 'bad-gateway';
  if (answer.complete) return 'forward';
  return seen.closed ? 'abort' : 'stalled';
}

function judgeAnswer(c: ResponseCase, seen: Exchange): string[] {
  const { expect } = c;
  const complaints: string[] = [];
  const verdict = answerVerdict(seen);
  const answer = seen.answers[0];
  const cut = /trunc|stall|chunk-bad|chunk-overflow/.test(c.id);
  if (cut && answer?.untilClose === true && verdict === 'forward') complaints.push('a cut answer looks complete');
  if (!(expect.verdicts as readonly string[]).includes(verdict)) {
    complaints.push(`${verdict}, but may only ${expect.verdicts.join('/')}`);
  }
  if (verdict === 'forward' && answer !== undefined) complaints.push(...judgePassed(c, answer, seen.rest));
  if (seen.answers.length > expect.finals)
    complaints.push(`${seen.answers.length} answers to ${expect.finals} requests`);
  for (const pattern of expect.clientMust) {
    if (!new RegExp(pattern, 'i').test(seen.received)) complaints.push(`the client does not see /${pattern}/`);
  }
  for (const pattern of expect.clientMustNot) {
    if (new RegExp(pattern, 'i').test(seen.received)) complaints.push(`the client sees /${pattern}/`);
  }
  if (expect.clientClose && !seen.closed) complaints.push('leaves the connection open');
  return complaints;
}

function judgePassed(c: ResponseCase, answer: Answer, rest: string): string[] {
  const complaints: string[] = [];
  if (answer.status !== c.expect.status) complaints.push(`status ${answer.status}, not ${c.expect.status}`);
  if (c.expect.body !== undefined && answer.body !== c.expect.body) complaints.push('the body differs');
  if (rest !== '') complaints.push(`bytes after the answer: ${JSON.stringify(rest.slice(0, 40))}`);
  return complaints;
}
