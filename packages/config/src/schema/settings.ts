// Schema of what holds for the whole pair: time-outs, HTTP behaviour, logs, the proxy process.
import { z } from 'zod';
import {
  choice,
  duration,
  either,
  field,
  FIELD_NAME,
  flag,
  list,
  mapping,
  networks,
  percent,
  text,
  wholeNumber,
} from './fields.ts';
import { errorPages } from './frontends.ts';

const DAY_MS = 86_400_000;

function timeout(doc: {
  readonly is: string;
  readonly change: string;
  readonly key: string;
  readonly value: string;
}): z.ZodPrefault<z.ZodType<number, string>> {
  return field(duration({ minMs: 1, maxMs: DAY_MS }).prefault(doc.value), {
    is: doc.is,
    range: 'duration, 1ms to 1d',
    default: doc.value,
    change: doc.change,
    example: `${doc.key}: ${doc.value}`,
  });
}

export const timeoutsSchema = mapping(
  {
    httpRequest: timeout({
      key: 'httpRequest',
      value: '10s',
      is: 'Time for a client to send a whole request head, after which it gets 408 (HAProxy: timeout http-request)',
      change: 'Raise it for clients on very slow links',
    }),
    queue: timeout({
      key: 'queue',
      value: '1m',
      is: 'Time that a request waits for a free place on a server, after which it gets 503',
      change: 'Lower it when users would rather see an error than wait',
    }),
    connect: timeout({
      key: 'connect',
      value: '10s',
      is: 'Time for a server to accept a connection, for each attempt',
      change: 'Lower it when the servers are on the same network: 2s is plenty there',
    }),
    client: timeout({
      key: 'client',
      value: '1m',
      is: 'Time in which a client must send or take something while a request is under way',
      change: 'Raise it for slow uploads and downloads with long pauses',
    }),
    server: timeout({
      key: 'server',
      value: '1m',
      is: 'Time in which a server must send or take something while it works on a request, after which the client gets 504',
      change: 'Raise it when pages take longer than this',
    }),
    httpKeepAlive: timeout({
      key: 'httpKeepAlive',
      value: '10s',
      is: 'Time that an idle client connection stays open for its next request',
      change: 'Lower it when idle connections use up maxConnections',
    }),
    check: timeout({
      key: 'check',
      value: '10s',
      is: 'Time that one health check may take where the backend does not say otherwise',
      change: 'Lower it when a slow server is as bad as a dead one',
    }),
    tunnel: timeout({
      key: 'tunnel',
      value: '1h',
      is: 'Time in which something must pass through an upgraded connection (WebSocket)',
      change: 'Raise it for applications whose connections are silent for longer',
    }),
  },
  'Time-outs for the whole pair.',
).prefault({});

const forwardedFor = mapping(
  {
    exceptFrom: field(networks(64).prefault([]), {
      is: 'Clients in these networks get no X-Forwarded-For: they are proxies that have written one',
      range: 'list of networks or addresses, IPv4 and IPv6, at most 64',
      default: 'none',
      change: 'Name your own proxies that stand before the pair',
      see: 'http.trustedProxies',
      example: 'exceptFrom: [127.0.0.0/8]',
    }),
  },
  "Adds X-Forwarded-For with the client's address (HAProxy: option forwardfor). Without this key nothing is added.",
);

const requestId = mapping(
  {
    header: field(text(FIELD_NAME.must, FIELD_NAME.form).prefault('X-Request-Id'), {
      is: 'The header that carries the id to the server',
      range: 'header name',
      default: 'X-Request-Id',
      change: 'Set it to the name that your applications know',
      example: 'header: X-Request-Id',
    }),
    respond: field(flag().prefault(false), {
      is: 'Send the header back to the client too',
      range: 'true or false',
      default: 'false',
      change: 'Set it so that users can name a request that failed',
      example: 'respond: true',
    }),
  },
  'Gives each request a unique id; one from a trusted proxy is kept.',
);

/** Statuses that may be retried, as in HAProxy's retry-on. */
const RETRY_STATUSES = [401, 403, 404, 408, 425, 429, 500, 501, 502, 503, 504] as const;

const RETRY_MUST = `empty, timeout, bad-answer or a status (${RETRY_STATUSES.join(', ')})`;

const retryReason = either(RETRY_MUST, {
  text: z.enum(['empty', 'timeout', 'bad-answer'], { error: RETRY_MUST }),
  number: z.literal(RETRY_STATUSES, { error: RETRY_MUST }),
});

