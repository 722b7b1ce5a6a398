// Both ends of a byte stream for the benchmark, as cheap as they come: a server that sends as many bytes as it is asked
// for or echoes, and a client that downloads, or asks and waits for the answer, over several connections.
//   stream-peer.ts serve ADDRESS PORT            the first line of a connection is `echo` or a number of bytes
//   stream-peer.ts download ADDRESS PORT CONNECTIONS BYTES      prints {"bytes","microseconds"}
//   stream-peer.ts talk ADDRESS PORT CONNECTIONS SECONDS        prints {"roundTrips","microseconds","p50","p99"}
import net from 'node:net';

const [what = '', host = '', port = '', connections = '1', amount = '0'] = process.argv.slice(2);
const MESSAGE = Buffer.alloc(100, 'm');
const PIECE = Buffer.alloc(256 * 1024, 'b');

function serve(): void {
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (line: Buffer) => {
      const end = line.indexOf(10);
      const order = line.toString('latin1', 0, end);
      if (order === 'echo') socket.on('data', (bytes: Buffer) => socket.write(bytes));
      else send(socket, Number(order));
    });
  });
  server.listen(Number(port), host);
}

function send(socket: net.Socket, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const length = Math.min(left, PIECE.length);
      left -= length;
      if (!socket.write(length === PIECE.length ? PIECE : PIECE.subarray(0, length))) return;
    }
    socket.end();
  };
  socket.on('drain', more);
  more();
}

/** One download; settles with the number of bytes that came. */
function download(bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let got = 0;
    const buffer = Buffer.alloc(1 << 20);
    const count = (length: number): boolean => {
      got += length;
      return true;
    };
    const socket = net.connect({ host, port: Number(port), onread: { buffer, callback: count } });
    socket.on('error', reject);
    socket.on('end', () => (got === bytes ? resolve(got) : reject(new Error(`${got} of ${bytes} bytes came`))));
    socket.write(`${bytes}\n`);
  });
}

/** Asks and waits, again and again; settles with the microseconds of each round trip. */
function talk(untilMs: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const took: number[] = [];
    const socket = net.connect({ host, port: Number(port), noDelay: true });
    let got = 0;
    let sentMs = 0;
    const ask = (): void => {
      sentMs = performance.now();
      socket.write(MESSAGE);
    };
    socket.on('error', reject);
    socket.on('connect', () => {
      socket.write('echo\n');
      setTimeout(ask, 50); // the order must be a piece of its own
    });
    socket.on('data', (bytes: Buffer) => {
      got += bytes.length;
      if (got % MESSAGE.length > 0) return;
      took.push((performance.now() - sentMs) * 1000);
      if (performance.now() < untilMs) ask();
      else {
        socket.destroy();
        resolve(took);
      }
    });
  });
}

async function client(): Promise<void> {
  const startMs = performance.now();
  const each = Array.from({ length: Number(connections) });
  const microseconds = (): number => Math.round((performance.now() - startMs) * 1000);
  if (what === 'download') {
    const bytes = await Promise.all(each.map(() => download(Math.round(Number(amount) / each.length))));
    print({ bytes: bytes.reduce((a, b) => a + b), microseconds: microseconds() });
    return;
  }
  const took = (await Promise.all(each.map(() => talk(startMs + Number(amount) * 1000)))).flat();
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(took.length * share)] ?? NaN;
  print({ roundTrips: took.length, microseconds: microseconds(), p50: at(0.5), p99: at(0.99) });
}

function print(report: object): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

if (what === 'serve') serve();
else await client();
