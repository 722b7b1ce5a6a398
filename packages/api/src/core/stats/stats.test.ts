// The statistics rows, their CSV and their page, against what HAProxy's own readers rely on.
import { expect, test } from 'vitest';
import type { PairConfig } from '@tospann/config';
import { node, server } from '../../../test/fixture.ts';
import { STATS_COLUMNS } from './columns.ts';
import { statsCsv } from './csv.ts';
import { statsPage } from './page.ts';
import { Peaks } from './peaks.ts';
import { statsRows, watchedFigures } from './rows.ts';

const config: Pick<PairConfig, 'frontends' | 'backends'> = {
  frontends: [
    { name: 'main', binds: [], mode: 'http', maxConnections: 3000, acls: [], rules: [], defaultBackend: 'app' },
  ],
  backends: [
    {
      name: 'app',
      balance: 'leastconn',
      check: {
        type: 'http',
        method: 'GET',
        path: '/',
        intervalMs: 1,
        fastIntervalMs: 1,
        timeoutMs: 1,
        rise: 2,
        fall: 3,
      },
      servers: [
        { name: 'web1', address: '10.10.10.1', port: 80, weight: 100, cookie: 's1', maxConnections: 50 },
        { name: 'web2', address: '10.10.10.2', port: 80, weight: 100, backup: true },
      ],
    },
  ],
};

function status(): ReturnType<typeof node> {
  const base = node('lb1', 'master');
  return {
    ...base,
    proxy: {
      ...base.proxy!,
      backends: [
        {
          name: 'app',
          servers: [
            server('web1'),
            server('web2', { state: 'down', lastCheck: 'HTTP 503, wanted "200", or 3xx', address: '10.10.10.2' }),
          ],
        },
      ],
    },
  };
}

/** Reads the CSV as HAProxy's exporters do: columns by the names of the first line. */
function readCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const names = head.replace(/^# /, '').split(',');
  return lines.map((line) => {
    const fields = [...line.matchAll(/("(?:[^"]|"")*"|[^,]*),/g)].map(([, field = '']) =>
      field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
    );
    expect(fields.length, line).toBe(STATS_COLUMNS.length);
    return Object.fromEntries(fields.map((field, i) => [names[i] ?? '', field]));
  });
}

test('the CSV has a row for each frontend, server and backend, with the columns that scripts read', () => {
  const rows = readCsv(statsCsv(statsRows({ status: status(), config, peaks: new Peaks() })));
  expect(rows.map((row) => `${row['pxname']}/${row['svname']}`)).toEqual([
    'main/FRONTEND',
    'app/web1',
    'app/web2',
    'app/BACKEND',
  ]);
  expect(rows[0]).toMatchObject({ status: 'OPEN', slim: '3000', scur: '12', stot: '400', req_tot: '2000', type: '0' });
  expect(rows[0]).toMatchObject({ hrsp_2xx: '1980', hrsp_5xx: '2', ereq: '3', mode: 'http' });
  expect(rows[1]).toMatchObject({
    status: 'UP',
    slim: '50',
    weight: '100',
    act: '1',
    bck: '0',
    cookie: 's1',
    type: '2',
  });
  expect(rows[1]).toMatchObject({ check_status: 'L7OK', check_code: '200', check_duration: '3', lastchg: '65' });
  expect(rows[1]).toMatchObject({ qtime: '1', ctime: '2', rtime: '12', ttime: '20' });
  expect(rows[2]).toMatchObject({ status: 'DOWN', bck: '1', check_status: 'L7STS', check_code: '503', sid: '2' });
  expect(rows[2]?.['last_chk']).toBe('HTTP 503, wanted "200", or 3xx');
  expect(rows[3]).toMatchObject({ status: 'UP', act: '1', bck: '0', algo: 'leastconn', stot: '2000', type: '1' });
});

const drained = { admin: 'drain', status: 'drain', effectiveWeight: 0, live: false, takesTraffic: false } as const;
const maint = { ...drained, admin: 'maint', status: 'maint' } as const;
const waiting = { live: true, takesTraffic: false } as const;

// As HAProxy 2.6 shows the same servers: "act" and "bck" count what could serve, the weight is of what serves.
test.each([
  ['all serve', [{ takesTraffic: true, live: true, effectiveWeight: 30 }, waiting], 'UP', 30, 1, 1],
  ['on its backup', [drained, { live: true, takesTraffic: true, effectiveWeight: 5 }], 'UP', 5, 0, 1],
  ['drained and in maintenance', [drained, maint], 'DOWN', 0, 0, 0],
  ['weight 0', [{ weight: 0, effectiveWeight: 0 }, maint], 'DOWN', 0, 0, 0],
  ['down', [{ state: 'down' }, { state: 'down' }], 'DOWN', 0, 0, 0],
] as const)('the BACKEND row: %s', (...row) => {
  const [, [one, two], word, weight, act, bck] = row;
  const base = status();
  const backends = [{ name: 'app', servers: [server('web1', one), server('web2', two)] }];
  const rows = statsRows({ status: { ...base, proxy: { ...base.proxy!, backends } }, config, peaks: new Peaks() });
  expect(rows.find(({ svname }) => svname === 'BACKEND')).toMatchObject({ status: word, weight, act, bck });
});

