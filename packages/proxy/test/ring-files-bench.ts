// An experiment: does a ring save time when connections are registered with it (IORING_REGISTER_FILES) instead of being
// looked up by descriptor for each operation? An echo over loopback TCP, plain and registered in turn; prints CPU
// nanoseconds a message of the echo's thread. What it found stands in docs/performance.md.
//   node --conditions=@tospann/source packages/proxy/test/ring-files-bench.ts [--pairs 7] [--messages 200000] [--connections 64]
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
    pairs: { type: 'string', default: '7' },
    messages: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '64' },
    peer: { type: 'string' },
  },
});

const PORT = 29_500;
const MESSAGE_BYTES = 200;
const BUFFER_BYTES = 4096;
const BUFFERS = 256;
const REGISTER_FILES = 2;
const FIXED_FILE = 1;
const SEND = 1;

/** CPU time of this thread, ns: the main thread's id is the process's. */
function threadCpuNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
}

/** Echoes `messages` messages on a new ring and returns the CPU ns each cost. */
async function echo(isRegistered: boolean): Promise<number> {
  const connections = Number(values.connections);
  const messages = Number(values.messages);
  const ring = new IoUring({ entries: 1024, completionEntries: 4096 });
  const memory = mapMemory(BUFFERS * BUFFER_BYTES);
  const buffers = new BufferRing(ring, {
    address: memory.address,
    count: BUFFERS,
    bufferBytes: BUFFER_BYTES,
    group: 0,
  });
  for (let id = 0; id < BUFFERS; id++) buffers.give(id);
  const listener = openListener({ address: '127.0.0.1', port: PORT, backlog: 512, freeBind: false });
  const peer = startPeer();
  const fds = accept(ring, listener, connections);
  if (isRegistered) {
    const bytes = new Uint8Array(Int32Array.from(fds).buffer);
    const failed = registerRing(ring.fd, REGISTER_FILES, { bytes, count: fds.length });
    if (failed < 0) throw new Error(`io_uring_register refused the files: errno ${-failed}`);
  }
  const flags = isRegistered ? FIXED_FILE << 8 : 0;
  const receive = RingOp.RECV | (EntryFlag.BUFFER_SELECT << 8) | (IoPriority.RECV_MULTISHOT << 16) | flags;
  const arm = (i: number): void => ring.prepare(receive, isRegistered ? i : fds[i]!, 0, 0, 0, i, 0);
  for (let i = 0; i < connections; i++) arm(i);
  let echoed = 0;
  const handler = {
    // oxlint-disable-next-line max-params -- the interface of IoUring.reap
    complete(low: number, high: number, result: number, completion: number): void {
      if (high >= SEND) {
        buffers.give(high >>> 1);
        return;
      }
      if (result <= 0) throw new Error(`receive ended: ${result}`);
      const id = completion >>> 16;
      const at = memory.address + id * BUFFER_BYTES;
      ring.prepare(RingOp.SEND | flags, isRegistered ? low : fds[low]!, at, result, 0x4000, low, (id << 1) | SEND);
      echoed++;
      if ((completion & 2) === 0) arm(low);
    },
  };
  const before = threadCpuNs();
  for (;;) {
    ring.submitAndWait();
    ring.reap(handler);
    if (echoed >= messages) break;
  }
  const spent = threadCpuNs() - before;
  peer.kill('SIGKILL');
  ring.close();
  for (const fd of fds) closeFd(fd);
  closeFd(listener);
  if (peer.exitCode === null && peer.signalCode === null) await once(peer, 'exit');
  return spent / echoed;
}

function startPeer(): ChildProcess {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), '--peer', values.connections];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function accept(ring: IoUring, listener: number, count: number): number[] {
  const fds: number[] = [];
  for (let i = 0; i < count; i++) ring.prepare(RingOp.ACCEPT, listener, 0, 0, 0, 0, 0);
  while (fds.length < count) {
    ring.submitAndWait();
    // oxlint-disable-next-line max-params -- the interface of IoUring.reap
    ring.reap({ complete: (_low: number, _high: number, result: number) => void fds.push(result) });
  }
  return fds;
}

/** The other side: sends a message on each connection, and the next one as soon as it is back. */
async function bePeer(connections: number): Promise<void> {
  const { connect } = await import('node:net');
  const message = Buffer.alloc(MESSAGE_BYTES, 'x');
  for (let i = 0; i < connections; i++) {
    const socket = connect({ port: PORT, host: '127.0.0.1', noDelay: true }, () => socket.write(message));
    let got = 0;
    socket.on('data', (bytes) => {
      got += bytes.length;
      if (got < MESSAGE_BYTES) return;
      got = 0;
      socket.write(message);
    });
    socket.on('error', () => process.exit(0));
  }
}

if (values.peer !== undefined) await bePeer(Number(values.peer));
else {
  const plain: number[] = [];
  const registered: number[] = [];
  await echo(false); // warms the code
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    plain.push(await echo(false));
    registered.push(await echo(true));
  }
  const ratios = registered.map((ns, i) => ns / plain[i]!).toSorted((one, other) => one - other);
  const [least = NaN, middle = NaN, greatest = NaN] = [0, ratios.length >> 1, ratios.length - 1].map((i) => ratios[i]);
  process.stdout.write(
    `${Math.min(...plain).toFixed(0)} ns a message at least, registered ${Math.min(...registered).toFixed(0)} ns; ` +
      `ratio pair by pair ${middle.toFixed(3)} (${least.toFixed(3)} - ${greatest.toFixed(3)})\n`,
  );
}
