// Schema of the floating addresses and of the elections that hold them. Which VIPs form an election is in
// elections.ts; what must agree between them is in lint/elections.ts.
import { readInterfaceAddress } from '../units.ts';
import { callFields } from './calls.ts';
import {
  absoluteFile,
  choice,
  duration,
  either,
  field,
  list,
  mapping,
  named,
  reading,
  text,
  wholeNumber,
} from './fields.ts';

const interfaceName = text('the name of a network interface (1 to 15 characters)', /^[^\s/]{1,15}$/);
const nodeName = text('the name of a node', /^.{1,64}$/);

const advertKey = mapping(
  {
    id: field(wholeNumber(1, 255), {
      is: 'Number of the key; it stands in each advert, so that two keys can be in use while they are changed',
      range: 'whole number, 1 to 255',
      default: 'required',
      change: 'Give each new key a new number',
      example: 'id: 1',
    }),
    file: field(absoluteFile().optional(), {
      is: 'File with the secret, the same on both nodes, readable by root alone',
      range: 'absolute path',
      default: 'none: the key is made from the cluster key',
      change: 'Give one when the other node is a keepalived, or to change keys without changing the cluster key',
      example: 'file: /etc/tospann/vrrp.key',
    }),
  },
  'A key of signed adverts.',
);

const authMapping = mapping(
  {
    type: field(choice(['none', 'password', 'hmac']), {
      is: 'password: the eight characters of VRRPv2, against mistakes only; hmac: each advert is signed (keepalived: auth_hmac)',
      range: 'none, password or hmac',
      default: 'required',
      change: 'Use hmac where others share the network; both nodes change together, or through mode permissive',
      example: 'type: hmac',
    }),
    password: field(text('text of 1 to 8 visible characters', /^[!-~]{1,8}$/).optional(), {
      is: 'The password of VRRPv2; it goes over the network as it is',
      range: 'text, 1 to 8 characters',
      default: 'none; required for type password',
      change: 'Set it to what the old peer has (keepalived: auth_pass)',
      example: 'password: k@l!ve1',
    }),
    keys: field(list(advertKey, { min: 1, max: 8 }).optional(), {
      is: 'Keys of type hmac: the first signs, all are accepted',
      range: 'list of 1 to 8 keys',
      default: 'one with id 1, made from the cluster key',
      change: 'Put a new key behind the old one on both nodes, then before it, then remove the old one',
      example: 'keys: [{ id: 1, file: /etc/tospann/vrrp.key }]',
    }),
    mode: field(choice(['enforce', 'permissive']).prefault('enforce'), {
      is: 'enforce: unsigned adverts are dropped; permissive: they count, with an alarm',
      range: 'enforce or permissive',
      default: 'enforce',
      change: 'Use permissive while one node after the other is changed over',
      example: 'mode: permissive',
    }),
  },
  'How adverts prove who sent them, written out.',
);

const announceMapping = mapping(
  {
    hook: mapping(
      {
        ...callFields(
          'Program that moves the address at your provider, and its arguments; it gets the event as JSON on standard input',
        ),
        retries: field(wholeNumber(0, 100).prefault(5), {
          is: 'How often a call that failed is made again while this node owns the address',
          range: 'whole number, 0 to 100',
          default: '5',
          change: "Raise it where the provider's API is often busy",
          example: 'retries: 5',
        }),
        retryInterval: field(duration({ minMs: 100, maxMs: 600_000 }).prefault('5s'), {
          is: 'Time between two attempts',
          range: 'duration, 100ms to 10m',
          default: '5s',
          change: "Raise it where the provider's API limits calls",
          example: 'retryInterval: 5s',
        }),
      },
      'Called at each take-over with a fencing token that only grows.',
    ),
  },
  'A provider has to be told who owns the address.',
);

