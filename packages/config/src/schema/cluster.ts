// Schema of the pair itself: nodes, floating addresses, and where the console listens.
import type { z } from 'zod';
import { readBind, readBindV4, readHostAddress, readInterfaceAddress } from '../units.ts';
import { choice, duration, either, field, list, mapping, named, reading, text, wholeNumber } from './fields.ts';

const node = mapping(
  {
    address: field(reading('an IPv4 address, such as 10.10.0.11', readHostAddress), {
      is: "The node's own address on its interface, never a VIP; the other node speaks to it there",
      range: 'IPv4 address',
      default: 'required',
      change: 'Change it when the node is renumbered',
      see: 'vips',
      example: 'address: 10.10.0.11',
    }),
    interface: field(text('the name of a network interface (1 to 15 characters)', /^[^\s/]{1,15}$/), {
      is: 'The network interface that holds the address and gets the VIPs',
      range: 'interface name, 1 to 15 characters',
      default: 'required',
      change: 'Change it when the machine names its interfaces differently ("ip link" shows them)',
      example: 'interface: eth0',
    }),
  },
  'One machine of the pair.',
);

export const clusterSchema = mapping(
  {
    name: field(text('text of 1 to 64 characters', /^[^\p{Cc}]{1,64}$/u).prefault('tospann'), {
      is: 'The name of the pair, shown in the console and in metrics',
      range: 'text, 1 to 64 characters',
      default: 'tospann',
      change: 'Change it when you run more than one pair',
      example: 'name: shop',
    }),
    nodes: named(node, 'The machines of the pair, one or two, by name. The name is the host name or what --node says.'),
  },
  'The pair: its name and its nodes.',
);

const vip = mapping(
  {
    address: field(reading('an IPv4 address with its prefix length, such as 192.168.1.200/24', readInterfaceAddress), {
      is: 'The floating address with the prefix length of its network; it is always added as /32',
      range: 'IPv4 address/prefix, prefix 1 to 32',
      default: 'required',
      change: 'Change it when the public address of the site changes',
      example: 'address: 192.168.1.200/24',
    }),
    routerId: field(wholeNumber(1, 255), {
      is: 'The VRRP virtual router id: the same on both nodes, different from every other VRRP group on the network',
      range: 'whole number, 1 to 255',
      default: 'required',
      change: 'Change it when another VRRP group on this network uses the same number',
      example: 'routerId: 51',
    }),
    advertInterval: field(duration({ minMs: 10, maxMs: 40_950, stepMs: 10 }).prefault('1s'), {
      is: 'Time between two adverts of the owner; a dead owner is replaced after about three of them',
      range: 'duration, 10ms to 40s950ms in steps of 10ms',
      default: '1s',
      change: 'Lower it for a faster take-over, raise it where the network loses packets',
      example: 'advertInterval: 1s',
    }),
    preferred: field(text('the name of a node', /^.{1,64}$/).optional(), {
      is: 'The node that takes the address back when it can serve: it gets priority 150, the other 100',
      range: 'name of a node',
      default: 'none: whoever has the address keeps it',
      change: 'Set it when one node is the larger machine; without it there is one move less after a repair',
      see: 'cluster.nodes',
      example: 'preferred: lb1',
    }),
    transport: field(choice(['unicast', 'multicast']).prefault('unicast'), {
      is: 'How adverts reach the other node: straight to its address, or to the group 224.0.0.18',
      range: 'unicast or multicast',
      default: 'unicast',
      change: 'Use multicast when the other node is a keepalived without unicast_peer',
      example: 'transport: unicast',
    }),
  },
  'One floating address, held by one node at a time (VRRPv3, RFC 9568).',
);

export const vipsSchema = named(
  vip,
  'Floating addresses by name. Without them each node is a load balancer of its own.',
).prefault({});

const statsBind = reading('"*:PORT", "ADDRESS:PORT" or "[IPV6]:PORT"', readBind);

const stats = mapping(
  {
    bind: field(
      either('"*:PORT", "ADDRESS:PORT" or a list of them', {
        text: statsBind.transform((bind) => [bind]),
        list: list(statsBind, { min: 1, max: 8 }),
      }),
      {
        is: 'Where the page is served, over plain HTTP; each node takes the addresses that it has',
        range: '*:PORT, ADDRESS:PORT or [IPV6]:PORT, or a list of them',
        default: 'required',
        change: 'Choose a network that users cannot reach',
        example: 'bind: "10.10.0.11:1936"',
      },
    ),
    path: field(
      text('text that begins with "/" and has no blanks, "?" or ";"', /^\/[^\s\p{Cc}?;#]{0,255}$/u).prefault('/'),
      {
        is: 'The path of the page (HAProxy: stats uri); with ";csv" behind it comes the table',
        range: 'text from "/" on',
        default: '/',
        change: 'Set it to what your tools ask for',
        example: 'path: /stats',
      },
    ),
    auth: mapping(
      {
        user: field(text('a user name of 1 to 64 characters without ":"', /^[^\p{Cc}:]{1,64}$/u), {
          is: 'The name to give',
          range: 'text, 1 to 64 characters',
          default: 'required',
          change: 'Change it with the password',
          example: 'user: monitor',
        }),
        password: field(text('a password of 8 to 256 characters', /^[^\p{Cc}]{8,256}$/u), {
          is: 'The password to give; it goes over the network as it is',
          range: 'text, 8 to 256 characters',
          default: 'required',
          change: 'Use one that is used nowhere else',
          example: 'password: "correct horse battery"',
        }),
      },
      "Basic authentication. Without it any user name with the console's token as the password is let in.",
    ).optional(),
  },
  'The HAProxy-compatible statistics page and its ";csv". Without this key there is none.',
);

export const adminSchema = mapping(
  {
    bind: field(list(reading('"*:PORT" or "ADDRESS:PORT"', readBindV4), { min: 0, max: 8 }).prefault([]), {
      is: 'Where the console and the API listen with TLS; each node takes the addresses that it has',
      range: 'list of ADDRESS:PORT or *:PORT, at most 8',
      default: 'none: only the control socket in the run directory',
      change: 'Set it to an address of each node to use the console; choose a network that users cannot reach',
      example: 'bind: ["10.10.0.11:9443", "10.10.0.12:9443"]',
    }),
    stats: stats.optional(),
  },
  'The console and the API.',
).prefault({});

/** Priorities of VRRP as this product hands them out. */
export const PRIORITY = { preferred: 150, other: 100 } as const;

export type ClusterInput = z.output<typeof clusterSchema>;
