// The statistics as a page for people: one table for each frontend and backend, in the columns of HAProxy's page. No
// script, no other file; it works in any browser, and every text is plain and escaped.
import { plainText } from '@tospann/errors';
import type { StatsColumn, StatsRow } from './columns.ts';

/** What stands above the tables. */
export interface StatsHeading {
  readonly node: string;
  readonly cluster: string;
  readonly version: string;
  readonly uptimeMs: number;
  /** Seconds after which the page asks again; 0: never. */
  readonly refreshSeconds: number;
  /** Path of the page, for its links. */
  readonly path: string;
}

type Cell = readonly [title: string, column: StatsColumn];
type Group = readonly [title: string, cells: readonly Cell[]];

const GROUPS: readonly Group[] = [
  [
    'Session rate',
    [
      ['Cur', 'rate'],
      ['Max', 'rate_max'],
    ],
  ],
  [
    'Sessions',
    [
      ['Cur', 'scur'],
      ['Max', 'smax'],
      ['Limit', 'slim'],
      ['Total', 'stot'],
    ],
  ],
  [
    'Bytes',
    [
      ['In', 'bin'],
      ['Out', 'bout'],
    ],
  ],
  [
    'Errors',
    [
      ['Req', 'ereq'],
      ['Conn', 'econ'],
      ['Resp', 'eresp'],
    ],
  ],
  [
    'Warnings',
    [
      ['Retr', 'wretr'],
      ['Redis', 'wredis'],
    ],
  ],
  [
    'Answers',
    [
      ['2xx', 'hrsp_2xx'],
      ['3xx', 'hrsp_3xx'],
      ['4xx', 'hrsp_4xx'],
      ['5xx', 'hrsp_5xx'],
    ],
  ],
  [
    'Server',
    [
      ['Status', 'status'],
      ['Since (s)', 'lastchg'],
      ['Last check', 'last_chk'],
      ['Weight', 'weight'],
      ['Act', 'act'],
      ['Bck', 'bck'],
    ],
  ],
];

const STYLE = `body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:0 0 1.5rem}caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border:1px solid #8a929c;padding:.2rem .5rem;text-align:right}th{background:#eef1f4}
td:first-child,td.text{text-align:left}tr.up td{background:#e6f4e6}tr.down td{background:#fbe3e1}
tr.part td{background:#fff6da}tr.sum td{background:#eef1f4;font-weight:600}`;

/** The page. */
export function statsPage(heading: StatsHeading, rows: readonly StatsRow[]): string {
  const names = [...new Set(rows.map((row) => String(row.pxname)))];
  const tables = names.map((name) =>
    table(
      name,
      rows.filter((row) => row.pxname === name),
    ),
  );
  const refresh = heading.refreshSeconds > 0 ? `<meta http-equiv="refresh" content="${heading.refreshSeconds}">` : '';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${refresh}
<title>Statistics Report for ${escape(heading.node)}</title><style>${STYLE}</style></head><body>
<h1>Statistics Report for ${escape(heading.node)}</h1>
<p>Cluster ${escape(heading.cluster)}, Tospann ${escape(heading.version)}, up ${Math.floor(heading.uptimeMs / 1000)} s.
<a href="${escape(heading.path)};csv">CSV</a></p>
${tables.join('\n')}</body></html>\n`;
}

function table(name: string, rows: readonly StatsRow[]): string {
  const groups = GROUPS.map(([title, cells]) => `<th scope="colgroup" colspan="${cells.length}">${title}</th>`);
  const titles = GROUPS.flatMap(([, cells]) => cells.map(([title]) => `<th scope="col">${title}</th>`));
  return `<table><caption>${escape(name)}</caption><thead><tr><th rowspan="2" scope="col">Name</th>${groups.join('')}</tr>
<tr>${titles.join('')}</tr></thead><tbody>${rows.map(line).join('\n')}</tbody></table>`;
}

function line(row: StatsRow): string {
  const cells = GROUPS.flatMap(([, columns]) =>
    columns.map(([, column]) => {
      const value = row[column] ?? '';
      return `<td${typeof value === 'string' && value !== '' ? ' class="text"' : ''}>${escape(String(value))}</td>`;
    }),
  );
  return `<tr class="${shade(row)}"><td>${escape(String(row.svname))}</td>${cells.join('')}</tr>`;
}

/** The state is in the row's text too: the colour only helps. */
function shade(row: StatsRow): string {
  const status = String(row.status);
  if (row.type !== 2) return 'sum';
  if (status.startsWith('DOWN')) return 'down';
  return status === 'UP' || status === 'no check' ? 'up' : 'part';
}

function escape(text: string): string {
  return plainText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
