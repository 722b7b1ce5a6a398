// Schema of the conditions under which a node may own addresses, of the link between the nodes, and of what is told to
// others. Names that must exist are checked in lint/failover.ts.
import { z } from 'zod';
import { callFields } from './calls.ts';
import {
  choice,
  duration,
  either,
  field,
  flag,
  keyed,
  list,
  mapping,
  named,
  percent,
  reading,
  reference,
  text,
  wholeNumber,
} from './fields.ts';
import { readAnyHost } from '../units.ts';

const rise = (is: string) =>
  field(wholeNumber(1, 100).prefault(2), {
    is,
    range: 'whole number, 1 to 100',
    default: '2',
    change: 'Raise it against flapping',
    example: 'rise: 2',
  });

const fall = (is: string) =>
  field(wholeNumber(1, 100).prefault(3), {
    is,
    range: 'whole number, 1 to 100',
    default: '3',
    change: 'Raise it against false alarms, lower it for a faster take-over',
    example: 'fall: 3',
  });

const lasting = (is: string) =>
  field(duration({ minMs: 1000, maxMs: 3_600_000 }).prefault('10s'), {
    is,
    range: 'duration, 1s to 1h',
    default: '10s',
    change: 'Raise it against moves for a short trouble',
    example: 'for: 10s',
  });

const gatewayAddress = reading('"auto" or an IP address of one host', (value) =>
  value === 'auto' ? { ok: true, value } : readAnyHost(value),
);

const gateway = mapping(
  {
    address: field(gatewayAddress, {
      is: "The gateway to ask; auto: the default route's",
      range: 'auto or an IP address',
      default: 'required',
      change: 'Name it when the default route is not the way to your clients',
      example: 'address: auto',
    }),
    interval: field(duration({ minMs: 100, maxMs: 60_000 }).prefault('1s'), {
      is: 'Time between two questions',
      range: 'duration, 100ms to 1m',
      default: '1s',
      change: 'Lower it for a faster take-over',
      example: 'interval: 1s',
    }),
    timeout: field(duration({ minMs: 10, maxMs: 60_000 }).prefault('500ms'), {
      is: 'How long an answer may take',
      range: 'duration, 10ms to 1m, at most interval',
      default: '500ms',
      change: 'Raise it for a slow router',
      example: 'timeout: 500ms',
    }),
    rise: rise('Answers in a row after which it counts as reachable'),
    fall: fall('Missing answers in a row after which it counts as gone'),
  },
  "The node's own way to its clients. One that never answered since the start is a warning, not a fault.",
);

/** What a written `auto` or address means beside itself. */
export const GATEWAY_DEFAULTS: z.output<typeof gateway> = gateway.parse({ address: 'auto' });

const script = mapping(
  {
    run: field(list(text('a program or argument of 1 to 1024 characters', /^[^\0]{1,1024}$/), { min: 1, max: 64 }), {
      is: 'The program: exit 0 means that this node may serve, anything else that it may not',
      range: 'list: an absolute path, then arguments',
      default: 'required',
      change: 'Check what this node alone can lose; what both lose together moves nothing',
      example: 'run: [/usr/local/bin/check-disk, /var]',
    }),
    interval: field(duration({ minMs: 100, maxMs: 3_600_000 }).prefault('5s'), {
      is: 'Time between two runs; the next begins when the one before has ended',
      range: 'duration, 100ms to 1h',
      default: '5s',
      change: 'Lower it for a faster take-over',
      example: 'interval: 5s',
    }),
    timeout: field(duration({ minMs: 10, maxMs: 600_000 }).prefault('3s'), {
      is: 'After this the run is ended with all that it started, and counts as failed',
      range: 'duration, 10ms to 10m',
      default: '3s',
      change: 'Raise it for a slow check',
      example: 'timeout: 3s',
    }),
    rise: rise('Good runs in a row after which the node may serve again'),
    fall: fall('Bad runs in a row after which the node gives way'),
    user: field(text('the name of a user', /^[a-z_][\w-]{0,31}$/).optional(), {
      is: 'The user that runs it',
      range: 'name of a user of the system',
      default: 'the user of the proxy',
      change: 'Name one that may see what the check looks at',
      see: 'proxy.user',
      example: 'user: nobody',
    }),
  },
  'A check of your own. A script that cannot be started is an alarm and moves nothing.',
);

