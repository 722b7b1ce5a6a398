// Experiments with one io_uring: an echo over loopback TCP, done as the ring transport does it and in another way, in turn;
// prints CPU time a message of the echo's thread, pair by pair. What was found stands in docs/performance.md.
//   node --conditions=@tospann/source packages/proxy/test/ring-ways-bench.ts --way registered|zero-copy
//     [--pairs 7] [--messages 200000] [--connections 64] [--bytes 200] [--buffer 4096]
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  BufferRing,
  closeFd,
  EntryFlag,
  IoPriority,
  IoUring,
  mapMemory,
  openListener,
  registerRing,
  RingOp,
} from '@tospann/linux';

const { values } = parseArgs({
  options: {
    way: { type: 'string', default: 'registered' },
    pairs: { type: 'string', default: '7' },
    messages: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '64' },
    bytes: { type: 'string', default: '200' },
    buffer: { type: 'string', default: '4096' },
    peer: { type: 'boolean', default: false },
  },
});

const PORT = 29_500;
const MESSAGE_BYTES = Number(values.bytes);
const BUFFER_BYTES = Number(values.buffer);
const CONNECTIONS = Number(values.connections);
const BUFFERS = 1024;
const REGISTER_FILES = 2;
const FIXED_FILE = 1;
const SEND_ZERO_COPY = 47;
const MSG_NOSIGNAL_WAITALL = 0x4100;
/** Bits of a completion: more to come of this entry; a zero-copy send's memory is free. */
const MORE = 2;
const NOTIFICATION = 8;

type Way = 'plain' | 'registered' | 'zero-copy';

/** CPU time of this thread, ns: the main thread's id is the process's. */
function threadCpuNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
}

/** One echo server on a ring of its own. */
class Echo {
  readonly #way: Way;
  readonly #ring = new IoUring({ entries: 4096, completionEntries: 16_384 });
  readonly #memory = mapMemory(BUFFERS * BUFFER_BYTES);
  readonly #buffers: BufferRing;
  readonly #fds: readonly number[];
  readonly #flags: number;
  bytes = 0;

  constructor(way: Way, listener: number) {
    this.#way = way;
    const place = { address: this.#memory.address, count: BUFFERS, bufferBytes: BUFFER_BYTES, group: 0 };
    this.#buffers = new BufferRing(this.#ring, place);
    for (let id = 0; id < BUFFERS; id++) this.#buffers.give(id);
    this.#fds = this.#accept(listener);
    this.#flags = way === 'registered' ? FIXED_FILE << 8 : 0;
    if (way === 'registered') this.#register();
    for (let i = 0; i < CONNECTIONS; i++) this.#arm(i);
  }

  run(bytes: number): void {
    while (this.bytes < bytes) {
      this.#ring.submitAndWait();
      this.#ring.reap(this);
    }
  }

  close(): void {
    this.#ring.close();
    for (const fd of this.#fds) closeFd(fd);
  }

  // oxlint-disable-next-line max-params -- the interface of IoUring.reap
  complete(low: number, high: number, result: number, flags: number): void {
    if (high > 0) {
      // A send: high is its buffer + 1. With zero-copy the memory is free at the notification.
      if (result < 0) throw new Error(`send failed: ${result}`);
      if (this.#way === 'zero-copy' && (flags & NOTIFICATION) === 0) return;
      this.#buffers.give(high - 1);
      return;
    }
    if (result <= 0) throw new Error(`receive ended: ${result}`);
    this.bytes += result;
    this.#send(low, flags >>> 16, result);
    if ((flags & MORE) === 0) this.#arm(low);
  }

  #send(connection: number, id: number, length: number): void {
    const operation = (this.#way === 'zero-copy' ? SEND_ZERO_COPY : RingOp.SEND) | this.#flags;
    const at = this.#memory.address + id * BUFFER_BYTES;
    this.#ring.prepare(operation, this.#target(connection), at, length, MSG_NOSIGNAL_WAITALL, connection, id + 1);
  }

  #arm(connection: number): void {
    const operation = RingOp.RECV | (EntryFlag.BUFFER_SELECT << 8) | (IoPriority.RECV_MULTISHOT << 16) | this.#flags;
    this.#ring.prepare(operation, this.#target(connection), 0, 0, 0, connection, 0);
  }

  #target(connection: number): number {
    return this.#way === 'registered' ? connection : this.#fds[connection]!;
  }

  #register(): void {
    const bytes = new Uint8Array(Int32Array.from(this.#fds).buffer);
    const failed = registerRing(this.#ring.fd, REGISTER_FILES, { bytes, count: this.#fds.length });
    if (failed < 0) throw new Error(`io_uring_register refused the files: errno ${-failed}`);
  }

  #accept(listener: number): number[] {
    const fds: number[] = [];
    for (let i = 0; i < CONNECTIONS; i++) this.#ring.prepare(RingOp.ACCEPT, listener, 0, 0, 0, 0, 0);
    // oxlint-disable-next-line max-params -- the interface of IoUring.reap
    const complete = (_low: number, _high: number, result: number): void => void fds.push(result);
    for (;;) {
      this.#ring.submitAndWait();
      this.#ring.reap({ complete });
      if (fds.length >= CONNECTIONS) return fds;
    }
  }
}

/** CPU ns a message. */
async function measure(way: Way): Promise<number> {
  const listener = openListener({ address: '127.0.0.1', port: PORT, backlog: 512, freeBind: false });
  const peer = startPeer();
  const echo = new Echo(way, listener);
  echo.run(200 * MESSAGE_BYTES); // all connections are in it
  const bytes = echo.bytes;
  const before = threadCpuNs();
  echo.run(bytes + Number(values.messages) * MESSAGE_BYTES);
  const spent = threadCpuNs() - before;
  const messages = (echo.bytes - bytes) / MESSAGE_BYTES;
  peer.kill('SIGKILL');
  echo.close();
  closeFd(listener);
  if (peer.exitCode === null && peer.signalCode === null) await once(peer, 'exit');
  return spent / messages;
}

function startPeer(): ChildProcess {
  const own = process.argv.slice(2);
  const args = [...process.execArgv, fileURLToPath(import.meta.url), '--peer', ...own];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The other side: sends a message on each connection, and the next one as soon as it is back. */
async function bePeer(): Promise<void> {
  const { connect } = await import('node:net');
  const message = Buffer.alloc(MESSAGE_BYTES, 'x');
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect({ port: PORT, host: '127.0.0.1', noDelay: true }, () => socket.write(message));
    let got = 0;
    socket.on('data', (bytes) => {
      got += bytes.length;
      if (got < MESSAGE_BYTES) return;
      got -= MESSAGE_BYTES;
      socket.write(message);
    });
    socket.on('error', () => process.exit(0));
  }
}

if (values.peer) await bePeer();
else {
  const way = values.way as Way;
  const plain: number[] = [];
  const other: number[] = [];
  await measure('plain'); // warms the code
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    plain.push(await measure('plain'));
    other.push(await measure(way));
  }
  const ratios = other.map((ns, i) => ns / plain[i]!).toSorted((one, two) => one - two);
  const [least = NaN, middle = NaN, greatest = NaN] = [0, ratios.length >> 1, ratios.length - 1].map((i) => ratios[i]);
  process.stdout.write(
    `${MESSAGE_BYTES} bytes: ${Math.min(...plain).toFixed(0)} ns a message at least, ${way} ${Math.min(...other).toFixed(0)} ns; ` +
      `ratio pair by pair ${middle.toFixed(2)} (${least.toFixed(2)} - ${greatest.toFixed(2)})\n`,
  );
}
