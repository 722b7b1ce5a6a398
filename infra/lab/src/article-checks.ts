// What the founding article's site must look like through the floating address, as checks with a name and a reason:
// used by the demo and by the tests. Sends ordinary requests, changes nothing.
import { headerValues, type Answer, type HttpClient } from './http-client.ts';

/** One checked statement; `detail` says what was seen. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

interface Seen {
  readonly server: string;
  readonly peer: string;
  readonly rawHeaders: readonly string[];
}

const CLIENT_ADDRESS = '192.168.1.9';

/** Runs all checks against `http://ADDRESS` with a client of the lab. */
export async function checkArticleSite(client: HttpClient, address: string): Promise<readonly Check[]> {
  const url = `http://${address}/echo`;
  const fresh: Answer[] = [];
  for (let count = 0; count < 6; count++) fresh.push(await client.request(url));
  const servers = fresh.map((answer) => serverOf(answer));
  return [
    allAnswered(fresh),
    check('new clients alternate between the servers', alternates(servers), servers.join(' ')),
    cookieForm(fresh),
    check(
      'nobody but the client may cache the answer that sets the cookie',
      fresh.every(isPrivate),
      cacheControl(fresh),
    ),
    forwardedFor(fresh),
    ...(await stickiness(client, url)),
    await keepAlive(client, url),
  ];
}

function allAnswered(fresh: readonly Answer[]): Check {
  const statuses = fresh.map((answer) => (answer.error === '' ? String(answer.status) : answer.error));
  return check(
    'every request is answered with 200',
    fresh.every((answer) => answer.status === 200),
    statuses.join(' '),
  );
}

function cookieForm(fresh: readonly Answer[]): Check {
  const wanted = new Map([
    ['web1', 'SERVERID=s1; path=/'],
    ['web2', 'SERVERID=s2; path=/'],
  ]);
  const cookies = fresh.map((answer) => headerValues(answer.rawHeaders, 'set-cookie').join(' AND '));
  const ok = fresh.every((answer, index) => cookies[index] === wanted.get(serverOf(answer)));
  return check("the cookie has HAProxy's form and names the server", ok, [...new Set(cookies)].toSorted().join(', '));
}

function forwardedFor(fresh: readonly Answer[]): Check {
  const values = fresh.map((answer) => headerValues(seenBy(answer).rawHeaders, 'x-forwarded-for').join(' AND '));
  const ok = values.every((value) => value === CLIENT_ADDRESS);
  return check('the server reads the client address in X-Forwarded-For', ok, [...new Set(values)].join(', '));
}

async function stickiness(client: HttpClient, url: string): Promise<readonly Check[]> {
  const kept: string[] = [];
  let cookieSetAgain = false;
  let cookieForwarded = false;
  for (let count = 0; count < 8; count++) {
    const answer = await client.request(url, {
      headers: { cookie: count < 4 ? 'SERVERID=s2; other=1' : 'other=1; SERVERID=s1' },
    });
    kept.push(serverOf(answer));
    cookieSetAgain ||= headerValues(answer.rawHeaders, 'set-cookie').length > 0;
    cookieForwarded ||= headerValues(seenBy(answer).rawHeaders, 'cookie').some((value) => value.includes('SERVERID'));
  }
  const wanted = 'web2 web2 web2 web2 web1 web1 web1 web1';
  return [
    check('a client with the cookie stays with its server', kept.join(' ') === wanted, kept.join(' ')),
    check(
      'the cookie is not set again (indirect)',
      !cookieSetAgain,
      cookieSetAgain ? 'it was set again' : 'it was not',
    ),
    check(
      'the server does not see the cookie (indirect)',
      !cookieForwarded,
      cookieForwarded ? 'it was forwarded' : 'it was not',
    ),
  ];
}

async function keepAlive(client: HttpClient, url: string): Promise<Check> {
  const answers = [];
  for (let count = 0; count < 3; count++) answers.push(await client.request(url, { keepAlive: true }));
  const closed = answers.some((answer) => headerValues(answer.rawHeaders, 'connection').includes('close'));
  const ok = !closed && answers.every((answer) => answer.status === 200);
  return check(
    'the client may keep its connection',
    ok,
    closed ? 'an answer said close' : '3 answers on one connection',
  );
}

function check(name: string, ok: boolean, detail: string): Check {
  return { name, ok, detail };
}

/** Two servers take turns when each differs from the one before it. */
function alternates(servers: readonly string[]): boolean {
  return new Set(servers).size === 2 && servers.every((server, index) => index === 0 || server !== servers[index - 1]);
}

function isPrivate(answer: Answer): boolean {
  return headerValues(answer.rawHeaders, 'cache-control').some((value) =>
    /\b(private|no-cache|no-store)\b/.test(value),
  );
}

function cacheControl(fresh: readonly Answer[]): string {
  return [...new Set(fresh.flatMap((answer) => headerValues(answer.rawHeaders, 'cache-control')))].join(', ');
}

function serverOf(answer: Answer): string {
  return headerValues(answer.rawHeaders, 'x-origin')[0] ?? '';
}

/** What the server says it got. */
function seenBy(answer: Answer): Seen {
  try {
    return JSON.parse(answer.body) as Seen;
  } catch {
    return { server: '', peer: '', rawHeaders: [] };
  }
}
