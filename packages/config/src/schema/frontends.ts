// Schema of frontends: where clients connect, what is let in, which rules choose a backend.
import { readBind } from '../units.ts';
import { aclSchema } from './acls.ts';
import {
  absoluteFile,
  choice,
  either,
  field,
  flag,
  keyed,
  list,
  mapping,
  named,
  networks,
  rate,
  reading,
  reference,
  size,
  text,
  wholeNumber,
} from './fields.ts';
import { ruleSchema } from './rules.ts';
import { z } from 'zod';

const KIB = 1024;
const TIB = 1024 ** 4;

const address = reading('"*:PORT", "ADDRESS:PORT" or "[IPV6]:PORT"', readBind);

/** An address to listen on, or a mapping with it. */
export const bindSchema = either('"*:PORT", "ADDRESS:PORT", "[IPV6]:PORT", or a mapping with address', {
  text: address.transform((bind) => ({ bind, acceptProxyFrom: undefined })),
  mapping: mapping(
    {
      address: field(address, {
        is: 'Where to listen',
        range: '*:PORT, ADDRESS:PORT or [IPV6]:PORT',
        default: 'required',
        change: 'Prefer *:PORT: it serves every VIP and needs no change when an address moves',
        example: 'address: "*:80"',
      }),
      acceptProxyFrom: field(networks(64).min(1, { error: 'a list of 1 to 64 values' }).optional(), {
        is: 'Connections from these networks begin with a PROXY protocol header, version 1 or 2 (HAProxy: accept-proxy); others are taken as they are',
        range: 'list of networks or addresses, IPv4 and IPv6',
        default: 'none',
        change: 'Name the balancers that stand before the pair, and nothing else: who is named is believed',
        see: 'http.trustedProxies',
        example: 'acceptProxyFrom: [10.0.0.0/8]',
      }),
    },
    'An address to listen on, when there is more to say about it.',
  ).transform((bind) => ({ bind: bind.address, acceptProxyFrom: bind.acceptProxyFrom })),
}).transform(({ bind, acceptProxyFrom }) => (acceptProxyFrom === undefined ? bind : { ...bind, acceptProxyFrom }));

const SIZE_OR_ZERO = 'a size with a unit (B, KiB, MiB, GiB), or 0';

function sizeOrZero(range: { readonly min: number; readonly max: number }): z.ZodType<number> {
  return either(SIZE_OR_ZERO, { number: z.literal(0, { error: SIZE_OR_ZERO }), text: size(range) });
}

const limits = mapping(
  {
    maxHead: field(size({ min: KIB, max: 16 * KIB }).prefault('16KiB'), {
      is: 'Longest head of a request; a longer one is answered 431, or 414 when its first line is',
      range: 'size, 1KiB to 16KiB',
      default: '16KiB',
      change: 'Lower it when no client needs so much',
      example: 'maxHead: 16KiB',
    }),
    maxFields: field(wholeNumber(10, 512).prefault(128), {
      is: 'Most headers of a request; more are answered 431',
      range: 'whole number, 10 to 512',
      default: '128',
      change: 'Lower it when no client needs so many',
      example: 'maxFields: 100',
    }),
    maxBody: field(sizeOrZero({ min: 0, max: TIB }).prefault(0), {
      is: 'Longest body of a request; a longer one is answered 413',
      range: 'size, or 0 for no limit',
      default: '0',
      change: 'Set it to the largest upload that the application takes',
      example: 'maxBody: 10MiB',
    }),
    connectionsPerSource: field(wholeNumber(0, 1_000_000).prefault(0), {
      is: 'Connections of one source at one time; further ones are closed. A source is an IPv4 address or an IPv6 /64',
      range: 'whole number, 0 to 1000000; 0 for no limit',
      default: '0',
      change: 'Set it against floods; many people may share one address',
      see: 'exempt',
      example: 'connectionsPerSource: 100',
    }),
    connectionRate: field(rate().optional(), {
      is: 'Most new connections of one source in any period of this length, a window that slides; further ones are closed (HAProxy: stick-table conn_rate)',
      range: 'COUNT/PERIOD, period 1s to 1h',
      default: 'no limit',
      change: 'Set it against floods; many people may share one address',
      see: 'countRefused, exempt',
      example: 'connectionRate: 50/10s',
    }),
    requestRate: field(rate().optional(), {
      is: 'Most requests of one source in any period of this length, a window that slides; further ones are answered 429 (HAProxy: stick-table http_req_rate). A source waits for up to a 15th of the period longer than it must',
      range: 'COUNT/PERIOD, period 1s to 1h',
      default: 'no limit',
      change: 'Set it against robots; many people may share one address',
      see: 'countRefused, exempt',
      example: 'requestRate: 100/10s',
    }),
    countRefused: field(flag().prefault(true), {
      is: 'Refused connections and requests count in the two rates as well, as in HAProxy: who goes on in spite of refusals stays out until it rests for a period',
      range: 'true or false',
      default: 'true',
      change: 'Set it to false so that a source that never slows down gets its full rate again and again',
      see: 'connectionRate, requestRate',
      example: 'countRefused: true',
    }),
    exempt: field(networks(1000).prefault([]), {
      is: 'Sources without the three limits by source; connections of this machine itself have none',
      range: 'list of networks or addresses, IPv4 and IPv6',
      default: 'none',
      change: 'Name monitoring, offices and other proxies',
      example: 'exempt: [10.0.0.0/8]',
    }),
  },
  'What one client may send, counted over all workers of a node.',
);

