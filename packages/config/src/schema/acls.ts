// Schema of the named conditions of a frontend.
import { checkRegex } from '@tospann/regex';
import { z } from 'zod';
import type { ValueMatchConfig } from '../model.ts';
import { readHostName, isIpv4, isIpv6, type Reading } from '../units.ts';
import {
  either,
  field,
  FIELD_NAME,
  flag,
  keyed,
  list,
  mapping,
  networks,
  reading,
  text,
  wholeNumber,
} from './fields.ts';

const MANY = { min: 1, max: 1000 };

export const pathPattern = text('text that begins with "/" and has no blanks', /^\/[^\s\p{Cc}]*$/u);
const pathEnd = text('text of 1 to 1024 characters without blanks', /^[^\s\p{Cc}]{1,1024}$/u);
const plain = text('text of 1 to 1024 characters without control characters', /^[^\p{Cc}]{1,1024}$/u);

/** A pattern of the linear-time engine; it must fit in both cases, as ignoreCase stands elsewhere. */
export const regex = reading('a regular expression', (source): Reading<string> => {
  const problem = source === '' ? EMPTY : (checkRegex(source) ?? checkRegex(source, { ignoreCase: true }));
  if (problem === undefined) return { ok: true, value: source };
  const where = `${problem.reason} (character ${problem.position + 1})`;
  return { ok: false, reason: 'value', must: `a regular expression that can be matched in linear time: ${where}` };
});

const EMPTY = { position: 0, reason: 'it is empty' };

const hostPattern = reading('a host name without port, or "*." and a domain', (written): Reading<string> => {
  const name = written.replace(/^\*\./, '');
  const isAddress = isIpv4(written) || (/^\[.*\]$/.test(written) && isIpv6(written.slice(1, -1)));
  if (isAddress || readHostName(name).ok) return { ok: true, value: written.toLowerCase() };
  return {
    ok: false,
    reason: 'value',
    must: 'a host name without port, or "*." and a domain, such as "*.example.com"',
  };
});

const matches = {
  present: field(flag().prefault(false), {
    is: 'True when it is there at all, with any value',
    range: 'true or false',
    default: 'false',
    change: 'Use it when only the presence counts',
    example: 'present: true',
  }),
  exact: field(list(plain, MANY).optional(), {
    is: 'True when its value is one of these',
    range: 'list of texts',
    default: 'none',
    change: 'Use it for known values; a plain list instead of the mapping means the same',
    example: 'exact: [websocket]',
  }),
  prefix: field(list(plain, MANY).optional(), {
    is: 'True when its value begins with one of these (HAProxy: -m beg)',
    range: 'list of texts',
    default: 'none',
    change: 'Use it for families of values',
    example: 'prefix: [Mozilla/]',
  }),
  suffix: field(list(plain, MANY).optional(), {
    is: 'True when its value ends with one of these (HAProxy: -m end)',
    range: 'list of texts',
    default: 'none',
    change: 'Use it for families of values',
    example: 'suffix: [.example.com]',
  }),
  contains: field(list(plain, MANY).optional(), {
    is: 'True when its value has one of these in it (HAProxy: -m sub)',
    range: 'list of texts',
    default: 'none',
    change: 'Use it for words in a value',
    example: 'contains: [bot, crawler]',
  }),
  regex: field(list(regex, { min: 1, max: 100 }).optional(), {
    is: 'True when one of these regular expressions matches somewhere in its value (HAProxy: -m reg)',
    range: 'list of regular expressions without back-references and look-around',
    default: 'none',
    change: 'Use it when nothing simpler does; begin with ^ to bind it to the start',
    example: 'regex: ["^v[0-9]+$"]',
  }),
};

const COMPARED = 'How a value is compared; it is true when any of the lists matches.';

interface Matches {
  readonly present: boolean;
  readonly exact?: string[] | undefined;
  readonly prefix?: string[] | undefined;
  readonly suffix?: string[] | undefined;
  readonly contains?: string[] | undefined;
  readonly regex?: string[] | undefined;
}

const toMatch = (match: Matches): Omit<ValueMatchConfig, 'name'> => ({
  present: match.present,
  exact: match.exact ?? [],
  prefix: match.prefix ?? [],
  suffix: match.suffix ?? [],
  contains: match.contains ?? [],
  regex: match.regex ?? [],
});

const valueMatch = mapping(matches, COMPARED).transform(toMatch);

/** Which one of several values: 1 is the first, -1 the last. */
export const occurrence = z.literal([-10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], {
  error: 'a whole number from -10 to 10, but not 0',
});

const headerMatch = mapping(
  {
    ...matches,
    occurrence: field(occurrence.optional(), {
      is: 'Only this one of several is compared: 1 is the first, -1 the last (HAProxy: hdr(NAME,N))',
      range: 'whole number, -10 to 10, not 0',
      default: 'none: any of them',
      change: 'Use -1 for lists to which each proxy appends',
      example: 'occurrence: -1',
    }),
  },
  COMPARED,
).transform(({ occurrence: which, ...match }): Omit<ValueMatchConfig, 'name'> => ({
  ...toMatch(match),
  ...(which === undefined ? {} : { occurrence: which }),
}));

const EMPTY_MATCH: Omit<ValueMatchConfig, 'name'> = {
  present: false,
  exact: [],
  prefix: [],
  suffix: [],
  contains: [],
  regex: [],
};

const exactly = list(plain, MANY).transform((exact): Omit<ValueMatchConfig, 'name'> => ({ ...EMPTY_MATCH, exact }));
const VALUES = 'a list of values, or a mapping with present, exact, prefix, suffix, contains or regex';
const values = either(VALUES, { list: exactly, mapping: valueMatch });
const headerValues = either(VALUES, { list: exactly, mapping: headerMatch });

