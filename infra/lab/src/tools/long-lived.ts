// Clients whose connections live long: upgraded ones that send a numbered line every 50 ms and read it back, and downloads
// that never end a part early, each compared with what it must be. Run as
//   node long-lived.ts --target 192.168.1.200:80 --tunnels 50 --downloads 20 [--parts 150] [--partBytes 8000] [--partMs 40]
// A download that has ended begins anew. SIGTERM: the tunnels close by themselves once all lines are back, downloads run
// to their end; then {"event":"long-lived-end","tunnels":50,"echoed":9000,"broken":[],"downloads":80,"bytes":1,"bad":[]}.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';
import { Noise } from './noise.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const tunnelCount = numberOf(options, 'tunnels', 50);
const downloadCount = numberOf(options, 'downloads', 20);
const parts = numberOf(options, 'parts', 150);
const partBytes = numberOf(options, 'partBytes', 8000);
const partMs = numberOf(options, 'partMs', 40);
/** Nothing may stand still this long: a connection that hangs is as bad as a broken one. */
const silenceMs = 10_000;
/** A list of what went wrong does not grow for ever. */
const listed = 20;

const broken: string[] = [];
const bad: string[] = [];
let opened = 0;
let closed = 0;
let echoed = 0;
let downloads = 0;
let bytes = 0;
let underWay = 0;
let seed = 1;
let stopping = false;
let told = false;

function note(list: string[], text: string): void {
  if (list.length < listed) list.push(`${text} at ${Math.round(monotonicMs())}`);
}

class Tunnel {
  readonly #socket: Socket;
  #received = '';
  #open = false;
  #sent = 0;
  #back = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#socket = connect({ host: target.host, port: target.port, noDelay: true });
    this.#socket.write(
      `GET /tunnel HTTP/1.1\r\nHost: ${target.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    this.#socket.setTimeout(silenceMs, () => this.#end('silent'));
    this.#socket.on('data', (data: Buffer) => this.#take(data.toString('latin1')));
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('closed by the other side'));
  }

  #take(text: string): void {
    this.#received += text;
    if (!this.#open) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#received.startsWith('HTTP/1.1 101 ')) return this.#end(this.#received.slice(0, 40));
      this.#received = this.#received.slice(end + 4);
      this.#open = true;
      opened += 1;
      this.#timer = setInterval(() => this.#send(), 50);
      tellReady();
    }
    for (let end = this.#received.indexOf('\n'); end >= 0; end = this.#received.indexOf('\n')) {
      const line = this.#received.slice(0, end);
      if (Number(line) !== this.#back) return this.#end(`line ${this.#back} came back as ${line}`);
      this.#back += 1;
      echoed += 1;
      this.#received = this.#received.slice(end + 1);
    }
    if (stopping) this.leave();
  }

  /** Closes by itself once everything is back. */
  leave(): void {
    if (this.#back === this.#sent) this.#end('');
  }

  #send(): void {
    if (stopping) return;
    this.#socket.write(`${this.#sent++}\n`);
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    if (why !== '') note(broken, why);
    closed += 1;
    this.#socket.destroy();
    finishWhenDone();
  }
}

function download(): void {
  if (stopping) return;
  const own = seed++;
  const hash = createHash('sha256');
  let got = 0;
  let over = false;
  underWay += 1;
  const path = `/?seed=${own}&size=${partBytes}&chunks=${parts}&chunkDelayMs=${partMs}`;
  const asked = request({ host: target.host, port: target.port, path, agent: false, timeout: silenceMs });
  const end = (why: string): void => {
    if (over) return;
    over = true;
    underWay -= 1;
    downloads += 1;
    bytes += got;
    if (why !== '') note(bad, `${why} after ${got} bytes`);
    asked.destroy();
    download();
    finishWhenDone();
  };
  asked.on('response', (response) => {
    response.on('data', (data: Buffer) => {
      hash.update(data);
      got += data.length;
    });
    response.on('aborted', () => end('cut'));
    response.on('error', () => end('cut'));
    response.on('end', () => {
      const whole = response.statusCode === 200 && got === parts * partBytes;
      const right = createHash('sha256')
        .update(new Noise(own).take(parts * partBytes))
        .digest('hex');
      if (!whole) end(`status ${String(response.statusCode)}`);
      else end(hash.digest('hex') === right ? '' : 'corrupted');
    });
  });
  asked.on('timeout', () => end('silent'));
  asked.on('error', (error) => end(error.message));
  asked.end();
}

function tellReady(): void {
  if (told || opened < tunnelCount) return;
  told = true;
  say({ event: 'ready' });
}

function finishWhenDone(): void {
  if (!stopping || closed < tunnelCount || underWay > 0) return;
  say({ event: 'long-lived-end', tunnels: opened, echoed, broken, downloads, bytes, bad });
  process.exit(0);
}

// When all have broken it still waits to be asked.
setInterval(() => {}, silenceMs);
const tunnels = Array.from({ length: tunnelCount }, () => new Tunnel());
for (let count = 0; count < downloadCount; count++) setTimeout(download, count * (partMs + 3));
if (tunnelCount === 0) tellReady();
process.on('SIGTERM', () => {
  stopping = true;
  for (const tunnel of tunnels) tunnel.leave();
  finishWhenDone();
});
