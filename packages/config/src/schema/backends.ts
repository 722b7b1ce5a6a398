// Schema of backends: servers that do the same work, how one is chosen, and what keeps a client on it.
import { readEndpoint, readPercent } from '../units.ts';
import { aclSchema } from './acls.ts';
import { agentSchema, checkSchema, observeSchema } from './checks.ts';
import { choice, duration, field, flag, list, mapping, named, percent, reading, text, wholeNumber } from './fields.ts';
import { backendRuleSchema } from './rules.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 86_400_000;

const cookie = mapping(
  {
    name: field(text("a cookie name (letters, digits and !#$%&'*+-.^_`|~)", /^[!#$%&'*+\-.^_`|~\w]{1,64}$/), {
      is: 'The name of the cookie',
      range: 'cookie name, at most 64 characters',
      default: 'required',
      change: 'Change it when the site uses the same name for something else',
      example: 'name: SERVERID',
    }),
    mode: field(choice(['insert', 'rewrite', 'prefix', 'passive']).optional(), {
      is: "How the cookie comes about: insert sets it; rewrite puts the server's value into the cookie of that name that the application sets; prefix puts it before the application's value; passive only reads it",
      range: 'insert, rewrite, prefix or passive',
      default: 'the meaning of insert',
      change: 'Use prefix when clients take no second cookie',
      see: 'insert',
      example: 'mode: insert',
    }),
    insert: field(flag().prefault(true), {
      is: 'Set the cookie for clients that have none',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off when the servers set the cookie themselves',
      example: 'insert: true',
    }),
    indirect: field(flag().prefault(true), {
      is: 'Keep the cookie from the servers, and do not set it again for a client that has it',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off when the application reads the cookie',
      example: 'indirect: true',
    }),
    nocache: field(flag().prefault(true), {
      is: 'Add "Cache-control: private" to answers that set the cookie',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off only where no cache stands before the pair',
      example: 'nocache: true',
    }),
    preserve: field(flag().prefault(false), {
      is: 'Leave a cookie of that name alone that the server itself sets',
      range: 'true or false',
      default: 'false',
      change: 'Set it when the application ends its sessions by the cookie',
      example: 'preserve: true',
    }),
    httponly: field(flag().prefault(false), {
      is: 'Keep the cookie from scripts in the page',
      range: 'true or false',
      default: 'false',
      change: 'Set it: no script needs this cookie',
      example: 'httponly: true',
    }),
    secure: field(flag().prefault(false), {
      is: 'Let the client send the cookie over TLS only',
      range: 'true or false',
      default: 'false',
      change: 'Set it when all clients come over TLS',
      example: 'secure: true',
    }),
    sameSite: field(choice(['Strict', 'Lax', 'None']).optional(), {
      is: 'Whether the cookie goes along with requests that other sites cause',
      range: 'Strict, Lax or None',
      default: 'the choice of the client',
      change: 'Use None, with secure, when the site is shown in frames of others',
      see: 'secure',
      example: 'sameSite: Lax',
    }),
    domain: field(text('a domain name', /^\.?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}$/i).optional(), {
      is: 'The domain whose hosts get the cookie',
      range: 'domain name',
      default: 'the host of the request',
      change: 'Set it when a session spans several hosts',
      example: 'domain: example.com',
    }),
    maxIdle: field(duration({ minMs: 1000, maxMs: YEAR_MS }).optional(), {
      is: 'A session without a request for so long is placed anew (HAProxy: maxidle)',
      range: 'duration, 1s to 365d',
      default: 'no limit',
      change: 'Set it so that old sessions do not stick to their server for ever',
      example: 'maxIdle: 30m',
    }),
    maxLife: field(duration({ minMs: 1000, maxMs: YEAR_MS }).optional(), {
      is: 'A session of this age is placed anew (HAProxy: maxlife)',
      range: 'duration, 1s to 365d',
      default: 'no limit',
      change: 'Set it so that load evens out after a while',
      example: 'maxLife: 8h',
    }),
  },
  'Session cookie that keeps a client on its server (HAProxy: cookie).',
);