const parameter = { must: 'a name of 1 to 128 characters without blanks', form: /^[^\s\p{Cc}]{1,128}$/u };

export const aclSchema = mapping(
  {
    pathExact: field(list(pathPattern, MANY).optional(), {
      is: "True when the request's path, without its query, is one of these (HAProxy: path)",
      range: 'list of paths, each from "/" on',
      default: 'none',
      change: 'Use it for single pages',
      see: 'http.normalize',
      example: 'pathExact: [/robots.txt]',
    }),
    pathPrefix: field(list(pathPattern, MANY).optional(), {
      is: "True when the request's path begins with one of these (HAProxy: path_beg)",
      range: 'list of prefixes, each from "/" on',
      default: 'none',
      change: 'Use it for a part of a site',
      see: 'http.normalize',
      example: 'pathPrefix: [/static/, /images/]',
    }),
    pathSuffix: field(list(pathEnd, MANY).optional(), {
      is: "True when the request's path ends with one of these (HAProxy: path_end)",
      range: 'list of endings',
      default: 'none',
      change: 'Use it for kinds of files',
      see: 'http.normalize',
      example: 'pathSuffix: [.jpg, .css]',
    }),
    pathRegex: field(list(regex, { min: 1, max: 100 }).optional(), {
      is: "True when one of these regular expressions matches somewhere in the request's path (HAProxy: path_reg)",
      range: 'list of regular expressions without back-references and look-around',
      default: 'none',
      change: 'Use it when pathExact, pathPrefix and pathSuffix do not do; begin with ^ to bind it to the start',
      see: 'http.normalize',
      example: 'pathRegex: ["^/v[0-9]+/users/"]',
    }),
    host: field(list(hostPattern, MANY).optional(), {
      is: 'True when the request is for one of these hosts, its port, a dot at its end and the case of letters aside (HAProxy: hdr(host), hdr_dom)',
      range: 'list of host names; "*.example.com" is every name below example.com',
      default: 'none',
      change: 'Use it when several sites share an address',
      see: 'http.normalize',
      example: 'host: [www.example.com, "*.example.org"]',
    }),
    method: field(list(text('a method in capital letters', /^[A-Z][A-Z-]{0,19}$/), { min: 1, max: 50 }).optional(), {
      is: 'True when the request has one of these methods (HAProxy: method)',
      range: 'list of methods',
      default: 'none',
      change: 'Use it to send reading and writing to different servers',
      example: 'method: [POST, PUT]',
    }),
    header: field(keyed(FIELD_NAME, headerValues).optional(), {
      is: 'True when a header of the request has one of the values, for any of the named headers and any field of the name; the whole field is compared, with its commas (HAProxy: req.fhdr)',
      range: 'mapping from header names to a list of values or the mapping below',
      default: 'none',
      change: 'Use it for what the client says about itself',
      see: 'headerMember',
      example: 'header: { User-Agent: { contains: [bot] } }',
    }),
    headerMember: field(keyed(FIELD_NAME, headerValues).optional(), {
      is: 'The same for each member of a header that is a list: what stands between commas, without blanks around it, in any field of the name. A comma in a quoted string separates nothing; empty members count (HAProxy: hdr, req.hdr)',
      range: 'mapping from header names to a list of values or the mapping below',
      default: 'none',
      change: 'Use it for Connection, Accept, X-Forwarded-For and other lists',
      see: 'header',
      example: 'headerMember: { Connection: [upgrade] }',
    }),
    cookie: field(keyed(FIELD_NAME, values).optional(), {
      is: 'True when a cookie of the request has one of the values, for any of the named cookies and any cookie of the name, in whichever Cookie field. ";" and "," end a cookie; quotes around a value may be there or not (HAProxy: cook)',
      range: 'mapping from cookie names to a list of values or the mapping below',
      default: 'none',
      change: 'Use it for trials with a part of the users',
      example: 'cookie: { beta: { present: true } }',
    }),
    query: field(keyed(parameter, values).optional(), {
      is: 'True when a parameter of the query has one of the values, for any of the named parameters and any parameter of the name. "&" and ";" end a parameter; one without "=" has an empty value. %XX and "+" are decoded unless http.normalize is false (HAProxy: url_param)',
      range: 'mapping from parameter names to a list of values or the mapping below',
      default: 'none',
      change: 'Use it for what stands behind the "?"',
      see: 'http.normalize',
      example: 'query: { lang: [de, da] }',
    }),
    source: field(networks(1000).min(1, { error: 'a list of 1 to 1000 values' }).optional(), {
      is: 'True when the client is in one of these networks (HAProxy: src)',
      range: 'list of networks or addresses, IPv4 and IPv6',
      default: 'none',
      change: 'Use it to let only some networks in; behind another proxy set http.trustedProxies first',
      see: 'http.trustedProxies',
      example: 'source: [10.0.0.0/8, "2001:db8::/32"]',
    }),
    port: field(list(wholeNumber(1, 65_535), { min: 1, max: 64 }).optional(), {
      is: 'True when the client came in by one of these ports of the frontend (HAProxy: dst_port)',
      range: 'list of ports, 1 to 65535',
      default: 'none',
      change: 'Use it when a frontend listens on several ports',
      example: 'port: [8080]',
    }),
    ignoreCase: field(flag().prefault(false), {
      is: 'Compare paths and values without regard to upper and lower case of ASCII letters (HAProxy: -i)',
      range: 'true or false',
      default: 'false',
      change: 'Set it when the servers ignore the case of paths too',
      example: 'ignoreCase: true',
    }),
  },
  'A named condition; it is true when any of its lists matches.',
);
