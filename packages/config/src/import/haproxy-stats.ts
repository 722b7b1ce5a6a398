// HAProxy's statistics page: a listener of its own becomes admin.stats; in other sections it is refused, as the page
// is never served on the ports of users here. Passwords are not copied.
import { readBind } from '../units.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import type { HaproxyLine, HaproxySection } from './haproxy-text.ts';
import type { Answer } from './report.ts';

const TARGET = 'admin.stats';

// What the settings of the page become.
const SETTINGS: Readonly<Record<string, Answer>> = {
  enable: { verdict: 'taken', why: 'the page is served', target: TARGET },
  auth: {
    verdict: 'changed',
    why: 'this password is not copied: any user name with the token that "tospann token" prints as the password is let in; auth: { user, password } sets another one',
    target: 'admin.stats.auth',
  },
  refresh: { verdict: 'not-needed', why: 'the browser reloads the page' },
  realm: { verdict: 'not-needed', why: 'the page has a name of its own' },
  'hide-version': { verdict: 'not-needed', why: 'the page never shows a version' },
  'show-legends': { verdict: 'not-needed', why: 'it only shows more on the page' },
  'show-desc': { verdict: 'not-needed', why: 'it only shows more on the page' },
  'show-node': { verdict: 'not-needed', why: 'it only shows more on the page' },
  'show-modules': { verdict: 'not-needed', why: 'it only shows more on the page' },
  admin: {
    verdict: 'refused',
    why: 'the page only shows: "tospann servers" and the console change the state of servers',
  },
  scope: { verdict: 'refused', why: 'the page shows everything' },
  'http-request': { verdict: 'refused', why: 'the page asks for a user and a password, always' },
};

/** Takes a `listen` or `frontend` section that is only there for the page. */
export function importStats(context: HaproxyContext, section: HaproxySection, lines: readonly HaproxyLine[]): void {
  const { report, draft } = context;
  const address = section.rest[0] ?? '';
  const stats = (draft.stats ??= { binds: [] });
  if (address !== '' && readBind(bindOf(address)).ok) stats.binds.push(bindOf(address));
  const form =
    address === '' ? '' : '; an address on this line is the form of HAProxy 1.4, which HAProxy itself refuses today';
  report.answer(section.header, { verdict: 'taken', why: `the statistics page, with ";csv"${form}`, target: TARGET });
  for (const line of lines) {
    const [keyword = '', second = ''] = line.words;
    if (keyword === 'bind') answerStatsBind(context, line, stats.binds);
    else if (keyword === 'mode') report.answer(line, { verdict: 'taken', why: 'HTTP', target: TARGET });
    else if (keyword !== 'stats')
      report.answer(line, { verdict: 'not-needed', why: 'it belongs to the old statistics page' });
    else if (second === 'uri') answerUri(context, line, stats);
    else
      report.answer(
        line,
        SETTINGS[second] ?? { verdict: 'refused', why: `"stats ${second}" is not served by this version` },
      );
  }
  if (stats.binds.length === 0)
    report.answer(section.header, { verdict: 'refused', why: 'none of its listeners could be taken' });
}

function bindOf(address: string): string {
  return address
    .replace(/^(?:ipv4@)?(?=:\d)/, '*')
    .replace(/^ipv4@/, '')
    .replace(/^0\.0\.0\.0:/, '*:')
    .replace(/^:::/, '[::]:');
}

function answerStatsBind(context: HaproxyContext, line: HaproxyLine, binds: string[]): void {
  const [, addresses = '', ...params] = line.words;
  const target = `${TARGET}.bind`;
  const written = addresses.split(',').map(bindOf);
  if (params.includes('ssl') || !written.every((bind) => readBind(bind).ok)) {
    const why = params.includes('ssl')
      ? 'the page is plain HTTP: the console on admin.bind has TLS'
      : 'one address with one port can be listened on';
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  binds.push(...written);
  context.report.answer(line, { verdict: 'taken', why: `listens on ${written.join(', ')}`, target });
}

function answerUri(context: HaproxyContext, line: HaproxyLine, stats: { path?: string }): void {
  const written = line.words[2] ?? '';
  const path = written.replace(/[?;#].*$/, '');
  const fits = /^\/[^\s]{0,255}$/.test(path);
  if (fits && path !== '/') stats.path = path;
  const same = path === written;
  context.report.answer(line, {
    verdict: fits ? (same ? 'taken' : 'changed') : 'refused',
    why: same ? 'the path of the page' : 'a path without "?", ";" and "#" is served',
    target: `${TARGET}.path`,
  });
}

/** Answers a `stats` line of a section that serves something else, too. */
export function refuseStatsLine(context: HaproxyContext, line: HaproxyLine): void {
  const why =
    line.words[1] === 'auth'
      ? 'this password is not copied, and the page is not served on the ports of users'
      : 'the statistics page is not served on the ports of users: admin.stats gives it a listener of its own';
  context.report.answer(line, { verdict: 'refused', why, target: TARGET });
}