const mediaType = text('a media type such as text/css, or text/*', /^[\w.+-]{1,64}\/(?:\*|[\w.+-]{1,64})$/);

/** What is compressed unless the file says otherwise: text in its many forms. */
const TEXT_TYPES = [
  'text/*',
  'application/json',
  'application/javascript',
  'application/xml',
  'application/manifest+json',
  'image/svg+xml',
];

const compression = mapping(
  {
    algorithms: field(list(choice(['br', 'gzip']), { min: 1, max: 2 }).prefault(['br', 'gzip']), {
      is: 'Encodings, the preferred one first where the client takes several alike',
      range: 'list of br and gzip',
      default: '[br, gzip]',
      change: 'Leave br out to save CPU time',
      example: 'algorithms: [br, gzip]',
    }),
    types: field(list(mediaType, { min: 1, max: 64 }).prefault(TEXT_TYPES), {
      is: 'Media types that are compressed',
      range: 'list of media types; text/* is all of text',
      default: `[${TEXT_TYPES.join(', ')}]`,
      change: 'Name no type that is compressed already: pictures, video, archives',
      example: 'types: [text/*, application/json]',
    }),
    minSize: field(sizeOrZero({ min: 0, max: 16 * KIB * KIB }).prefault('1KiB'), {
      is: 'Answers of known length that are shorter stay as they are',
      range: 'size, 0 to 16MiB',
      default: '1KiB',
      change: 'Raise it to save CPU time',
      example: 'minSize: 1KiB',
    }),
    level: field(wholeNumber(1, 9).prefault(4), {
      is: 'How hard to try: 1 is fast, 9 is small',
      range: 'whole number, 1 to 9',
      default: '4',
      change: 'Raise it where bandwidth costs more than CPU time; br goes no higher than 4',
      example: 'level: 4',
    }),
  },
  'Compresses answers for clients that take it. Without this key nothing is compressed.',
);

/** Files that are sent as the bodies of the answers that the proxy gives itself. */
export const errorPages = keyed({ must: 'a status from 400 to 599', form: /^[45]\d\d$/ }, absoluteFile());

const frontend = mapping(
  {
    bind: field(list(bindSchema, { min: 1, max: 64 }), {
      is: 'Where clients connect',
      range: 'list of *:PORT, ADDRESS:PORT, [IPV6]:PORT or the mapping below, 1 to 64; * is IPv4, [::] is IPv6',
      default: 'required',
      change: 'Prefer *:PORT: it serves every VIP and needs no change when an address moves',
      example: 'bind: ["*:80"]',
    }),
    mode: field(choice(['http', 'tcp']).prefault('http'), {
      is: 'What is balanced: HTTP requests, or whole TCP connections, whatever is in them',
      range: 'http or tcp',
      default: 'http',
      change: 'Use tcp for everything that is not HTTP, and for TLS that the servers end',
      see: 'backends.*.mode',
      example: 'mode: http',
    }),
    maxConnections: field(wholeNumber(1, 1_000_000).prefault(2000), {
      is: 'Client connections at one time on each node; further ones wait in the kernel (HAProxy: maxconn)',
      range: 'whole number, 1 to 1000000',
      default: '2000',
      change: 'Raise it when clients wait although servers are idle; each connection needs two file descriptors',
      example: 'maxConnections: 3000',
    }),
    acls: named(aclSchema, 'Named conditions on requests, for the rules of this frontend.').prefault({}),
    rules: list(ruleSchema, { min: 0, max: 1000 })
      .prefault([])
      .meta({ description: 'Rules in the order in which they are tried; defaultBackend takes what they leave.' }),
    defaultBackend: field(reference('a backend').optional(), {
      is: 'The backend of every request that no rule takes',
      range: 'name of a backend',
      default:
        'none: then the last rule must answer whatever comes to it (deny, redirect, return, tarpit or silentDrop, without a condition)',
      change: 'Change it with the backends',
      see: 'backends, rules',
      example: 'defaultBackend: app',
    }),
    limits: limits.optional(),
    compression: compression.optional(),
    errorPages: field(errorPages.optional(), {
      is: 'Pages for errors that the proxy answers itself, by status; those of http.errorPages hold for other statuses',
      range: 'mapping from a status (400 to 599) to the absolute path of a file of at most 64KiB',
      default: 'none',
      change: 'Use it to speak to users in your own words',
      see: 'http.errorPages',
      example: 'errorPages: { 503: /etc/tospann/pages/busy.html }',
    }),
  },
  'A place where clients connect, with the rules that choose a backend.',
);

export const frontendsSchema = named(frontend, 'Places where clients connect, by name; at least one.');

export const mapsSchema = named(
  mapping(
    {
      file: field(absoluteFile(), {
        is: 'The file: a key and a value in each line, with blanks between; "#" begins a comment. It is read again when it changes, without a reload',
        range: 'absolute path',
        default: 'required',
        change: 'Keep the file equal on both nodes',
        example: 'file: /etc/tospann/sites.map',
      }),
      match: field(choice(['exact', 'prefix', 'suffix']).prefault('exact'), {
        is: 'How a key is looked up: as a whole, by the longest entry that begins it, or by domain (suffix: an entry example.com is also for www.example.com)',
        range: 'exact, prefix or suffix',
        default: 'exact',
        change: 'Use prefix for paths and suffix for domains',
        example: 'match: exact',
      }),
    },
    'One map.',
  ),
  'Tables in files of their own, by name: what a key means, for instance which backend serves a host.',
).optional();
