// HAProxy's statistics page: a listener of its own becomes admin.stats; in other sections it is refused, as the page
// is never served on the ports of users here. Passwords are not copied.
import { readBind } from '../units.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { collide } from './haproxy-frontend.ts';
import { isGuard, remarkOf } from './haproxy-guards.ts';
import { answerShared } from './haproxy-shared.ts';
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
  const stats = (draft.stats ??= { binds: [], guards: [] });
  if (address !== '' && readBind(bindOf(address)).ok) addBinds(context, stats, [bindOf(address)]);
  const form =
    address === '' ? '' : '; an address on this line is the form of HAProxy 1.4, which HAProxy itself refuses today';
  report.answer(section.header, { verdict: 'taken', why: `the statistics page, with ";csv"${form}`, target: TARGET });
  for (const line of [...context.inherited.rules, ...lines]) answerStatsLine(context, line, stats);
  if (stats.binds.length === 0)
    report.answer(section.header, { verdict: 'refused', why: 'none of its listeners could be taken' });
}

type Stats = NonNullable<HaproxyContext['draft']['stats']>;

// oxlint-disable-next-line complexity -- long: the kinds of lines, one after another
function answerStatsLine(context: HaproxyContext, line: HaproxyLine, stats: Stats): void {
  const { report } = context;
  const [keyword = '', second = ''] = line.words;
  if (isGuard(line.words) || (second === 'http-request' && line.words[2] === 'deny')) {
    answerStatsGuard(context, line, stats);
  } else if (line.fault !== undefined) report.answer(line, { verdict: 'refused', why: line.fault, target: TARGET });
  else if (keyword === 'bind') answerStatsBind(context, line, stats);
  else if (keyword === 'mode') report.answer(line, { verdict: 'taken', why: 'HTTP', target: TARGET });
  else if (keyword === 'acl')
    report.answer(line, { verdict: 'refused', why: 'the page has no conditions: the rules that use it say more' });
  else if (keyword === 'http-request')
    report.answer(line, { verdict: 'refused', why: 'the page has no rules; metrics are at /metrics of admin.bind' });
  else if (keyword === 'stats' && second === 'uri') answerUri(context, line, stats);
  else if (keyword === 'stats')
    report.answer(
      line,
      SETTINGS[second] ?? { verdict: 'refused', why: `"stats ${second}" is not served by this version` },
    );
  else if (!answerShared(context, line))
    report.answer(line, { verdict: 'not-needed', why: 'it belongs to the old statistics page' });
}

// The page asks for a password, always; who may connect is decided by the address that it listens on.
function answerStatsGuard(context: HaproxyContext, line: HaproxyLine, stats: Stats): void {
  const isAuth = line.words[1] === 'auth' || line.words[2] === 'auth';
  if (isAuth) {
    const why = 'the page asks for a user and a password, always';
    context.report.answer(line, { verdict: 'not-needed', why, target: 'admin.stats.auth' });
    return;
  }
  stats.guards.push(remarkOf(line));
  const why =
    'the page has no rules: who may connect is decided by the address that it listens on, so its bind is FILL-IN, which "validate" refuses until you have decided';
  context.report.answer(line, { verdict: 'refused', why, target: `${TARGET}.bind`, decide: true });
}

/** Adds listeners; the first that something else has already is given back. */
function addBinds(context: HaproxyContext, stats: Stats, binds: readonly string[]): string | undefined {
  let taken: string | undefined;
  for (const address of binds) {
    const read = readBind(address);
    if (!read.ok) continue;
    const other = context.binds.find(({ bind }) => collide(bind, read.value));
    if (other === undefined) {
      context.binds.push({ bind: read.value, owner: 'the statistics page', address });
      stats.binds.push(address);
    } else taken ??= `"${other.address}" of "${other.owner}" takes the port already`;
  }
  return taken;
}

function bindOf(address: string): string {
  return address
    .replace(/^(?:ipv4@)?(?=:\d)/, '*')
    .replace(/^ipv4@/, '')
    .replace(/^0\.0\.0\.0:/, '*:')
    .replace(/^:::/, '[::]:');
}

function answerStatsBind(context: HaproxyContext, line: HaproxyLine, stats: Stats): void {
  const [, addresses = '', ...params] = line.words;
  const decisive = params.find((param) => param === 'ssl' || param === 'interface');
  const target = `${TARGET}.bind`;
  const written = addresses.split(',').map(bindOf);
  if (decisive !== undefined || !written.every((bind) => readBind(bind).ok)) {
    const why =
      decisive === 'ssl'
        ? 'the page is plain HTTP: the console on admin.bind has TLS'
        : decisive === undefined
          ? 'one address with one port can be listened on'
          : 'it was open to one interface only: listen on the address that the interface has';
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  const other = addBinds(context, stats, written);
  const why = other ?? `listens on ${written.join(', ')}`;
  context.report.answer(line, { verdict: other === undefined ? 'taken' : 'refused', why, target });
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
