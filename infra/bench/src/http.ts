// Tospann and its peers on the same requests, in turn: CPU a request, requests a second, latencies, and the ratio to
// HAProxy pair by pair.
//   node --conditions=@tospann/source infra/bench/src/http.ts [--pairs 7] [--seconds 5] [--size 100] [--connections 64]
//     [--contenders tospann,haproxy,nginx,http-proxy] [--haproxy-log ring|stdout] [--json FILE] [--proxy-cpu 0] [--other-cpu 1]
//     [--close] (a new connection for each request)  [--rate N] (requests a second, for latencies below saturation)
//     [--compress] (text, gzip at level 1; give --size above 2048)
//     [--threads N] (worker threads of Tospann, HAProxy and nginx; give them CPUs: --proxy-cpu 0,1)
// Needs root, haproxy, nginx, wrk, h2load (nghttp2-client) for --rate, curl. Nothing else should run on the machine.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { productCommand } from '@tospann/lab';

import { Bench, type RunResult } from './bench.ts';
import { haproxy, httpProxy, nginx, tospann, type Contender, type HaproxyLog, type Site } from './contenders.ts';
import { renderTable } from './table.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '5' },
    size: { type: 'string', default: '100' },
    connections: { type: 'string', default: '64' },
    contenders: { type: 'string', default: 'tospann,haproxy,nginx,http-proxy' },
    'haproxy-log': { type: 'string', default: 'ring' },
    json: { type: 'string' },
    'proxy-cpu': { type: 'string', default: '0' },
    'other-cpu': { type: 'string', default: '1' },
    close: { type: 'boolean', default: false },
    rate: { type: 'string' },
    threads: { type: 'string', default: '1' },
    compress: { type: 'boolean', default: false },
  },
});

const WARM_UP_SECONDS = 2;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function chosen(site: Site): Contender[] {
  const threads = Number(values.threads);
  const makers: Readonly<Record<string, () => Contender>> = {
    tospann: () => tospann(site, { product: productCommand(), engine: 'ring', threads }),
    'tospann-node': () => tospann(site, { product: productCommand(), engine: 'node', threads }),
    haproxy: () => haproxy(site, { log: values['haproxy-log'] as HaproxyLog, threads }),
    nginx: () => nginx(site, threads),
    'http-proxy': () => httpProxy(site, fileURLToPath(new URL('./tools/http-proxy.ts', import.meta.url))),
  };
  return values.contenders.split(',').map((name) => {
    const maker = makers[name];
    if (maker === undefined) throw new Error(`Cannot measure "${name}": known are ${Object.keys(makers).join(', ')}`);
    return maker();
  });
}

async function measureAll(bench: Bench, contenders: readonly Contender[]): Promise<RunResult[]> {
  const load = {
    connections: Number(values.connections),
    path: '/index.php',
    close: values.close,
    compress: values.compress,
    ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
  };
  const results: RunResult[] = [];
  for (const contender of contenders) {
    await bench.start(contender);
    const problems = bench.checkFeatures(contender);
    if (problems.length > 0) throw new Error(`Cannot compare ${contender.name}: ${problems.join('; ')}`);
    if (values.compress) {
      say(`${contender.name}: ${values.size} bytes become ${bench.compressedBytes(contender, load.path)}`);
    }
    await bench.measure(contender, { ...load, seconds: WARM_UP_SECONDS });
  }
  for (let pair = 1; pair <= Number(values.pairs); pair++) {
    for (const contender of contenders) {
      const before = bench.accessLogLines(contender);
      const result = await bench.measure(contender, { ...load, seconds: Number(values.seconds) });
      results.push(result);
      const cpu = result.cpuMicrosecondsPerRequest.toFixed(2);
      const logged = contender.accessLog === undefined ? '' : `, ${bench.accessLogLines(contender) - before} log lines`;
      say(
        `${pair} ${contender.name.padEnd(12)} ${cpu} us CPU a request, ${Math.round(result.requestsPerSecond)}/s, ${result.errors} errors${logged}`,
      );
    }
  }
  return results;
}

await using bench = await Bench.create({
  bodyBytes: Number(values.size),
  compress: values.compress,
  proxyCpu: values['proxy-cpu'],
  otherCpu: values['other-cpu'],
});
const results = await measureAll(bench, chosen(bench.site));
const description = `${values.size}-byte answers, ${values.connections} connections, ${values.pairs} runs of ${values.seconds} s each in turn, worker threads: ${values.threads}${values.compress ? ', gzip' : ''}${values.close ? ', a new connection for each request' : ''}${values.rate === undefined ? '' : `, ${values.rate} requests a second`}`;
process.stdout.write(`${renderTable(results, description)}\n`);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ options: values, results }, undefined, 2)}\n`);
