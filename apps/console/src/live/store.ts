// The page's state as signals, fed by the live stream: connects, notices silence, tries again with growing waits, and
// asks for the token when the session has ended. The only place that holds timers and the socket.
import { signal, type ReadonlySignal } from '@preact/signals';
import type { LiveMessage, PairStatus } from '@tospann/api/contract';
import { sampleOf } from '@tospann/api/pure';
import { waitMs } from '../core/backoff.ts';
import { extend, type Window } from '../core/rates.ts';
import { addSamples, type Samples } from '../core/series.ts';
import { readSession } from './session.ts';

/** What the page shows: nothing yet, the login, or the pair. */
export type Phase = 'starting' | 'login' | 'live';

/** The stream: `since` is when the last message came, on performance.now(). */
export interface Link {
  readonly isOpen: boolean;
  readonly heardAtMs: number;
  /** When the next attempt starts; undefined while none is planned. */
  readonly retryAtMs: number | undefined;
}

const phaseSignal = signal<Phase>('starting');
const pairSignal = signal<PairStatus | undefined>(undefined);
const windowsSignal = signal<ReadonlyMap<string, Window>>(new Map());
const samplesSignal = signal<Samples>(new Map());
const linkSignal = signal<Link>({ isOpen: false, heardAtMs: 0, retryAtMs: undefined });
const nodeNameSignal = signal('');
const nowSignal = signal(0);

export const phase: ReadonlySignal<Phase> = phaseSignal;
export const pair: ReadonlySignal<PairStatus | undefined> = pairSignal;
export const windows: ReadonlySignal<ReadonlyMap<string, Window>> = windowsSignal;
export const samples: ReadonlySignal<Samples> = samplesSignal;
export const link: ReadonlySignal<Link> = linkSignal;
export const nodeName: ReadonlySignal<string> = nodeNameSignal;
/** performance.now(), four times a second: for what grows old on the page. */
export const now: ReadonlySignal<number> = nowSignal;

// The node sends once a second: after this much silence its figures are old, and the connection is likely dead.
export const staleAfterMs = 3000;
const deadAfterMs = 8000;

let socket: WebSocket | undefined;
let failures = 0;
let retryTimer: ReturnType<typeof setTimeout> | undefined;

/** Starts the page: to be called once. */
export function start(): void {
  setInterval(tick, 250);
  window.addEventListener('online', reconnectNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && !linkSignal.value.isOpen) reconnectNow();
  });
  void connect();
}

/** Tries again at once: after a login, or when the operator does not want to wait. */
export function reconnectNow(): void {
  failures = 0;
  void connect();
}

/** Shows the login: after a logout. */
export function showLogin(): void {
  drop();
  clearTimeout(retryTimer);
  pairSignal.value = undefined;
  phaseSignal.value = 'login';
}

async function connect(): Promise<void> {
  clearTimeout(retryTimer);
  drop();
  linkSignal.value = { ...linkSignal.value, isOpen: false, retryAtMs: undefined };
  const session = await readSession();
  if (session === undefined) return retryLater();
  nodeNameSignal.value = session.node;
  if (!session.authenticated) return showLogin();
  open();
}

function open(): void {
  drop();
  const mine = new WebSocket(`${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.host}/api/v1/live`);
  socket = mine;
  mine.addEventListener('open', () => {
    if (socket === mine) linkSignal.value = { isOpen: true, heardAtMs: performance.now(), retryAtMs: undefined };
  });
  mine.addEventListener('message', (event) => {
    if (socket !== mine) return;
    failures = 0;
    // The node speaks its own contract to its own page; types only, so that zod stays out of the bundle.
    take(JSON.parse(String(event.data)) as LiveMessage);
  });
  mine.addEventListener('close', () => {
    if (socket === mine) retryLater();
  });
}

function take(message: LiveMessage): void {
  linkSignal.value = { isOpen: true, heardAtMs: performance.now(), retryAtMs: undefined };
  if (message.topic === 'history') {
    samplesSignal.value = addSamples(new Map(), message.data);
    return;
  }
  const { self, peer } = message.data;
  const heard = peer?.reachable && peer.status !== undefined ? [self, peer.status] : [self];
  const nextWindows = new Map(windowsSignal.value);
  for (const status of heard) nextWindows.set(status.node, extend(nextWindows.get(status.node) ?? [], status));
  windowsSignal.value = nextWindows;
  samplesSignal.value = addSamples(
    samplesSignal.value,
    heard.flatMap((status) => sampleOf(status, self.timeMs) ?? []),
  );
  pairSignal.value = message.data;
  phaseSignal.value = 'live';
}

function retryLater(): void {
  drop();
  failures += 1;
  const wait = waitMs(failures, Math.random());
  linkSignal.value = { ...linkSignal.value, isOpen: false, retryAtMs: performance.now() + wait };
  clearTimeout(retryTimer);
  retryTimer = setTimeout(() => void connect(), wait);
}

function drop(): void {
  const old = socket;
  socket = undefined;
  old?.close();
}

function tick(): void {
  nowSignal.value = performance.now();
  const { isOpen, heardAtMs } = linkSignal.value;
  // A dead network does not close a socket: silence does.
  if (isOpen && performance.now() - heardAtMs > deadAfterMs) retryLater();
}
