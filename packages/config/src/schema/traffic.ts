// Schema of what happens to requests: frontends with their rules, backends with their servers and checks.
import { readBind, readEndpoint } from '../units.ts';
import { choice, duration, field, flag, list, mapping, named, reading, text, wholeNumber } from './fields.ts';

const pathPattern = text('text that begins with "/" and has no blanks', /^\/[^\s\p{Cc}]*$/u);
const pathEnd = text('text of 1 to 1024 characters without blanks', /^[^\s\p{Cc}]{1,1024}$/u);

const acl = mapping(
  {
    pathExact: field(list(pathPattern, { min: 1, max: 1000 }).optional(), {
      is: "True when the request's path, without its query, is one of these (HAProxy: path)",
      range: 'list of paths, each from "/" on',
      default: 'none',
      change: 'Use it for single pages',
      example: 'pathExact: [/robots.txt]',
    }),
    pathPrefix: field(list(pathPattern, { min: 1, max: 1000 }).optional(), {
      is: "True when the request's path begins with one of these (HAProxy: path_beg)",
      range: 'list of prefixes, each from "/" on',
      default: 'none',
      change: 'Use it for a part of a site',
      example: 'pathPrefix: [/static/, /images/]',
    }),
    pathSuffix: field(list(pathEnd, { min: 1, max: 1000 }).optional(), {
      is: "True when the request's path ends with one of these (HAProxy: path_end)",
      range: 'list of endings',
      default: 'none',
      change: 'Use it for kinds of files',
      example: 'pathSuffix: [.jpg, .css]',
    }),
    ignoreCase: field(flag().prefault(false), {
      is: 'Compare without regard to upper and lower case of ASCII letters (HAProxy: -i)',
      range: 'true or false',
      default: 'false',
      change: 'Set it when the servers ignore the case of paths too',
      example: 'ignoreCase: true',
    }),
  },
  'A named condition on the path; it is true when any of its lists matches.',
);

const rule = mapping(
  {
    if: field(text('the name of one ACL', /^.{1,64}$/), {
      is: 'The ACL that must be true',
      range: 'name of one ACL of this frontend',
      default: 'required',
      change: 'Change it with the ACLs',
      see: 'acls',
      example: 'if: url_static',
    }),
    use: field(text('the name of a backend', /^.{1,64}$/), {
      is: 'The backend that gets the request then',
      range: 'name of a backend',
      default: 'required',
      change: 'Change it with the backends',
      see: 'backends',
      example: 'use: static',
    }),
  },
  'One routing rule (HAProxy: use_backend). The first rule that is true decides.',
);

const frontend = mapping(
  {
    bind: field(list(reading('"*:PORT" or "ADDRESS:PORT"', readBind), { min: 1, max: 64 }), {
      is: 'Where clients connect',
      range: 'list of *:PORT or ADDRESS:PORT, 1 to 64',
      default: 'required',
      change: 'Prefer *:PORT: it serves every VIP and needs no change when an address moves',
      example: 'bind: ["*:80"]',
    }),
    mode: field(choice(['http']).prefault('http'), {
      is: 'What is balanced: HTTP requests',
      range: 'http',
      default: 'http',
      change: 'There is nothing else in this version',
      example: 'mode: http',
    }),
    maxConnections: field(wholeNumber(1, 1_000_000).prefault(2000), {
      is: 'Client connections at one time on each node; further ones wait in the kernel (HAProxy: maxconn)',
      range: 'whole number, 1 to 1000000',
      default: '2000',
      change: 'Raise it when clients wait although servers are idle; each connection needs two file descriptors',
      example: 'maxConnections: 3000',
    }),
    acls: named(acl, 'Named conditions on requests, for the rules of this frontend.').prefault({}),
    rules: list(rule, { min: 0, max: 1000 })
      .prefault([])
      .meta({ description: 'Routing rules in the order in which they are tried; defaultBackend takes the rest.' }),
    defaultBackend: field(text('the name of a backend', /^.{1,64}$/), {
      is: 'The backend of every request that no rule takes',
      range: 'name of a backend',
      default: 'required',
      change: 'Change it with the backends',
      see: 'backends, rules',
      example: 'defaultBackend: app',
    }),
  },
  'A place where clients connect, with the rules that choose a backend.',
);

export const frontendsSchema = named(frontend, 'Places where clients connect, by name; at least one.');