const server = mapping(
  {
    address: field(reading('an address or host name and a port, such as 10.10.10.1:80', readEndpoint), {
      is: 'Where the server listens. A host name is asked of the resolver again and again; its last good answer is kept when that fails',
      range: 'ADDRESS:PORT, [IPV6]:PORT or NAME:PORT',
      default: 'required',
      change: 'Change it when the server moves; prefer addresses: they need no resolver',
      example: 'address: 10.10.10.1:80',
    }),
    cookie: field(
      text(
        'a cookie value (1 to 64 characters, no blanks, quotes, commas or semicolons)',
        /^[!#-+\--:<-[\]-~]{1,64}$/,
      ).optional(),
      {
        is: "Value of the backend's cookie that means this server",
        range: 'cookie value, at most 64 characters',
        default: 'none: clients do not stay on this server',
        change: 'Set it on every server of a backend that has a cookie, and never change it afterwards',
        see: 'backends.*.cookie',
        example: 'cookie: s1',
      },
    ),
    weight: field(wholeNumber(0, 256).prefault(100), {
      is: 'Share of the requests compared with the other servers; 0 takes no new sessions',
      range: 'whole number, 0 to 256',
      default: '100',
      change: 'Change it when servers differ in strength; 0 takes a server out gently',
      example: 'weight: 100',
    }),
    maxConnections: field(wholeNumber(1, 1_000_000).optional(), {
      is: 'Requests that one node gives the server at one time; further ones wait in the queue (HAProxy: maxconn)',
      range: 'whole number, 1 to 1000000',
      default: 'no limit',
      change: 'Set it to what the server can work on at one time',
      see: 'timeouts.queue',
      example: 'maxConnections: 500',
    }),
    backup: field(flag().prefault(false), {
      is: 'Use this server only while no other of the backend can be used (HAProxy: backup)',
      range: 'true or false',
      default: 'false',
      change: 'Set it on a server that says sorry, or on one far away',
      example: 'backup: true',
    }),
    check: field(flag().prefault(true), {
      is: 'Whether the check of the backend is for this server, too; without it the server is taken as up',
      range: 'true or false',
      default: 'true',
      change: 'Switch it off on a server that says sorry and has no page for the check',
      see: 'check',
      example: 'check: false',
    }),
    sendProxy: field(choice(['v1', 'v2']).optional(), {
      is: 'Begin each connection with a PROXY protocol header that has the address of the client (HAProxy: send-proxy, send-proxy-v2)',
      range: 'v1 or v2',
      default: 'none',
      change: 'Set it when the server expects it, and only then',
      example: 'sendProxy: v2',
    }),
  },
  'One server.',
);

const hash = mapping(
  {
    name: field(text("a name (letters, digits and !#$%&'*+-.^_`|~)", /^[!#$%&'*+\-.^_`|~\w]{1,128}$/).optional(), {
      is: 'The header or cookie whose value is hashed, for balance header and cookie',
      range: 'name of a header or cookie',
      default: 'none: balance header and cookie need it',
      change: 'Set it to what stays the same for one user',
      see: 'balance',
      example: 'name: X-Tenant',
    }),
    wholeUri: field(flag().prefault(false), {
      is: 'For balance uri, hash the query too (HAProxy: balance uri whole)',
      range: 'true or false',
      default: 'false',
      change: 'Set it when the query chooses what a cache keeps',
      example: 'wholeUri: true',
    }),
    bound: field(
      reading('a percentage such as 125%', (written) => {
        const result = readPercent(written);
        const must = '0% or a percentage from 101% to 1000%';
        if (!result.ok) return { ...result, must };
        const fits = result.value === 0 || (result.value > 100 && result.value <= 1000);
        return fits ? result : { ok: false, reason: 'range', must };
      }).prefault('0%'),
      {
        is: 'A server gets at most so many percent of the average load; more goes to the next one (HAProxy: hash-balance-factor)',
        range: 'percentage, 101% to 1000%, or 0% for no bound',
        default: '0%',
        change: 'Set it to 125% or so when some keys are asked for far more often than others',
        example: 'bound: 125%',
      },
    ),
  },
  'What balance source, uri, header and cookie hash, and how; the hash is consistent, so that few clients move when a server comes or goes.',
);

const backend = mapping(
  {
    mode: field(choice(['http', 'tcp']).prefault('http'), {
      is: 'What is balanced; the same as that of the frontends that use it',
      range: 'http or tcp',
      default: 'http',
      change: 'Change it with the frontends',
      see: 'frontends.*.mode',
      example: 'mode: tcp',
    }),
    balance: field(
      choice(['roundrobin', 'leastconn', 'random2', 'source', 'uri', 'header', 'cookie', 'first']).prefault(
        'roundrobin',
      ),
      {
        is: 'How a server is chosen where no session cookie says it: in turn; the one with the fewest connections; the better of two drawn by lot; by a hash of the address, path, header or cookie of the client; or the first that has room. All but first respect the weight',
        range: 'roundrobin, leastconn, random2, source, uri, header, cookie or first',
        default: 'roundrobin',
        change: 'Use leastconn for long requests, random2 when several balancers share the servers, uri before caches',
        see: 'hash, servers.*.weight',
        example: 'balance: roundrobin',
      },
    ),
    hash: hash.optional(),
    cookie: cookie.optional(),
    check: checkSchema.optional(),
    observe: observeSchema.optional(),
    agent: agentSchema.optional(),
    slowStart: field(duration({ minMs: 100, maxMs: HOUR_MS }).optional(), {
      is: 'A server that comes back gets its weight over so long, in steps (HAProxy: slowstart)',
      range: 'duration, 100ms to 1h',
      default: 'none: its whole weight at once',
      change: 'Set it for servers that begin with cold caches',
      see: 'check',
      example: 'slowStart: 30s',
    }),
    panic: field(percent({ min: 0, max: 100 }).optional(), {
      is: 'With fewer usable servers than this share, all are used, also those that are down: a wrong check must not end the service',
      range: 'percentage, 0% to 100%',
      default: 'none: servers that are down are never used',
      change: 'Set it where a half-right answer is better than none',
      see: 'check',
      example: 'panic: 50%',
    }),
    maxConnections: field(wholeNumber(1, 1_000_000).optional(), {
      is: 'Requests under way at all servers of the backend at one time, on one node; further ones wait in the queue',
      range: 'whole number, 1 to 1000000',
      default: 'no limit',
      change: 'Set it to what lies behind all of the servers, such as a database, can work on',
      see: 'maxQueue, timeouts.queue',
      example: 'maxConnections: 2000',
    }),
    maxQueue: field(wholeNumber(1, 1_000_000).optional(), {
      is: 'Requests that may wait; further ones are answered 503 at once (HAProxy: maxqueue)',
      range: 'whole number, 1 to 1000000',
      default: 'no limit',
      change: 'Set it when users would rather see an error than wait',
      see: 'maxConnections, timeouts.queue',
      example: 'maxQueue: 500',
    }),
    abortOnClose: field(flag().prefault(false), {
      is: 'Take a client that has closed its sending side (FIN) as gone as long as no answer has begun: its place and its connection to the server are given up (HAProxy: option abortonclose). Without it a client is taken as gone only while it waits in the queue, since HTTP lets a client close its sending side and wait',
      range: 'true or false',
      default: 'false',
      change: 'Set it where clients leave when answers take long, and servers work for nobody',
      see: 'maxConnections, timeouts.server',
      example: 'abortOnClose: true',
    }),
    closeSessionsWhenDown: field(flag().prefault(false), {
      is: 'Close the connections of a server that goes down at once (HAProxy: on-marked-down shutdown-sessions)',
      range: 'true or false',
      default: 'false',
      change: 'Set it for connections that live long, such as those to a database',
      example: 'closeSessionsWhenDown: true',
    }),
    acls: named(aclSchema, 'Named conditions on requests, for the rules of this backend.').optional(),
    rules: list(backendRuleSchema, { min: 0, max: 1000 }).optional().meta({
      description:
        'Rules for the requests that a frontend has given to this backend, in order, behind those of the frontend (HAProxy: http-request in a backend); a request that none of them answers goes to a server.',
    }),
    servers: named(server, 'The servers by name; at least one.'),
  },
  'Servers that do the same work.',
);

export const backendsSchema = named(backend, 'Groups of servers, by name; at least one.');
