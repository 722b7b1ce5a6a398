// Lab helper. `echo NAME`: answers each datagram on port 25007 with its name. `probe ADDRESS SECONDS`: asks every 5 ms and
// prints one JSON line: asked, lost, the longest run of losses in ms, and who answered in which order.
import { createSocket } from 'node:dgram';

const port = 25_007;
const everyMs = 5;
const [mode, name = '', seconds = '1'] = process.argv.slice(2);

if (mode === 'echo') {
  const server = createSocket('udp4');
  server.on('message', (message, from) => server.send(`${message.toString()} ${name}`, from.port, from.address));
  server.bind(port, () => process.stdout.write('ready\n'));
} else probe();

function probe(): void {
  const answers = new Map<number, string>();
  const client = createSocket('udp4');
  client.on('message', (message) => {
    const [id, by = ''] = message.toString().split(' ');
    answers.set(Number(id), by);
  });
  client.on('error', () => {});
  let asked = 0;
  client.bind(0, () => {
    process.stdout.write('ready\n');
    const start = performance.now();
    const timer = setInterval(() => {
      const due = Math.floor((performance.now() - start) / everyMs);
      while (asked < due) client.send(String(asked++), port, name, () => {});
      if (performance.now() - start < Number(seconds) * 1000) return;
      clearInterval(timer);
      setTimeout(() => report(asked, answers), 300);
    }, everyMs);
  });

  function report(total: number, heard: ReadonlyMap<number, string>): void {
    let lost = 0;
    let run = 0;
    let longest = 0;
    const order: string[] = [];
    for (let id = 0; id < total; id++) {
      const by = heard.get(id);
      run = by === undefined ? run + 1 : 0;
      lost += by === undefined ? 1 : 0;
      longest = Math.max(longest, run);
      if (by !== undefined && order.at(-1) !== by) order.push(by);
    }
    process.stdout.write(`${JSON.stringify({ asked: total, lost, longestMs: longest * everyMs, order })}\n`);
    client.close();
  }
}