function forwardedField(key: string, is: string): z.ZodPrefault<z.ZodBoolean> {
  return field(flag().prefault(false), {
    is,
    range: 'true or false',
    default: 'false',
    change: 'Set it when the servers need to know',
    see: 'http.trustedProxies',
    example: `${key}: true`,
  });
}

export const httpSchema = mapping(
  {
    forwardedFor: forwardedFor.optional(),
    serverClose: field(flag().prefault(false), {
      is: "Close the server's connection after each answer (HAProxy: option http-server-close)",
      range: 'true or false',
      default: 'false',
      change: 'Set it for servers that cannot keep connections open; it costs a TCP handshake for each request',
      example: 'serverClose: false',
    }),
    retries: field(wholeNumber(0, 100).prefault(3), {
      is: 'Further attempts to connect to a server after the first has failed',
      range: 'whole number, 0 to 100',
      default: '3',
      change: 'Lower it when a wrong answer soon is better than a right one later',
      see: 'timeouts.connect',
      example: 'retries: 3',
    }),
    redispatch: field(flag().prefault(true), {
      is: 'Let the last attempt go to another server, also against the session cookie (HAProxy: option redispatch)',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off when a session is worth nothing on another server',
      example: 'redispatch: true',
    }),
    retryOn: field(list(retryReason, { min: 1, max: 16 }).optional(), {
      is: 'What else than a failed connection is tried again, for idempotent requests without a body: a connection that ended without an answer, a time-out of the server, an answer that cannot be read, or a status (HAProxy: retry-on)',
      range: `list of ${RETRY_MUST}`,
      default: 'none: failed connections only',
      change: 'Set it when GET requests of your applications really change nothing',
      see: 'retries, retryBudget',
      example: 'retryOn: [empty, timeout, 503]',
    }),
    retryBudget: field(percent({ min: 0, max: 100 }).optional(), {
      is: 'Retries may be at most this share of the requests of the last 10 s, and 10 at least: retries must not become the load that breaks the servers',
      range: 'percentage, 0% to 100%',
      default: 'the engine takes 20%',
      change: 'Raise it when single failures are common and servers have room',
      see: 'retryOn',
      example: 'retryBudget: 20%',
    }),
    trustedProxies: field(networks(1000).min(1, { error: 'a list of 1 to 1000 values' }).optional(), {
      is: 'Proxies before the pair whose X-Forwarded-*, Forwarded and request id are believed; from anybody else these fields are replaced. The client is the last address of X-Forwarded-For that is not one of them',
      range: 'list of networks or addresses, IPv4 and IPv6',
      default: 'none: such fields are passed on, X-Forwarded-For is appended to, and nothing is believed',
      change: 'Name the proxies that stand before the pair; an empty guess is better than a wide one',
      example: 'trustedProxies: [10.0.0.0/8]',
    }),
    forwardedProto: forwardedField('forwardedProto', 'Tell the server the scheme of the client in X-Forwarded-Proto'),
    forwardedHost: forwardedField('forwardedHost', 'Tell the server the host of the request in X-Forwarded-Host'),
    forwardedPort: forwardedField('forwardedPort', 'Tell the server the port of the frontend in X-Forwarded-Port'),
    forwarded: forwardedField('forwarded', 'Tell the server all of it in Forwarded (RFC 7239)'),
    requestId: field(
      either('true, false or a mapping with header and respond', { flag: flag(), mapping: requestId }).optional(),
      {
        is: 'Give each request a unique id, in X-Request-Id or another header',
        range: 'true, false, or a mapping with header and respond',
        default: 'none',
        change: 'Set it to find one request in the logs of all that it passes',
        example: 'requestId: true',
      },
    ),
    normalize: field(flag().prefault(true), {
      is: 'Conditions and map keys look at the path as servers understand it: %XX of a character that may stand in a path is that character (also %2F), several slashes are one, the segments "." and ".." are resolved; at hosts without a dot at their end; at query parameters with %XX and "+" decoded. Texts and patterns of paths are compared with this form. What is sent on is not changed',
      range: 'true or false',
      default: 'true',
      change:
        'Set it to false only where conditions must see the bytes as the client sent them, as in HAProxy: then //admin, /%61dmin and /./admin are other paths than /admin, for the conditions but not for most servers. What a server makes beyond it (path parameters behind ";", backslashes, letter case, decoding twice) no condition sees',
      see: 'frontends.*.acls',
      example: 'normalize: true',
    }),
    similarHeaders: field(choice(['drop', 'keep']).prefault('drop'), {
      is: 'What becomes of a header of a request whose name has other signs than letters, digits and "-", and that a server which puts headers into variables (CGI, FastCGI, WSGI, PHP) takes for one that the proxy writes, or that a rule sets, removes or asks for: X_Forwarded_For is X-Forwarded-For there',
      range: 'drop or keep',
      default: 'drop',
      change:
        'Use keep only where no server does this: else a client says in X_Forwarded_For, X_Remote_User and the like what trustedProxies, setHeader and removeHeader are to prevent',
      see: 'trustedProxies',
      example: 'similarHeaders: drop',
    }),
    errorPages: field(errorPages.optional(), {
      is: 'Pages for errors that the proxy answers itself, by status, for all frontends',
      range: 'mapping from a status (400 to 599) to the absolute path of a file of at most 64KiB',
      default: 'none',
      change: 'Use it to speak to users in your own words; keep the files equal on both nodes',
      see: 'frontends.*.errorPages',
      example: 'errorPages: { 503: /etc/tospann/pages/busy.html }',
    }),
  },
  'How HTTP is handled, for the whole pair.',
).prefault({});

