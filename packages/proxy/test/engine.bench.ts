// What the engine itself costs for one small keep-alive request, without any kernel: a transport that answers at once.
//   node --conditions=@tospann/source --disable-warning=ExperimentalWarning packages/proxy/test/engine.bench.ts [REQUESTS]
// Prints ns a request and bytes allocated a request (0 is the law). With cookie, rule, forwardedFor and access log.
import { AccessLog } from '../src/core/access-log.ts';
import { Engine } from '../src/core/engine.ts';
import { LogRingReader, logRingBytes, LogRingWriter } from '../src/core/log-ring.ts';
import { initialWords, makePlan } from '../src/core/plan.ts';
import { sharedLayout } from '../src/core/shared.ts';
import type { Endpoint, Transport, TransportEvents } from '../src/core/transport.ts';
import { benchConfig } from './engine-bench.ts';

const BUFFER_BYTES = 65_536;
/** As many as on the ring, so that none are short. */
const BUFFERS = 4096;
const CLIENTS = 16;
const REQUEST = 'GET /index.php HTTP/1.1\r\nHost: 10.99.0.1:8001\r\n\r\n';
const ANSWER =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 17:47:56 GMT\r\nContent-Type: text/plain\r\n' +
  `Content-Length: 100\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(100)}`;

/** Clients that ask again as soon as they are answered, and servers that answer at once. */
class InstantTransport implements Transport {
  readonly kind = 'memory';
  readonly memory = new Uint8Array(BUFFER_BYTES * BUFFERS);
  readonly bufferBytes = BUFFER_BYTES;
  readonly bufferCount = BUFFERS;
  readonly receiveCount = BUFFERS / 2;
  readonly tickMs = 50;
  #events: TransportEvents | undefined;
  /** Stacks of free buffers: the first half is received into. */
  readonly #receives = Int32Array.from({ length: BUFFERS / 2 }, (_, i) => i);
  readonly #sends = Int32Array.from({ length: BUFFERS / 2 }, (_, i) => BUFFERS / 2 + i);
  #receiveFree = BUFFERS / 2;
  #sendFree = BUFFERS / 2;
  readonly #isServer = new Uint8Array(1024);
  #handles = CLIENTS;
  readonly #request = Buffer.from(REQUEST);
  readonly #answer = Buffer.from(ANSWER);
  /** Handles with a send that ends, then with bytes that arrive, in order. */
  readonly #sending = new Int32Array(1024);
  #sendCount = 0;
  #now = 1000;
  answers = 0;

  attach(events: TransportEvents): void {
    this.#events = events;
  }
  nowMs(): number {
    return this.#now;
  }
  again(): void {}

  receiveAtMost(): void {
    // It never comes to that.
  }

  expectMuch(): void {}

  takeBuffer(): number {
    return this.#sends[--this.#sendFree]! * BUFFER_BYTES;
  }
  releaseBuffer(offset: number): void {
    const id = Math.floor(offset / BUFFER_BYTES);
    if (id < BUFFERS / 2) this.#receives[this.#receiveFree++] = id;
    else this.#sends[this.#sendFree++] = id;
  }
  listen(): void {}
  silence(): void {}
  isSilent(): boolean {
    return true;
  }
  stopListening(): void {}
  connect(_endpoint: Endpoint): number {
    const handle = this.#handles++;
    this.#isServer[handle] = 1;
    queueMicrotask(() => this.#events?.connected(handle, 0));
    return handle;
  }
  peerAddress(): string {
    return '192.0.2.1';
  }
  peerPort(): number {
    return 50_000;
  }
  localEndpoint(): null {
    return null;
  }

  receive(): void {}
  send(handle: number): void {
    this.#sending[this.#sendCount++] = handle;
  }
  shutdownSend(): void {}
  relay(): boolean {
    return false;
  }
  close(): void {
    throw new Error('nothing closes here');
  }

  /** One turn: every send under way ends, and what it causes arrives. */
  turn(): void {
    const events = this.#events!;
    const count = this.#sendCount;
    this.#sendCount = 0;
    this.#now += 0.01;
    const handles = turnHandles;
    for (let i = 0; i < count; i++) handles[i] = this.#sending[i]!;
    for (let i = 0; i < count; i++) {
      const handle = handles[i]!;
      events.sent(handle);
      const server = this.#isServer[handle] === 1;
      if (!server) this.answers++;
      this.#arrive(handle, server ? this.#answer : this.#request);
    }
  }

  start(): void {
    for (let handle = 0; handle < CLIENTS; handle++) {
      this.#events!.accepted(handle, 0);
      this.#arrive(handle, this.#request);
    }
  }

  #arrive(handle: number, bytes: Uint8Array): void {
    const offset = this.#receives[--this.#receiveFree]! * BUFFER_BYTES;
    for (let i = 0; i < bytes.length; i++) this.memory[offset + i] = bytes[i]!;
    this.#events!.received(handle, offset, bytes.length);
  }
}

const turnHandles = new Int32Array(1024);
const config = benchConfig(['cookie']);
const layout = sharedLayout(config);
const transport = new InstantTransport();
const words = new Int32Array(new SharedArrayBuffer(layout.wordBytes));
initialWords(config, words);
const ring = new SharedArrayBuffer(logRingBytes(1 << 22));
const reader = new LogRingReader(ring);
const engine = new Engine(transport, makePlan(config), {
  timeouts: config.timeouts,
  http: config.http,
  addsForwardedFor: () => true,
  clientAddressInLog: 'full',
  ignoreEmpty: true,
  log: new AccessLog(new LogRingWriter(ring), 'json'),
  wallOffsetMs: () => 1_795_348_800_000,
  words,
  counters: new Float64Array(new SharedArrayBuffer(layout.counterBytes)),
  wakeOthers: () => undefined,
  onTick: () => undefined,
});
engine.listen(3, 0);
transport.start();
await new Promise((resolve) => setTimeout(resolve, 10));

function run(requests: number): void {
  const until = transport.answers + requests;
  for (let turns = 0; transport.answers < until; turns++) {
    transport.turn();
    if (turns % 64 === 0) reader.release(reader.peek().length);
  }
}

const total = Number(process.argv[2] ?? 1_000_000);
run(300_000);
for (let round = 0; round < 5; round++) {
  const heapBefore = process.memoryUsage().heapUsed;
  const start = process.cpuUsage();
  run(total / 5);
  const used = process.cpuUsage(start);
  const bytes = process.memoryUsage().heapUsed - heapBefore;
  const ns = ((used.user + used.system) * 1000) / (total / 5);
  process.stdout.write(`${ns.toFixed(0)} ns a request, ${(bytes / (total / 5)).toFixed(2)} bytes allocated\n`);
}
