// CPU nanoseconds that one head costs: parse and write, for a request and its answer. Run it from packages/http:
//   node --conditions=@tospann/source src/request-head.bench.ts
// It prints the least and the median of several rounds of CPU time; other work on the machine makes figures worse,
// never better, so compare the least ones.
import { BodyKind } from './request-head.ts';
import { CookieFinder, ResponseHeadParser, ResponseHeadWriter } from './index.ts';
import { RequestHeadParser, RequestHeadWriter } from './index.ts';
import { ascii } from './bytes.ts';
import { FieldTable } from './field-table.ts';

const ROUNDS = 15;
const HEADS = 200_000;

const small = 'GET /index.html HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n';
const browser =
  'GET /shop/list?page=2&sort=price HTTP/1.1\r\nHost: www.example.test\r\nConnection: keep-alive\r\n' +
  'Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n' +
  'Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n' +
  'Cookie: session=0123456789abcdef; SERVERID=s1; theme=dark\r\nReferer: http://www.example.test/shop\r\n\r\n';
const answer =
  'HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sun, 22 Nov 2026 17:00:00 GMT\r\nContent-Type: text/html\r\n' +
  'Content-Length: 100\r\nLast-Modified: Sun, 22 Nov 2026 16:00:00 GMT\r\nETag: "abc"\r\nConnection: keep-alive\r\n\r\n';

const memory = new Uint8Array(1 << 20);
const request = new RequestHeadParser(memory);
const requestWriter = new RequestHeadWriter(request);
const response = new ResponseHeadParser(memory);
const responseWriter = new ResponseHeadWriter(response);
const finder = new CookieFinder(ascii('SERVERID'));
requestWriter.insert = ascii('X-Forwarded-For: 192.0.2.15\r\n');
responseWriter.insert = ascii('Set-Cookie: SERVERID=s1; path=/\r\n');
responseWriter.framing = BodyKind.LENGTH;

const IN = 16_384;
const OUT = 65_536;

function measure(name: string, text: string, once: (end: number) => number): void {
  memory.set(ascii(text), IN);
  const end = IN + text.length;
  let sink = 0;
  for (let i = 0; i < HEADS; i++) sink += once(end);
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < HEADS; i++) sink += once(end);
    const used = process.cpuUsage(before);
    figures.push(((used.user + used.system) * 1000) / HEADS);
  }
  figures.sort((a, b) => a - b);
  const [least, median] = [figures[0]!, figures[ROUNDS >> 1]!].map((figure) => figure.toFixed(0).padStart(5));
  process.stdout.write(`${name.padEnd(40)} ${least} ns least, ${median} ns median (${text.length} bytes, ${sink})\n`);
}

const fields = new FieldTable(memory, 128, false);
const browserFields = browser.slice(browser.indexOf('\r\n') + 2);

measure('request, small: parse', small, (end) => request.parse(IN, end, 0));
measure(
  'request, small: parse and write',
  small,
  (end) => request.parse(IN, end, 0) + requestWriter.write(OUT, 1 << 20),
);
measure('request, browser: fields only', browserFields, (end) => fields.scan(IN, end));
measure('request, browser: parse', browser, (end) => request.parse(IN, end, 0));
measure('request, browser: parse, cookie, write', browser, (end) => {
  const result = request.parse(IN, end, 0);
  if (finder.find(request)) requestWriter.removeCookie(finder);
  return result + requestWriter.write(OUT, 1 << 20);
});
measure('answer: parse', answer, (end) => response.parse(IN, end, 0));
measure('answer: parse and write', answer, (end) => response.parse(IN, end, 0) + responseWriter.write(OUT, 1 << 20));