const access = mapping(
  {
    enabled: field(flag().prefault(true), {
      is: 'Write a line for each request',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off when something else logs every request',
      example: 'enabled: true',
    }),
    format: field(choice(['json', 'haproxy', 'combined']).prefault('json'), {
      is: "Form of a line: JSON, HAProxy's httplog, or Apache's combined",
      range: 'json, haproxy or combined',
      default: 'json',
      change: 'Choose what your log tools read',
      example: 'format: haproxy',
    }),
    ignoreEmpty: field(flag().prefault(true), {
      is: 'Write no line for connections that sent nothing (HAProxy: option dontlognull)',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off to see port scans and monitors',
      example: 'ignoreEmpty: true',
    }),
    file: field(text('an absolute path', /^\/[^\p{Cc}]{0,4094}$/u).optional(), {
      is: 'The file that gets the lines; SIGUSR1 opens it again after rotation',
      range: 'absolute path',
      default: 'standard output of the node',
      change: 'Set it where a tool wants a file',
      example: 'file: /var/log/tospann/access.log',
    }),
  },
  'The access log.',
).prefault({});

const privacy = mapping(
  {
    clientAddress: field(choice(['full', 'truncate', 'none']).prefault('truncate'), {
      is: "What of a client's address is written to logs: all, the network only (/24, /48), or nothing",
      range: 'full, truncate or none',
      default: 'truncate',
      change: 'Use full only with a reason and a retention that you can justify: an address is personal data',
      see: 'retentionDays',
      example: 'clientAddress: truncate',
    }),
    retentionDays: field(wholeNumber(1, 3650).prefault(14), {
      is: 'How long the access log is kept: its file is renamed each day, and days older than this are deleted. Without access.file the lines go to standard output, and who takes them keeps them',
      range: 'days, 1 to 3650',
      default: '14',
      change: 'Set it to what your privacy notice says',
      see: 'clientAddress',
      example: 'retentionDays: 14',
    }),
  },
  'Personal data in logs.',
).prefault({});

export const logSchema = mapping({ access, privacy }, 'Logs.').prefault({});

const error = 'auto or a whole number from 1 to 64';
const threadCount = z.union([z.literal('auto'), z.int({ error }).min(1, { error }).max(64, { error })], { error });

export const proxySchema = mapping(
  {
    engine: field(choice(['auto', 'ring', 'node']).prefault('auto'), {
      is: 'How sockets are driven: ring is io_uring, node is node:net, auto takes ring where the kernel has it',
      range: 'auto, ring or node',
      default: 'auto',
      change: 'Use ring to get an error instead of a slower fallback',
      example: 'engine: auto',
    }),
    threads: field(threadCount.prefault('auto'), {
      is: 'Worker threads that serve requests',
      range: 'auto or a whole number, 1 to 64',
      default: 'auto: the number of CPUs',
      change: 'Lower it to leave CPUs to something else',
      example: 'threads: auto',
    }),
    user: field(text('the name of a user', /^[a-z_][a-z0-9_-]{0,31}\$?$/i).prefault('tospann'), {
      is: 'The user that the proxy process becomes once its ports are open',
      range: 'user name',
      default: 'tospann',
      change: 'Change it when that name is taken on the machine',
      example: 'user: tospann',
    }),
  },
  'The process that serves requests.',
).prefault({});