const steal = mapping(
  {
    above: field(percent({ min: 1, max: 100 }), {
      is: 'Share of the processors that the hypervisor takes away',
      range: 'percentage, 1% to 100%',
      default: 'required',
      change: 'Set it to what your users feel',
      example: 'above: 30%',
    }),
    for: lasting('How long it must last'),
  },
  'A node that is robbed gives way to one that is not; never to nobody. Without this key it is only shown.',
);

const lateness = mapping(
  {
    above: field(duration({ minMs: 1, maxMs: 60_000 }), {
      is: "How late the agent's loop is woken",
      range: 'duration, 1ms to 1m',
      default: 'required',
      change: 'Set it to a third of what a take-over takes',
      example: 'above: 200ms',
    }),
    for: lasting('How long it must happen again and again'),
  },
  'The same for a node that is late. Without this key it is only shown.',
);

export const failoverSchema = mapping(
  {
    requireServers: field(list(reference('a frontend'), { min: 0, max: 64 }).prefault([]), {
      is: 'Frontends that must each have a live server, or the node is a last resort',
      range: 'list of names of frontends',
      default: 'none: a live server of any frontend is enough',
      change: 'Name those without which the site is worth nothing',
      see: 'frontends',
      example: 'requireServers: [main]',
    }),
    gateway: field(
      either('auto, an IP address, or a mapping with address', { text: gatewayAddress, mapping: gateway }).optional(),
      {
        is: 'Gateway that this node must reach to own addresses; auto takes the default route',
        range: 'auto, an IP address, or a mapping, see below',
        default: 'none: it is not asked',
        change: 'Set it where a node can lose its way to clients while its link stays up',
        example: 'gateway: auto',
      },
    ),
    scripts: named(script, 'Checks of your own, by name.').prefault({}),
    steal: steal.optional(),
    lateness: lateness.optional(),
    peerPort: field(wholeNumber(0, 65_535).prefault(9444), {
      is: 'TCP port of the link between the nodes, on their own addresses; encrypted and authenticated with the cluster key',
      range: 'port, 1 to 65535; 0 for none',
      default: '9444',
      change: 'Change it when something else uses the port; without the link a filter on VRRP makes two owners',
      example: 'peerPort: 9444',
    }),
    hold: field(duration({ minMs: 0, maxMs: 3_600_000 }).prefault('30s'), {
      is: 'How long a node that hears no adverts waits at most while the other says over the link that it owns and serves',
      range: 'duration, 0ms to 1h',
      default: '30s',
      change: 'Set it to 0ms to follow the adverts alone',
      see: 'peerPort',
      example: 'hold: 30s',
    }),
    drain: field(duration({ minMs: 1000, maxMs: 3_600_000 }).prefault('2m'), {
      is: 'How long connections of the old owner live on at most after a planned move; a node that is ended gives them 25 s',
      range: 'duration, 1s to 1h',
      default: '2m',
      change: 'Raise it for long downloads and WebSockets',
      example: 'drain: 2m',
    }),
  },
  'When a node may own addresses, beside answering through its own listeners, and how the nodes talk.',
).prefault({});

const hookEvents = ['vrrp-state', 'vrrp-notice', 'vrrp-problem', 'track', 'handover', 'maintenance', 'tuner'] as const;

const hook = mapping(
  {
    on: field(list(choice(hookEvents), { min: 1, max: hookEvents.length }), {
      is: 'Kinds of events that it is called for',
      range: `list of ${hookEvents.join(', ')}`,
      default: 'required',
      change: 'Name what you want to know',
      example: 'on: [vrrp-state, maintenance]',
    }),
    ...callFields('Program to call, and its arguments; it gets the event as JSON on standard input'),
  },
  'Called for each event of its kinds, in order, one call at a time. It never holds up the election.',
);

