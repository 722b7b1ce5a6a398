// A load balancer made of the npm package http-proxy, with the benchmark's features: round robin, session cookie,
// X-Forwarded-For, access log, keep-alive to the servers. node http-proxy.ts LISTEN SERVER,SERVER LOGFILE
import { createWriteStream } from 'node:fs';
import { Agent, createServer, ServerResponse, type IncomingMessage } from 'node:http';

import httpProxy from 'http-proxy';

const [listen = '', servers = '', logFile = ''] = process.argv.slice(2);
const [host = '', port = ''] = listen.split(':');
const targets = servers.split(',').map((server) => `http://${server}`);
const log = createWriteStream(logFile, { flags: 'a' });
const proxy = httpProxy.createProxyServer({ xfwd: true, agent: new Agent({ keepAlive: true, maxSockets: 256 }) });
const STATIC = /^\/(?:static|images|javascript|stylesheets)|\.(?:jpg|gif|png|css|js)$/i;
let turn = 0;

function serverOf(request: IncomingMessage): number {
  const kept = /(?:^|; *)SERVERID=s([12])/.exec(request.headers.cookie ?? '')?.[1];
  return kept === undefined ? turn++ % targets.length : Number(kept) - 1;
}

proxy.on('error', (_, __, response) => {
  if (response instanceof ServerResponse) response.writeHead(502).end();
});
createServer((request, response) => {
  const isStatic = STATIC.test(request.url ?? '');
  const server = isStatic ? 0 : serverOf(request);
  if (!isStatic && !(request.headers.cookie ?? '').includes('SERVERID=')) {
    response.setHeader('set-cookie', `SERVERID=s${server + 1}; path=/`);
    response.setHeader('cache-control', 'private');
  }
  response.on('finish', () => {
    const line = `${request.method ?? ''} ${request.url ?? ''}`;
    log.write(`${request.socket.remoteAddress ?? '-'} "${line}" ${response.statusCode}\n`);
  });
  proxy.web(request, response, { target: targets[server] ?? '' });
}).listen(Number(port), host);
