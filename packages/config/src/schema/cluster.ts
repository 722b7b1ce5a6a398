// Schema of the pair itself: its nodes, and where the console listens.
import type { z } from 'zod';
import { readBind, readBindV4, readHostAddress, readHostAddress6 } from '../units.ts';
import { either, field, list, mapping, named, reading, text } from './fields.ts';

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
    address6: field(reading('an IPv6 address of one host, such as 2001:db8::11', readHostAddress6).optional(), {
      is: "The node's own IPv6 address on its interface, never a VIP; adverts for IPv6 addresses go there",
      range: 'IPv6 address',
      default: 'none: no unicast adverts over IPv6',
      change: 'Set it on both nodes for an IPv6 VIP that has a routerId',
      see: 'vips',
      example: 'address6: "2001:db8::11"',
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
export const PRIORITY = { owner: 255, preferred: 150, other: 100 } as const;

export type ClusterInput = z.output<typeof clusterSchema>;