export const eventsSchema = mapping(
  {
    hooks: named(hook, 'Programs and web addresses that are told, by name.').prefault({}),
    fifo: field(text('an absolute path of a file, not of a directory', /^\/[^\p{Cc}]{0,4094}[^/\p{Cc}]$/u).optional(), {
      is: "FIFO that gets keepalived's notify lines; it is made when it is missing",
      range: 'absolute path',
      default: 'none',
      change: 'Set it to what your scripts for keepalived read',
      example: 'fifo: /run/tospann/notify',
    }),
  },
  'Who is told what happens, beside the log and "tospann events".',
).prefault({});

const alarmPercent = (is: string, byDefault: number, key: string) =>
  field(wholeNumber(1, 100).prefault(byDefault), {
    is,
    range: 'whole number, 1 to 100 (percent)',
    default: String(byDefault),
    change: 'Lower it to be told earlier',
    example: `${key}: ${byDefault}`,
  });

export const tunerSchema = mapping(
  {
    profile: field(choice(['balanced', 'high-connections', 'latency', 'off']).prefault('balanced'), {
      is: 'What "tospann tune" proposes for; nothing is written until "tospann tune apply"',
      range: 'balanced, high-connections, latency or off',
      default: 'balanced',
      change: 'Choose high-connections for very many clients, latency for few fast ones',
      example: 'profile: balanced',
    }),
    connections: field(wholeNumber(1, 10_000_000).optional(), {
      is: 'Client connections at one time that the machine shall bear',
      range: 'whole number, 1 to 10000000',
      default: "the sum of the frontends' maxConnections",
      change: 'Set it to the peak that you expect',
      see: 'frontends',
      example: 'connections: 50000',
    }),
    connectionRate: field(wholeNumber(1, 1_000_000).optional(), {
      is: 'New client connections a second that the machine shall bear',
      range: 'whole number, 1 to 1000000',
      default: 'the tenth part of connections',
      change: 'Set it to the peak that you expect',
      example: 'connectionRate: 2000',
    }),
    conntrackAlarmPercent: alarmPercent(
      'Fill of the connection tracking table that is an alarm',
      80,
      'conntrackAlarmPercent',
    ),
    stealAlarmPercent: alarmPercent(
      'Share of the processors taken by the hypervisor that is an alarm',
      10,
      'stealAlarmPercent',
    ),
    conntrackMaxBound: field(wholeNumber(1024, 100_000_000).optional(), {
      is: 'How far the node may raise nf_conntrack_max by itself when the table fills up',
      range: 'whole number of entries',
      default: 'none: it is never raised by itself',
      change: 'Set it to what memory allows: an entry takes about 320 bytes',
      example: 'conntrackMaxBound: 1048576',
    }),
    notrack: field(flag().prefault(false), {
      is: "Leaves the load balancer's own ports out of connection tracking",
      range: 'true or false',
      default: 'false',
      change: 'Set it when no firewall rule needs the state of these connections',
      example: 'notrack: true',
    }),
    overrides: field(
      keyed(
        { must: 'a sysctl key with dots (net.core.somaxconn)', form: /^[a-z][\w-]*(?:\.[\w-]+)+$/ },
        either('the text of a sysctl value, a number, or null to leave the key alone', {
          text: text('a sysctl value', /^[^\p{Cc}]{1,256}$/u),
          number: wholeNumber(-2_147_483_648, 4_294_967_295),
          mapping: z.null({ error: 'the text of a sysctl value, a number, or null to leave the key alone' }),
        }),
      ).prefault({}),
      {
        is: 'Values of your own by key; null leaves a key alone',
        range: 'mapping from keys to text, numbers or null',
        default: '{}: what the profile proposes',
        change: 'Set a key that you know better',
        example: 'overrides: { net.core.somaxconn: 8192 }',
      },
    ),
  },
  'What "tospann tune" proposes, and when the kernel\'s limits raise an alarm.',
).prefault({});