test("a server row keeps its weight in drain and maintenance, and shows the agent's share while it is ready", () => {
  const base = status();
  const servers = [
    server('a', drained),
    server('b', maint),
    server('c', { effectiveWeight: 25 }),
    server('d', { weight: 0 }),
  ];
  const rows = statsRows({
    status: { ...base, proxy: { ...base.proxy!, backends: [{ name: 'app', servers }] } },
    config,
    peaks: new Peaks(),
  });
  const shown = rows.filter(({ type }) => type === 2).map((row) => [row.status, row.weight, row.act]);
  expect(shown).toEqual([
    ['DRAIN', 100, 1],
    ['MAINT', 100, 1],
    ['UP', 25, 1],
    ['UP', 0, 1],
  ]);
});

test('rates and maxima follow the counters and survive a counter that begins anew', () => {
  const peaks = new Peaks();
  const at = (requestsTotal: number, currentSessions: number): ReturnType<typeof watchedFigures> => {
    const now = status();
    const [backend] = now.proxy!.backends;
    const web1 = server('web1', { requestsTotal, currentSessions });
    return watchedFigures({ ...now, proxy: { ...now.proxy!, backends: [{ ...backend!, servers: [web1] }] } });
  };
  peaks.take(at(1000, 3), 1000);
  peaks.take(at(1500, 9), 2000);
  expect(peaks.of('s app/web1')).toEqual({ levelMax: 9, rate: 500, rateMax: 500 });
  peaks.take(at(10, 2), 4000);
  expect(peaks.of('s app/web1')).toEqual({ levelMax: 9, rate: 0, rateMax: 500 });
  peaks.take([], 5000);
  expect(peaks.of('s app/web1')).toEqual({ levelMax: 0, rate: 0, rateMax: 0 });
});

test('the page escapes every text and names states in words', () => {
  const rows = statsRows({ status: status(), config, peaks: new Peaks() });
  const heading = { node: '<lb1>', cluster: 'a&b', version: '1', uptimeMs: 61_000, refreshSeconds: 10, path: '/' };
  const page = statsPage(heading, [...rows, { pxname: 'x', svname: '<script>', status: 'UP', type: 2 }]);
  expect(page).toContain('Statistics Report for &lt;lb1&gt;');
  expect(page).toContain('a&amp;b');
  expect(page).not.toContain('<script>');
  expect(page).toContain('>DOWN<');
  expect(page).toContain('href="/;csv"');
});

test('what a server says cannot begin a row or act on a terminal or a page', () => {
  const base = status();
  const evil = 'HTTP 500\u001b]0;owned\u0007\r\nmain,FRONTEND,<b>,"';
  const backends = [{ name: 'app', servers: [server('web1', { lastCheck: evil }), server('web2')] }];
  const rows = statsRows({ status: { ...base, proxy: { ...base.proxy!, backends } }, config, peaks: new Peaks() });
  const csv = statsCsv(rows);
  expect(csv.trimEnd().split('\n').length).toBe(1 + rows.length);
  const heading = { node: 'lb1', cluster: 'c', version: '1', uptimeMs: 1, refreshSeconds: 0, path: '/' };
  for (const text of [csv, statsPage(heading, rows)]) expect(text).not.toMatch(/[^\P{Cc}\n]/u);
});

test('the queues stand in qcur, with the longest seen in qmax: who may go anywhere at the backend, the others at their server', () => {
  const peaks = new Peaks();
  const at = (anywhere: number, bound: number): ReturnType<typeof status> => {
    const now = status();
    const backends = [{ name: 'app', queued: anywhere, servers: [server('web1', { queued: bound }), server('web2')] }];
    return { ...now, proxy: { ...now.proxy!, backends } };
  };
  peaks.take(watchedFigures(at(7, 3)), 1000);
  peaks.take(watchedFigures(at(2, 1)), 2000);
  const rows = statsRows({ status: at(2, 1), config, peaks });
  expect(rows.map(({ svname, qcur, qmax }) => [svname, qcur, qmax])).toEqual([
    ['FRONTEND', undefined, undefined],
    ['web1', 1, 3],
    ['web2', undefined, undefined],
    ['BACKEND', 2, 7],
  ]);
});
