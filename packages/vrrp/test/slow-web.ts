// Lab helper. `serve`: HTTP on the wildcard addresses of both families; `/` answers at once, `/slow` sends 150 x 1000 bytes over 3 s.
// `fetch ADDRESS COUNT`: that many slow transfers at once. `rate ADDRESS PER_SECOND SECONDS`: each request on a new
// connection. Both print one JSON line.
import { createServer, get, type RequestListener } from 'node:http';
import { tcpPort } from './lab.ts';

const [mode, address = '', count = '5', seconds = '3'] = process.argv.slice(2);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

if (mode === 'serve') {
  const answer: RequestListener = (request, response) => {
    if (request.url !== '/slow') return response.end('page');
    response.writeHead(200, { 'content-length': 150_000 });
    let sent = 0;
    const timer = setInterval(() => {
      response.write(Buffer.alloc(1000, '.'));
      if (++sent < 150) return;
      clearInterval(timer);
      response.end();
    }, 20);
    return response;
  };
  // As the proxy does it: a listener for each family, so that the guard's wildcard matches in both.
  createServer(answer).listen(tcpPort, '0.0.0.0', () =>
    createServer(answer).listen({ port: tcpPort, host: '::', ipv6Only: true }, () => say({ ready: true })),
  );
}

interface Transfer {
  readonly bytes: number;
  readonly error: string;
  readonly longestGapMs: number;
}

function fetchOne(path: string): Promise<Transfer> {
  return new Promise((resolve) => {
    let bytes = 0;
    let longestGapMs = 0;
    let lastMs = performance.now();
    const end = (error: string): void => resolve({ bytes, error, longestGapMs: Math.round(longestGapMs) });
    const request = get({ host: address, port: tcpPort, path, agent: false, timeout: 8000 }, (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
        lastMs = performance.now();
      });
      response.on('end', () => end(response.complete ? '' : 'cut short'));
      response.on('error', (error) => end(error.message));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', (error) => end(error.message));
  });
}

if (mode === 'fetch') {
  say({ ready: true });
  void Promise.all(Array.from({ length: Number(count) }, () => fetchOne('/slow'))).then((transfers) =>
    say({ transfers }),
  );
}

if (mode === 'rate') {
  say({ ready: true });
  const pending: Promise<Transfer>[] = [];
  const startMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * Number(count);
    while (pending.length < due) pending.push(fetchOne('/'));
    if (performance.now() - startMs < Number(seconds) * 1000) return;
    clearInterval(timer);
    void Promise.all(pending).then((results) => {
      const errors = results.filter(({ error }) => error !== '').map(({ error }) => error);
      say({ asked: results.length, failed: errors.length, errors: [...new Set(errors)] });
    });
  }, 5);
}
