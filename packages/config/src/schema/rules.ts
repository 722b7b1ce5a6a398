// Schema of the rules of a frontend: an optional condition and one action each.
import { readCondition } from './condition.ts';
import { occurrence, pathPattern } from './acls.ts';
import {
  choice,
  duration,
  either,
  exactlyOneOf,
  field,
  FIELD_NAME,
  keyed,
  list,
  mapping,
  reading,
  readingAny,
  reference,
  text,
  wholeNumber,
} from './fields.ts';
import type { MapKeyConfig } from '../model.ts';
import { readTemplate, type TemplateUse } from './template.ts';
import { z } from 'zod';

const HOUR_MS = 3_600_000;
const VARIABLE_HELP =
  'text with ${clientAddress}, ${host}, ${path}, ${query}, ${method}, ${requestId}, ${frontend}, ${scheme}, ${port}, ${header:NAME}, ${headerMember:NAME}, both also with the number of the one that is meant, as in ${header:NAME,1}; $$ is a dollar sign';

const template = (use: TemplateUse): ReturnType<typeof reading<ReturnType<typeof parts>>> =>
  reading('text', (written) => readTemplate(written, use));
// Only for its type.
const parts = (): Extract<ReturnType<typeof readTemplate>, { ok: true }>['value'] => [];

const onlyTrue = z.literal(true, { error: 'true' });

