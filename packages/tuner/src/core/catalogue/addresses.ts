// Catalogue: ARP, neighbours and what happens to addresses: what a machine with a floating address must get right.
// Only `conf.all`: a key of one interface does not belong into a file that is read before the interface is there.
import type { CatalogueEntry, Facts } from '../model.ts';
import { currentNumber, entry, flag, number } from './entry.ts';

const manyNeighbours = (facts: Facts): boolean => facts.neighbours > 500;

export const addressEntries: readonly CatalogueEntry[] = [
  entry({
    key: 'net.ipv4.conf.all.arp_announce',
    theme: 'addresses',
    unit: 'choice',
    policy: 'set',
    form: number(0, 2),
    propose: (_, wanted) => (wanted.vips > 0 ? '2' : undefined),
    why: 'Asking for the gateway never names the VIP as the sender: a node that gave it up would poison caches.',
    risk: 'None on ordinary networks',
  }),
  entry({
    key: 'net.ipv4.conf.all.arp_ignore',
    theme: 'addresses',
    unit: 'choice',
    policy: 'set',
    form: number(0, 8),
    propose: (facts, wanted) =>
      wanted.vips > 0 && facts.interfaces.length > 1 && currentNumber(facts, 'net.ipv4.conf.all.arp_ignore') === 0
        ? '1'
        : undefined,
    why: 'With several interfaces only the one that has an address answers for it.',
    risk: 'Machines that rely on one interface answering for another',
  }),
  entry({
    key: 'net.ipv4.conf.all.arp_notify',
    theme: 'addresses',
    unit: 'flag',
    policy: 'set',
    form: flag,
    propose: (_, wanted) => (wanted.vips > 0 ? '1' : undefined),
    why: 'An interface that comes back tells the network who has its addresses.',
  }),
  entry({
    key: 'net.ipv4.conf.all.promote_secondaries',
    theme: 'addresses',
    unit: 'flag',
    policy: 'set',
    form: flag,
    propose: (_, wanted) => (wanted.vips > 0 ? '1' : undefined),
    why: 'Taking one address off an interface does not take its siblings with it.',
  }),
  entry({
    key: 'net.ipv4.conf.all.rp_filter',
    theme: 'addresses',
    unit: 'choice',
    policy: 'set',
    form: number(0, 2),
    // Effective is the greatest of `all` and the interface's own: 2 makes a strict interface loose.
    propose: (facts) => (currentNumber(facts, 'net.ipv4.conf.all.rp_filter') === 1 ? '2' : undefined),
    why: 'Strict filtering drops packets that come in by another way than answers would go out; loose is enough.',
    risk: 'A forged source that is routed anywhere gets in',
    evidence: ['TcpExt IPReversePathFilter'],
  }),
  entry({
    key: 'net.ipv6.conf.all.keep_addr_on_down',
    theme: 'addresses',
    unit: 'choice',
    policy: 'set',
    form: { type: 'number', min: -1, max: 1 },
    propose: (_, wanted) => (wanted.vips > 0 ? '1' : undefined),
    why: 'An interface that goes down and comes back keeps its IPv6 addresses.',
  }),
  entry({
    key: 'net.ipv6.conf.all.ndisc_notify',
    theme: 'addresses',
    unit: 'flag',
    policy: 'set',
    form: flag,
    propose: (_, wanted) => (wanted.vips > 0 ? '1' : undefined),
    why: 'As arp_notify, for IPv6.',
  }),
  entry({
    key: 'net.ipv4.ip_forward',
    theme: 'addresses',
    unit: 'flag',
    form: flag,
    why: 'A proxy forwards nothing; writing this key resets others to the defaults of a router or a host.',
  }),
  ...[
    { version: 'ipv4', what: 'IPv4' },
    { version: 'ipv6', what: 'IPv6' },
  ].flatMap(({ version, what }) =>
    [1024, 4096, 8192].map((least, index) =>
      entry({
        key: `net.${version}.neigh.default.gc_thresh${index + 1}`,
        theme: 'addresses',
        scope: 'host',
        unit: 'neighbours',
        policy: 'raise',
        form: number(0),
        propose: (facts, wanted) =>
          manyNeighbours(facts) || wanted.profile === 'high-connections' ? String(least) : undefined,
        why: `Room for ${what} neighbours on the link; beyond it new ones cannot be reached. Raised for more than 500.`,
        evidence: ['kernel log: neighbour table overflow', '/proc/net/arp'],
        // The third is the limit: it must not be below the others at any moment.
        order: 62 - index,
      }),
    ),
  ),
];
