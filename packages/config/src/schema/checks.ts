// Schema of how a backend learns whether its servers work: active checks, passive observation, agents.
import type { Reading } from '../units.ts';
import { regex } from './acls.ts';
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
  percent,
  reading,
  text,
  wholeNumber,
} from './fields.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const plain = text('text of 1 to 1024 characters without control characters', /^[^\p{Cc}]{1,1024}$/u);
const fieldValue = text('text of 1 to 1024 visible ASCII characters and blanks', /^[ -~]{1,1024}$/);

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

/** Bytes of a dialogue: `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are escapes; each character is one byte. */
export function readBytes(written: string): Reading<string> {
  const must = 'text of 1 to 1024 bytes; \\r, \\n, \\t, \\0, \\\\ and \\xHH are escapes, other characters are ASCII';
  if (/\\(?![rnt0\\]|x[0-9a-f]{2})/i.test(written.replace(/\\\\/g, ''))) return { ok: false, reason: 'value', must };
  const value = written.replace(/\\(x[0-9a-f]{2}|[rnt0\\])/gi, (_whole, escape: string) =>
    escape.length === 3 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : (ESCAPES[escape] ?? ''),
  );
  const fits = value.length > 0 && value.length <= 1024 && /^[\0-\xff]*$/.test(value) && /^[\0-\x7f]*$/.test(written);
  return fits ? { ok: true, value } : { ok: false, reason: 'range', must };
}

const bytes = reading('text', readBytes);

const statusRange = either('a status such as 200, or a range such as "200-399"', {
  number: wholeNumber(100, 599).transform((status) => ({ from: status, to: status })),
  text: reading('a range such as "200-399"', (written): Reading<{ from: number; to: number }> => {
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(written);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    return match !== null && from <= to
      ? { ok: true, value: { from, to } }
      : { ok: false, reason: 'value', must: 'a status such as 200, or a range such as "200-399"' };
  }),
});

const expect = mapping(
  {
    status: field(list(statusRange, { min: 1, max: 32 }).optional(), {
      is: 'Statuses that are good',
      range: 'list of statuses and ranges',
      default: 'none: 200-399, unless something else is expected',
      change: 'Set it when only one status means that all is well',
      example: 'status: [200, "300-399"]',
    }),
    bodyContains: field(plain.optional(), {
      is: 'Text that the body must have in its first 64 KiB (HAProxy: http-check expect string)',
      range: 'text',
      default: 'none',
      change: 'Use it when a server answers 200 although it does not work',
      example: 'bodyContains: ready',
    }),
    bodyRegex: field(regex.optional(), {
      is: 'Regular expression that must match in the first 64 KiB of the body (HAProxy: http-check expect rstring)',
      range: 'regular expression without back-references and look-around',
      default: 'none',
      change: 'Use bodyContains where that does',
      example: 'bodyRegex: "queue: [0-9]{1,3}$"',
    }),
    header: mapping(
      {
        name: field(text(FIELD_NAME.must, FIELD_NAME.form), {
          is: 'The header that the answer must have',
          range: 'header name',
          default: 'required',
          change: 'Change it with the application',
          example: 'name: X-State',
        }),
        contains: field(fieldValue, {
          is: 'Text that its value must have in it',
          range: 'text',
          default: 'required',
          change: 'Change it with the application',
          example: 'contains: ready',
        }),
      },
      'A header that the answer must have.',
    ).optional(),
  },
  'What an http check wants; all that is given must hold. Without it a 2xx or 3xx answer is good.',
);

const step = exactlyOneOf(
  mapping(
    {
      send: field(bytes.optional(), {
        is: 'Bytes to send',
        range: 'text; \\r, \\n, \\t, \\0, \\\\ and \\xHH are escapes',
        default: 'none',
        change: 'Write what the protocol of the server wants',
        example: 'send: "PING\\\\r\\\\n"',
      }),
      expect: field(bytes.optional(), {
        is: 'Bytes that must come, anywhere in what the server sends next',
        range: 'text; \\r, \\n, \\t, \\0, \\\\ and \\xHH are escapes',
        default: 'none',
        change: 'Write what a working server answers',
        example: 'expect: +PONG',
      }),
    },
    'One step of a dialogue: send or expect.',
  ),
  ['send', 'expect'],
).transform((written): { readonly send: string } | { readonly expect: string } =>
  written.send === undefined ? { expect: written.expect ?? '' } : { send: written.send },
);

const interval = duration({ minMs: 10, maxMs: DAY_MS });