const cookie = mapping(
  {
    name: field(text("a cookie name (letters, digits and !#$%&'*+-.^_`|~)", /^[!#$%&'*+\-.^_`|~\w]{1,64}$/), {
      is: 'The name of the cookie',
      range: 'cookie name, at most 64 characters',
      default: 'required',
      change: 'Change it when the site uses the same name for something else',
      example: 'name: SERVERID',
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
  },
  'Session cookie that keeps a client on its server (HAProxy: cookie NAME insert indirect nocache).',
);

const check = mapping(
  {
    type: field(choice(['http', 'tcp']).prefault('http'), {
      is: 'http sends a request and wants a 2xx or 3xx answer; tcp only connects',
      range: 'http or tcp',
      default: 'http',
      change: 'Use tcp for servers that have no page to ask for',
      example: 'type: http',
    }),
    method: field(text('a method in capital letters', /^[A-Z]{1,20}$/).prefault('GET'), {
      is: 'Method of the request of an http check',
      range: 'method, such as GET, HEAD or OPTIONS',
      default: 'GET',
      change: 'Use HEAD when the page is large',
      see: 'path',
      example: 'method: GET',
    }),
    path: field(pathPattern.prefault('/'), {
      is: 'Path of the request of an http check, with its query if it needs one',
      range: 'text from "/" on',
      default: '/',
      change: 'Set it to a page that fails when the application cannot work',
      example: 'path: /health',
    }),
    host: field(text('a host name, with a port if needed', /^[\w.-]{1,255}(?::\d{1,5})?$/).optional(), {
      is: 'Host field of the request of an http check',
      range: 'host or host:port',
      default: "the server's address and port",
      change: 'Set it when the servers choose the site by its name',
      example: 'host: www.example.com',
    }),
    interval: field(duration({ minMs: 10, maxMs: 86_400_000 }).prefault('2s'), {
      is: 'Time between two checks of a server (HAProxy: inter)',
      range: 'duration, 10ms to 1d',
      default: '2s',
      change: 'Lower it to see dead servers sooner, raise it for many servers',
      see: 'fastInterval, fall',
      example: 'interval: 2s',
    }),
    fastInterval: field(duration({ minMs: 10, maxMs: 86_400_000 }).optional(), {
      is: 'Time between two checks while the state is changing (HAProxy: fastinter)',
      range: 'duration, 10ms to interval',
      default: 'the value of interval',
      change: 'Set it to decide sooner once a first check has failed',
      see: 'interval',
      example: 'fastInterval: 500ms',
    }),
    timeout: field(duration({ minMs: 1, maxMs: 3_600_000 }).optional(), {
      is: 'Time that one check may take',
      range: 'duration, 1ms to 1h',
      default: 'the value of timeouts.check',
      change: 'Lower it when a slow server is as bad as a dead one',
      see: 'timeouts.check',
      example: 'timeout: 3s',
    }),
    rise: field(wholeNumber(1, 1000).prefault(2), {
      is: 'Good checks in a row that bring a server back',
      range: 'whole number, 1 to 1000',
      default: '2',
      change: 'Raise it when servers flap',
      example: 'rise: 2',
    }),
    fall: field(wholeNumber(1, 1000).prefault(3), {
      is: 'Bad checks in a row that take a server out',
      range: 'whole number, 1 to 1000',
      default: '3',
      change: 'Lower it to take dead servers out sooner, raise it when servers flap',
      example: 'fall: 3',
    }),
  },
  'Active health check of every server of the backend. Without it the servers are taken as up.',
);

const server = mapping(
  {
    address: field(reading('an IPv4 address and a port, such as 10.10.10.1:80', readEndpoint), {
      is: 'Where the server listens',
      range: 'IPv4 address:port',
      default: 'required',
      change: 'Change it when the server moves',
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
  },
  'One server.',
);

const backend = mapping(
  {
    balance: field(choice(['roundrobin']).prefault('roundrobin'), {
      is: 'How a server is chosen for a request without a cookie: in turn, by weight',
      range: 'roundrobin',
      default: 'roundrobin',
      change: 'There is nothing else in this version',
      example: 'balance: roundrobin',
    }),
    cookie: cookie.optional(),
    check: check.optional(),
    servers: named(server, 'The servers by name; at least one.'),
  },
  'Servers that do the same work.',
);

export const backendsSchema = named(backend, 'Groups of servers, by name; at least one.');