const vip = mapping(
  {
    address: field(
      reading(
        'an IP address with its prefix length, such as 192.168.1.200/24 or 2001:db8::200/64',
        readInterfaceAddress,
      ),
      {
        is: 'The floating address with the prefix length of its network; it is always added as /32 or /128',
        range: 'address/prefix',
        default: 'required',
        change: 'Change it when the public address of the site changes',
        example: 'address: 192.168.1.200/24',
      },
    ),
    routerId: field(wholeNumber(1, 255).optional(), {
      is: 'The VRRP virtual router id: the same on both nodes, different from every other VRRP group on the network',
      range: 'whole number, 1 to 255',
      default: 'none: an advert of another VIP of its group carries it; one VIP of each group needs one',
      change: 'Change it when another VRRP group on this network uses the same number',
      example: 'routerId: 51',
    }),
    interface: field(
      either('the name of a network interface, or one for each node ({ lb1: eth1, lb2: ens4 })', {
        text: interfaceName,
        mapping: named(interfaceName, 'By node.'),
      }).optional(),
      {
        is: 'The interface that gets the address where it is not the interface of the node; its link is watched too',
        range: 'interface name, or a mapping from nodes to names',
        default: 'the interface of the node',
        change: 'Set it for an address of another network',
        example: 'interface: eth1',
      },
    ),
    advertInterval: field(duration({ minMs: 10, maxMs: 255_000, stepMs: 10 }).optional(), {
      is: 'Time between two adverts of the owner; a dead owner is replaced after missedAdverts of them and a little more',
      range: 'duration, 10ms to 40s950ms in steps of 10ms; whole seconds up to 255s with version 2',
      default: 'the interval of another VIP of its group, else 1s',
      change: 'Lower it for a faster take-over',
      see: 'missedAdverts',
      example: 'advertInterval: 1s',
    }),
    missedAdverts: field(wholeNumber(2, 100).optional(), {
      is: 'How many adverts in a row must be missed before the owner counts as dead (keepalived: down_timer_adverts)',
      range: 'whole number, 2 to 100',
      default: 'the 3 of RFC 9568',
      change:
        'Where the network loses packets, use 10 with an advertInterval of 100ms: as fast as 1s and 3, and steady at 30 % loss',
      example: 'missedAdverts: 10',
    }),
    preferred: field(nodeName.optional(), {
      is: 'The node that takes the address back when it can serve: it gets priority 150, the other 100',
      range: 'name of a node',
      default: 'none: whoever has the address keeps it',
      change: 'Set it when one node is the larger machine; without it there is one move less after a repair',
      see: 'cluster.nodes',
      example: 'preferred: lb1',
    }),
    owner: field(nodeName.optional(), {
      is: 'The address owner of RFC 9568: priority 255, owner from its start on without listening first',
      range: 'name of a node',
      default: 'none',
      change: 'Only for a peer that wants it; preferred is the better choice',
      see: 'preferred',
      example: 'owner: lb1',
    }),
    preemptDelay: field(duration({ minMs: 0, maxMs: 3_600_000 }).optional(), {
      is: 'How long the preferred node must have been able to serve before it takes the address back',
      range: 'duration, 0ms to 1h',
      default: 'the time of three take-overs',
      change: 'Raise it when the node needs time to warm up',
      see: 'preferred',
      example: 'preemptDelay: 30s',
    }),
    transport: field(choice(['unicast', 'multicast']).optional(), {
      is: 'How adverts reach the other node: straight to its address, or to the group (224.0.0.18, ff02::12)',
      range: 'unicast or multicast',
      default: 'the transport unicast',
      change: 'Use multicast when the other node is a keepalived without unicast_peer',
      example: 'transport: unicast',
    }),
    version: field(wholeNumber(2, 3).optional(), {
      is: 'The version of VRRP',
      range: '2 or 3',
      default: 'the version 3',
      change: 'Use 2 for an old peer; it has no IPv6 and no interval below a second',
      example: 'version: 2',
    }),
    checksum: field(choice(['auto', 'pseudo-header', 'message-only']).optional(), {
      is: 'How adverts over IPv4 are summed: with the pseudo-header (keepalived, FRR) or without (RFC 9568, routers)',
      range: 'auto, pseudo-header or message-only',
      default: 'the dialect of the other node, and the pseudo-header until it is heard',
      change: 'Fix it when the other node changes its mind',
      example: 'checksum: auto',
    }),
    auth: field(
      either('none, cluster, or a mapping with type', {
        text: choice(['none', 'cluster']),
        mapping: authMapping,
      }).optional(),
      {
        is: 'How adverts prove who sent them; cluster signs them with a key made from the cluster key',
        range: 'none, cluster or a mapping, see below',
        default: 'none: the source address must be that of the other node',
        change: 'Use cluster between two Tospann nodes on a network that others share',
        example: 'auth: cluster',
      },
    ),
    announce: field(
      either('vrrp, none, or a mapping with hook', {
        text: choice(['vrrp', 'none']),
        mapping: announceMapping,
      }).optional(),
      {
        is: 'How the network learns who owns the address: vrrp adds it and announces it (ARP, neighbour discovery); hook calls a program or web address as well; none touches nothing',
        range: 'vrrp, none or a mapping, see below',
        default: 'the addresses and their announcement (vrrp)',
        change: "Use hook for a provider's floating address",
        example: 'announce: vrrp',
      },
    ),
  },
  'One floating address, held by one node at a time (VRRP, RFC 9568). Everything but address, routerId and interface belongs to the election: VIPs of one group may say it once, and must not contradict each other.',
);

export const vipsSchema = named(
  vip,
  'Floating addresses by name. Without them each node is a load balancer of its own.',
).prefault({});

const group = mapping(
  {
    vips: field(list(text('the name of a VIP', /^.{1,64}$/), { min: 1, max: 64 }), {
      is: 'VIPs that have one owner and move together',
      range: 'list of names of VIPs',
      default: 'required',
      change: 'Put VIPs into two groups, with another preferred node each, to let both nodes serve',
      see: 'vips',
      example: 'vips: [public, public6]',
    }),
  },
  'One election.',
);

export const groupsSchema = named(group, 'Elections by name. Without this section all VIPs move together.').optional();
