// What a person does who comes from the founding article: imports its files, adds a pool for static files by rule, and
// under load drains web1 through the command line, loses web2 to a SIGKILL and gets it back, and reloads 20 times. No
// request fails, with connections that are kept and with new ones.
import { readFileSync, writeFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { Load, Pair, pause, startOrigin, until, VIP, type LabProcess, type LoadReport } from '../src/index.ts';

const RELOADS = 20;
/** Together 300 requests a second. */
const LOADS = [
  { path: '/', rps: 130, keepAlive: true },
  { path: '/', rps: 130, keepAlive: false },
  { path: '/static/a.css', rps: 40, keepAlive: true },
];

/** What the person adds to the imported file: a pool by rule, checks that look at answers, and a retry for GET. */
function withStaticPool(yaml: string): string {
  return yaml
    .replace(/^( +)defaultBackend: app$/m, '$1rules:\n$1  - { if: url_static, use: static }\n$1defaultBackend: app')
    .replace(
      /^backends:$/m,
      'backends:\n  static: { servers: { web1: { address: "10.10.10.1:80" }, web2: { address: "10.10.10.2:80" } } }',
    )
    .replace(/^http: \{/m, 'http: { retryOn: [empty],');
}

/** Requests that a server has got by now. */
async function countOf(origin: LabProcess): Promise<number> {
  const before = origin.events('counts').length;
  origin.signal('SIGUSR2');
  const line = await until('counts of a server', () => origin.events('counts')[before], { timeoutMs: 10_000 });
  const counts = line.json?.['counts'] as Record<string, number>; // origin.ts prints them so
  return counts['/'] ?? 0;
}

test('a user of the article drains, loses and reloads, and no request fails', { timeout: 180_000 }, async () => {
  await using pair = await Pair.create({ configure: withStaticPool });
  const owner = await pair.start();
  const loads = LOADS.map((load) => new Load(pair.client, { target: `${VIP}:80`, seconds: 150, ...load }));
  await Promise.all(loads.map(async (load) => await load.started()));
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await owner.command(args);
    expect(code, `tospann ${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };

  // Drain web1: it gets no further request, as these clients have no session there.
  const [web1, web2] = pair.origins as [LabProcess, LabProcess];
  await command('servers', 'drain', 'app/web1');
  let last = -1;
  await until(
    'web1 to be without requests for the application',
    async () => {
      const now = await countOf(web1);
      const quiet = now === last;
      last = now;
      await pause(500);
      return quiet;
    },
    { timeoutMs: 20_000 },
  );
  expect(await countOf(web2)).toBeGreaterThan(0);
  await command('servers', 'ready', 'app/web1');
  await until('web1 to be asked again', async () => (await countOf(web1)) > last, { timeoutMs: 20_000 });

  // web2's process dies, and comes back.
  await web2.stop({ signal: 'SIGKILL' });
  await pause(3000);
  const again = await startOrigin(pair.lab.node('web2'));
  await until('web2 to be asked again', async () => (await countOf(again)) > 0, { timeoutMs: 40_000, everyMs: 200 });

  // Reloads, each with a change.
  const yaml = readFileSync(pair.configFile, 'utf8');
  for (let i = 0; i < RELOADS; i++) {
    writeFileSync(pair.configFile, yaml.replace('retries: 3', `retries: ${3 + (i % 2)}`));
    await command('reload');
  }
  const reports = await Promise.all(loads.map(async (load) => await load.finish()));
  const told = (report: LoadReport): string =>
    `${report.ok} ok, ${report.failed} failed ${JSON.stringify(report.failures)}`;
  expect(
    reports.map(({ failed }) => failed),
    reports.map(told).join('; '),
  ).toEqual(LOADS.map(() => 0));
  for (const { ok } of reports) expect(ok).toBeGreaterThan(100);
});