const request = {
  type: field(choice(['http', 'tcp']).prefault('http'), {
    is: 'http sends a request and wants a 2xx or 3xx answer; tcp only connects, or holds a dialogue',
    range: 'http or tcp',
    default: 'http',
    change: 'Use tcp for servers that have no page to ask for',
    see: 'expect, dialogue',
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
  path: field(
    text('text of visible ASCII characters that begins with "/", or "*"', /^(?:\/[!-~]{0,2047}|\*)$/).prefault('/'),
    {
      is: 'Path of the request of an http check, with its query if it needs one',
      range: 'text from "/" on; "*" asks the server itself, with method OPTIONS',
      default: '/',
      change: 'Set it to a page that fails when the application cannot work',
      example: 'path: /health',
    },
  ),
  host: field(text('a host name, with a port if needed', /^[\w.-]{1,255}(?::\d{1,5})?$/).optional(), {
    is: 'Host field of the request of an http check',
    range: 'host or host:port',
    default: "the server's address and port",
    change: 'Set it when the servers choose the site by its name',
    example: 'host: www.example.com',
  }),
  headers: field(
    keyed(
      {
        must: `${FIELD_NAME.must}, but neither host (a key of its own) nor one that frames the message`,
        form: /^(?!(?:host|connection|content-length|transfer-encoding)$)[!#$%&'*+\-.^_`|~\w]{1,128}$/i,
      },
      fieldValue,
    ).optional(),
    {
      is: 'Further headers of the request of an http check (HAProxy: http-check send hdr)',
      range: 'mapping from header names to texts',
      default: 'none',
      change: 'Use it for a token or an agent name that the application wants',
      example: 'headers: { User-Agent: tospann-check }',
    },
  ),
  port: field(wholeNumber(1, 65_535).optional(), {
    is: "Port to check, when it is another than the server's (HAProxy: port)",
    range: 'whole number, 1 to 65535',
    default: "the server's port",
    change: 'Set it when the application has a port of its own for health',
    example: 'port: 8081',
  }),
} as const;

const timing = {
  interval: field(interval.prefault('2s'), {
    is: 'Time between two checks of a server (HAProxy: inter)',
    range: 'duration, 10ms to 1d',
    default: '2s',
    change: 'Lower it to see dead servers sooner, raise it for many servers',
    see: 'fastInterval, downInterval, fall',
    example: 'interval: 2s',
  }),
  fastInterval: field(interval.optional(), {
    is: 'Time between two checks while the state is changing (HAProxy: fastinter)',
    range: 'duration, 10ms to interval',
    default: 'the value of interval',
    change: 'Set it to decide sooner once a first check has failed',
    see: 'interval',
    example: 'fastInterval: 500ms',
  }),
  downInterval: field(interval.optional(), {
    is: 'Time between two checks of a server that is down (HAProxy: downinter)',
    range: 'duration, 10ms to 1d',
    default: 'the value of interval',
    change: 'Raise it when servers are away for long',
    see: 'interval',
    example: 'downInterval: 5s',
  }),
  jitter: field(percent({ min: 0, max: 50 }).optional(), {
    is: 'Each interval is longer or shorter by up to so much, so that checks do not come all at once (HAProxy: spread-checks)',
    range: 'percentage, 0% to 50%',
    default: 'the engine takes 5%',
    change: 'Raise it when many servers share a machine',
    example: 'jitter: 5%',
  }),
  timeout: field(duration({ minMs: 1, maxMs: HOUR_MS }).optional(), {
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
} as const;

export const checkSchema = mapping(
  {
    ...request,
    ...timing,
    expect: expect.optional(),
    dialogue: list(step, { min: 1, max: 32 })
      .optional()
      .meta({ description: 'What a tcp check says and wants to hear, in order (HAProxy: tcp-check).' }),
  },
  'Active health check of every server of the backend. Without it the servers are taken as up.',
);

export const observeSchema = mapping(
  {
    layer: field(choice(['connection', 'http']).prefault('http'), {
      is: 'Which faults count: connection, those that fail or are reset; http, also 5xx answers and time-outs (HAProxy: observe)',
      range: 'connection or http',
      default: 'http',
      change: 'Use connection when 5xx answers say nothing about the server',
      example: 'layer: http',
    }),
    errorLimit: field(wholeNumber(1, 100_000).prefault(10), {
      is: 'Faults in a row after which onError happens (HAProxy: error-limit)',
      range: 'whole number, 1 to 100000',
      default: '10',
      change: 'Lower it to act sooner',
      example: 'errorLimit: 10',
    }),
    onError: field(choice(['fast-check', 'fail-check', 'mark-down']).prefault('fail-check'), {
      is: 'What happens then: check at once, count as one failed check, or take the server out until a check is good (HAProxy: on-error)',
      range: 'fast-check, fail-check or mark-down',
      default: 'fail-check',
      change: 'Use mark-down when a failing server must not get one request more',
      see: 'check',
      example: 'onError: mark-down',
    }),
  },
  'Passive health: what real requests see.',
);

export const agentSchema = mapping(
  {
    port: field(wholeNumber(1, 65_535), {
      is: 'Port of the agent on the address of the server (HAProxy: agent-port)',
      range: 'whole number, 1 to 65535',
      default: 'required',
      change: 'Change it with the agent',
      example: 'port: 9707',
    }),
    interval: field(interval.prefault('2s'), {
      is: 'Time between two questions (HAProxy: agent-inter)',
      range: 'duration, 10ms to 1d',
      default: '2s',
      change: 'Lower it when the weight changes quickly',
      example: 'interval: 2s',
    }),
    timeout: field(duration({ minMs: 1, maxMs: HOUR_MS }).optional(), {
      is: 'Time that one answer may take',
      range: 'duration, 1ms to 1h',
      default: 'the value of timeouts.check',
      change: 'Lower it when the agent always answers at once',
      see: 'timeouts.check',
      example: 'timeout: 2s',
    }),
    send: field(bytes.optional(), {
      is: 'Bytes to send first (HAProxy: agent-send)',
      range: 'text; \\r, \\n, \\t, \\0, \\\\ and \\xHH are escapes',
      default: 'none',
      change: 'Set it when one agent speaks for several servers',
      example: 'send: "web1\\\\n"',
    }),
  },
  'A text agent beside each server that says its weight or state: `75%`, `drain`, `maint`, `down`, `up`, `ready`, `maxconn:30`.',
);