/** Fields that frame messages or belong to one connection: the proxy itself writes them (RFC 9110 section 7.6.1). */
const FRAMING: readonly string[] = [
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const fieldNames = (what: { readonly host: 'may be set' | 'stays' | 'is any' }): typeof FIELD_NAME => {
  const refused = what.host === 'stays' ? [...FRAMING, 'host'] : FRAMING;
  return {
    must: `${FIELD_NAME.must}, but none that the proxy writes itself (${refused.join(', ')})`,
    form: new RegExp(`^(?!(?:${refused.join('|')})$)${FIELD_NAME.form.source.slice(1)}`, 'i'),
  };
};

const setFields = keyed(fieldNames({ host: 'may be set' }), template('value'));
const addFields = keyed(fieldNames({ host: 'stays' }), template('value'));
const responseFields = keyed(fieldNames({ host: 'is any' }), template('value'));
const removeNames = (host: 'stays' | 'is any'): z.ZodArray<z.ZodString> => {
  const { must, form } = fieldNames({ host });
  return list(text(must, form), { min: 1, max: 64 });
};

const mapKey = either('host, path, source, or a mapping with one of header, headerMember, cookie, query', {
  text: choice(['host', 'path', 'source']).transform((from) => ({ from })),
  mapping: exactlyOneOf(
    mapping(
      {
        header: field(text(FIELD_NAME.must, FIELD_NAME.form).optional(), {
          is: 'Ask with the value of this header, the whole field',
          range: 'header name',
          default: 'none',
          change: 'Use it when a header names the tenant',
          example: 'header: X-Tenant',
        }),
        headerMember: field(text(FIELD_NAME.must, FIELD_NAME.form).optional(), {
          is: 'Ask with a member of this header, which is a list (HAProxy: req.hdr)',
          range: 'header name',
          default: 'none',
          change: 'Use it when several proxies append to the header',
          example: 'headerMember: X-Tenant',
        }),
        cookie: field(text(FIELD_NAME.must, FIELD_NAME.form).optional(), {
          is: 'Ask with the value of this cookie',
          range: 'cookie name',
          default: 'none',
          change: 'Use it when a cookie names the tenant',
          example: 'cookie: tenant',
        }),
        query: field(text('a parameter name without blanks', /^[^\s\p{Cc}]{1,128}$/u).optional(), {
          is: 'Ask with the value of this parameter of the query',
          range: 'parameter name',
          default: 'none',
          change: 'Use it when a parameter names the tenant',
          example: 'query: tenant',
        }),
        occurrence: field(occurrence.optional(), {
          is: 'Which one decides when there are several: 1 is the first, -1 the last',
          range: 'whole number, -10 to 10, not 0',
          default: 'the last',
          change: 'Use 1 for what HAProxy does with url_param',
          example: 'occurrence: -1',
        }),
      },
      'What a map is asked with, when it is neither the host, the path nor the source address: one of header, headerMember, cookie and query. Of several values the last one is taken.',
    ),
    ['header', 'headerMember', 'cookie', 'query'],
  ).transform(({ occurrence: which, ...key }) => ({
    ...valueKey(key),
    ...(which === undefined ? {} : { occurrence: which }),
  })),
});

interface ValueKey {
  readonly header?: string | undefined;
  readonly headerMember?: string | undefined;
  readonly cookie?: string | undefined;
  readonly query?: string | undefined;
}

// Names of headers are the same in any case.
function valueKey(key: ValueKey): MapKeyConfig {
  if (key.header !== undefined) return { from: 'header', name: key.header.toLowerCase() };
  if (key.headerMember !== undefined) return { from: 'header-member', name: key.headerMember.toLowerCase() };
  if (key.cookie !== undefined) return { from: 'cookie', name: key.cookie };
  return { from: 'query', name: key.query ?? '' };
}

const use = either('the name of a backend, or a mapping with map and key', {
  text: reference('a backend').transform((backend) => ({ backend })),
  mapping: mapping(
    {
      map: field(reference('a map'), {
        is: 'The map whose entry names the backend; without an entry the next rule is tried',
        range: 'name of a map',
        default: 'required',
        change: 'Change it with the maps',
        see: 'maps',
        example: 'map: sites',
      }),
      key: field(mapKey.prefault('host'), {
        is: 'What the map is asked with',
        range: 'host, path, source, or one of header, headerMember, cookie, query with a name',
        default: 'host',
        change: 'Change it when something else than the host decides',
        example: 'key: host',
      }),
    },
    'The backend that a map names (HAProxy: use_backend %[req.hdr(host),map(FILE)]).',
  ),
});

const redirect = exactlyOneOf(
  mapping(
    {
      location: field(template('location').optional(), {
        is: 'Where the client is sent, as a whole',
        range: VARIABLE_HELP,
        default: 'none',
        change: 'Use it for one target',
        example: 'location: "https://www.example.com${path}"',
      }),
      prefix: field(template('location').optional(), {
        is: "Where the client is sent, with the request's path and query behind it; / alone is the same host (HAProxy: redirect prefix)",
        range: VARIABLE_HELP,
        default: 'none',
        change: 'Use it when a site has moved',
        example: 'prefix: https://www.example.com',
      }),
      scheme: field(choice(['http', 'https']).optional(), {
        is: 'The scheme to which the client is sent, with the same host, path and query',
        range: 'http or https',
        default: 'none',
        change: 'Use it where something else serves TLS',
        example: 'scheme: https',
      }),
      status: field(z.literal([301, 302, 303, 307, 308], { error: 'one of 301, 302, 303, 307, 308' }).prefault(302), {
        is: 'The status of the answer; 301 and 308 are kept by clients, 307 and 308 keep the method',
        range: '301, 302, 303, 307 or 308',
        default: '302',
        change: 'Use 301 or 308 once you are sure',
        example: 'status: 301',
      }),
    },
    'Answers with a redirect: one of location, prefix and scheme.',
  ),
  ['location', 'prefix', 'scheme'],
);

const status = (range: { readonly min: number; readonly max: number }): z.ZodNumber =>
  wholeNumber(range.min, range.max);

const answer = mapping(
  {
    status: field(status({ min: 200, max: 599 }).prefault(200), {
      is: 'The status of the answer',
      range: 'whole number, 200 to 599',
      default: '200',
      change: 'Set it to what the answer says',
      example: 'status: 200',
    }),
    contentType: field(
      text('a media type', /^[\w.+-]{1,64}\/[\w.+-]{1,64}(?:; ?[\w-]+=[\w-]+)?$/).prefault('text/plain'),
      {
        is: 'The media type of the body',
        range: 'media type',
        default: 'text/plain',
        change: 'Set it to what the body is',
        example: 'contentType: application/json',
      },
    ),
    body: field(text('text of at most 65536 characters', /^[\s\S]{0,65536}$/).optional(), {
      is: 'The body of the answer',
      range: 'text, at most 65536 characters',
      default: 'none',
      change: 'Keep it short: it stands in the configuration',
      example: 'body: "User-agent: *\\nDisallow: /\\n"',
    }),
  },
  'Answers without a server (HAProxy: http-request return).',
).refine(({ status: code, body = '' }) => body === '' || ![204, 205, 304].includes(code), {
  error: 'a mapping without body where the status is 204, 205 or 304',
});

const tarpit = either('a duration, or a mapping with delay and status', {
  text: duration({ minMs: 1, maxMs: HOUR_MS }).transform((delay) => ({ delay, status: 500 })),
  mapping: mapping(
    {
      delay: field(duration({ minMs: 1, maxMs: HOUR_MS }), {
        is: 'How long the client waits for its answer',
        range: 'duration, 1ms to 1h',
        default: 'required',
        change: 'Raise it to slow an attacker further; each one holds a connection',
        example: 'delay: 10s',
      }),
      status: field(status({ min: 400, max: 599 }).prefault(500), {
        is: 'The status of the answer then',
        range: 'whole number, 400 to 599',
        default: '500',
        change: 'Use 429 or 403 to tell the client why',
        example: 'status: 429',
      }),
    },
    'Lets the client wait, then answers with an error (HAProxy: http-request tarpit).',
  ),
});

const replacePrefix = mapping(
  {
    from: field(pathPattern, {
      is: 'What is taken off the front of the path',
      range: 'text from "/" on',
      default: 'required',
      change: 'Change it with the paths of the site',
      example: 'from: /api/v1',
    }),
    to: field(pathPattern, {
      is: 'What is put there',
      range: 'text from "/" on',
      default: 'required',
      change: 'Change it with the paths of the servers; "/" takes the prefix off',
      example: 'to: /',
    }),
  },
  'Another beginning of the path for the server; other paths stay as they are.',
);

/** Keys of a rule that are actions; a rule has exactly one. */
export const ACTION_KEYS = [
  'use',
  'deny',
  'redirect',
  'return',
  'tarpit',
  'silentDrop',
  'setHeader',
  'addHeader',
  'removeHeader',
  'setResponseHeader',
  'addResponseHeader',
  'removeResponseHeader',
  'setPath',
  'replacePrefix',
] as const;

/** Actions after which no further rule is tried. */
export const ENDING_KEYS: readonly string[] = ['use', 'deny', 'redirect', 'return', 'tarpit', 'silentDrop'];

export const ruleSchema = mapping(
  {
    if: field(readingAny(readCondition).optional(), {
      is: 'When the rule applies',
      range:
        'name of an ACL of this frontend, "!" and a name, or a mapping with one of all, any (lists of conditions) and not (one condition)',
      default: 'none: always',
      change: 'Change it with the ACLs',
      see: 'acls',
      example: 'if: { all: [url_static, "!internal"] }',
    }),
    use: field(use.optional(), {
      is: 'Send the request to this backend, or to the one that a map names (HAProxy: use_backend)',
      range: 'name of a backend, or a mapping with map and key',
      default: 'none',
      change: 'Change it with the backends',
      see: 'backends, maps',
      example: 'use: static',
    }),
    deny: field(
      either('true or a status from 400 to 599', {
        flag: onlyTrue.transform(() => 403),
        number: status({ min: 400, max: 599 }),
      }).optional(),
      {
        is: 'Answer with an error: 403, or this status; in mode tcp the connection is closed',
        range: 'true or a whole number, 400 to 599',
        default: 'none',
        change: 'Use 404 to show nothing of what is there',
        example: 'deny: true',
      },
    ),
    redirect: redirect.optional(),
    return: answer.optional(),
    tarpit: field(tarpit.optional(), {
      is: 'Let the client wait, then answer with an error: 500 unless a status is given',
      range: 'duration, or a mapping with delay and status',
      default: 'none',
      change: 'Use it against clients that try again and again',
      example: 'tarpit: 10s',
    }),
    silentDrop: field(onlyTrue.optional(), {
      is: 'Close the connection without a word',
      range: 'true',
      default: 'none',
      change: 'Use it against floods: nothing is written',
      example: 'silentDrop: true',
    }),
    setHeader: field(setFields.optional(), {
      is: 'Replace these headers of the request by one of this value each',
      range: `mapping from header names to ${VARIABLE_HELP}`,
      default: 'none',
      change: 'Use it to tell the servers something; the host may be set, framing fields may not',
      example: 'setHeader: { X-Site: "${host}" }',
    }),
    addHeader: field(addFields.optional(), {
      is: 'Add these headers to the request beside those of the same name',
      range: `mapping from header names to ${VARIABLE_HELP}`,
      default: 'none',
      change: 'Use setHeader unless the field is a list',
      example: 'addHeader: { Via: "1.1 ${frontend}" }',
    }),
    removeHeader: field(removeNames('stays').optional(), {
      is: 'Remove these headers of the request',
      range: 'list of header names',
      default: 'none',
      change: 'Use it for fields that servers believe and clients may not set',
      example: 'removeHeader: [X-Internal-User]',
    }),
    setResponseHeader: field(responseFields.optional(), {
      is: 'Replace these headers of the answer by one of this value each',
      range: `mapping from header names to ${VARIABLE_HELP}`,
      default: 'none',
      change: 'Use it for security headers',
      example: 'setResponseHeader: { X-Frame-Options: DENY }',
    }),
    addResponseHeader: field(responseFields.optional(), {
      is: 'Add these headers to the answer beside those of the same name',
      range: `mapping from header names to ${VARIABLE_HELP}`,
      default: 'none',
      change: 'Use setResponseHeader unless the field is a list',
      example: 'addResponseHeader: { Vary: Origin }',
    }),
    removeResponseHeader: field(removeNames('is any').optional(), {
      is: 'Remove these headers of the answer',
      range: 'list of header names',
      default: 'none',
      change: 'Use it to tell clients less about the servers',
      example: 'removeResponseHeader: [Server, X-Powered-By]',
    }),
    setPath: field(template('path').optional(), {
      is: 'The path that the server gets; the query stays',
      range: VARIABLE_HELP,
      default: 'none',
      change: 'Use it when the server knows the page by another name',
      see: 'replacePrefix',
      example: 'setPath: "/sites/${host}${path}"',
    }),
    replacePrefix: replacePrefix.optional(),
  },
  'One rule: a condition (without it the rule always applies) and exactly one action. Rules are tried in order; use, deny, redirect, return, tarpit and silentDrop end the list, the others go on to the next rule, which sees what they have changed.',
).refine((rule) => ACTION_KEYS.filter((key) => key in rule).length === 1, {
  error: `a mapping with exactly one action (${ACTION_KEYS.join(', ')})`,
});

/** A rule of a backend: the backend is chosen, so there is no `use`. */
export const backendRuleSchema = ruleSchema.refine((rule) => rule.use === undefined, {
  error: 'a rule without use: its backend is chosen',
});
