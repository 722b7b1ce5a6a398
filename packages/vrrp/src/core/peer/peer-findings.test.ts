// What the facts of both nodes come to: each alarm with its cause, and none without.
import { describe, expect, test } from 'vitest';
import { TospannError } from '@tospann/errors';
import { findPeerProblems, type LinkFacts, type OwnElection, PeerAlarms, type PeerFacts } from './peer-findings.ts';
import type { ElectionWord, PeerWord } from './peer-word.ts';

const link: LinkFacts = {
  connected: true,
  speaking: true,
  sinceMs: 0,
  lastWordAtMs: 0,
  roundTripMs: 1,
  clockAheadMs: 3,
  failure: undefined,
  peerVersion: '1.0.0',
  connectionsTotal: 1,
  strangersTotal: 0,
};
const theirs: ElectionWord = {
  state: 'backup',
  priority: 100,
  ability: 'serves',
  reason: '',
  heardAgeMs: 30,
  term: 1,
  vips: ['public'],
  speaks: ['routerId 51 (IPv4)', 'version 3', 'transport unicast'],
};
const word: PeerWord = {
  node: 'lb2',
  configHash: 'aa'.repeat(32),
  wallMs: 0,
  version: '1.0.0',
  maintenance: false,
  elections: { public: theirs },
};
const own: OwnElection = {
  name: 'public',
  vips: ['public'],
  speaks: ['routerId 51 (IPv4)', 'version 3', 'transport unicast'],
  intervalMs: 100,
  missedAdverts: 3,
  state: 'master',
  stateForMs: 60_000,
  advertAgeMs: -1,
  drops: {},
  announced: ['public'],
};

interface Shape {
  readonly own?: Partial<OwnElection>;
  readonly theirs?: Partial<ElectionWord>;
  readonly word?: Partial<PeerWord>;
  readonly link?: Partial<LinkFacts>;
  readonly arp?: PeerFacts['arp'];
}

function facts(shape: Shape = {}): PeerFacts {
  const elections = { public: { ...theirs, ...shape.theirs } };
  return {
    own: {
      node: 'lb1',
      address: '10.0.0.1',
      configHash: 'aa'.repeat(32),
      version: '1.0.0',
      elections: [{ ...own, ...shape.own }],
    },
    peer: { name: 'lb2', address: '10.0.0.2' },
    link: { ...link, ...shape.link },
    word: shape.link?.connected === false ? undefined : { ...word, elections, ...shape.word },
    arp: shape.arp,
  };
}

function sentences(shape: Shape): readonly string[] {
  return findPeerProblems(facts(shape)).map(({ code, params }) => `${code}: ${new TospannError(code, params).message}`);
}

const down = (kind: NonNullable<LinkFacts['failure']>['kind'], detail: string): Partial<LinkFacts> => ({
  connected: false,
  speaking: false,
  failure: { kind, detail },
});
const backup = { state: 'backup', advertAgeMs: 40 } as const;
const seen = { public: { mac: '02:00:00:00:00:01', ageMs: 10 } };

const silent: readonly (readonly [string, Shape])[] = [
  ['a healthy owner', { arp: seen }],
  ['a healthy substitute', { own: backup, theirs: { state: 'master' } }],
  ['a peer that is dead', { own: { advertAgeMs: -1 }, link: down('no-answer', 'x') }],
  ['an owner that has just begun', { own: { stateForMs: 50 }, theirs: { heardAgeMs: -1 } }],
  ['a peer in fault, which hears nothing', { theirs: { state: 'fault', heardAgeMs: -1 } }],
  ['a peer that does not watch ARP', { arp: undefined }],
  ['clocks within two seconds', { link: { clockAheadMs: -1900 } }],
  ['an election that the peer does not have', { word: { elections: {} } }],
];

test.each(silent)('%s is no alarm', (_, shape) => expect(sentences(shape)).toEqual([]));

const alarms: readonly (readonly [string, Shape, string])[] = [
  [
    'another cluster key',
    { link: down('other-key', 'x') },
    'LB_VRRP_PEER_KEY: Cannot open the peer link to "lb2": it has another cluster key',
  ],
  [
    'the same name',
    { link: down('name', 'the node at 10.0.0.2 is named "lb1" as this one is') },
    'LB_VRRP_PEER_NAME: Cannot open the peer link to "lb2": the node at 10.0.0.2 is named "lb1" as this one is',
  ],
  [
    'the link down while adverts are heard',
    { own: backup, link: down('refused', 'nobody listens on 10.0.0.2:9444') },
    'LB_VRRP_PEER_LINK: Cannot reach "lb2" over the peer link, though its adverts arrive: nobody listens on 10.0.0.2:9444',
  ],
  [
    'another configuration, with the addresses that differ',
    {
      word: {
        configHash: 'bb'.repeat(32),
        elections: { public: { ...theirs, vips: ['public', 'second'] } },
      },
    },
    'LB_VRRP_PEER_CONFIG: Cannot rely on "lb2" as a substitute: it runs configuration bbbbbbbbbbbb, this node runs aaaaaaaaaaaa (addresses only there: second)',
  ],
  [
    'another version',
    { word: { version: '2.0.0' } },
    'LB_VRRP_PEER_VERSION: Cannot rely on "lb2" as an equal: it runs version 2.0.0, this node runs 1.0.0',
  ],
  [
    'clocks an hour apart',
    { link: { clockAheadMs: -3_600_000 } },
    'LB_VRRP_PEER_CLOCK: Cannot compare logs of the pair: the clock of "lb2" is 60 min behind the clock of "lb1"',
  ],
  [
    'adverts that do not arrive here',
    { own: { state: 'backup', advertAgeMs: 900 }, theirs: { state: 'master' } },
    'LB_VRRP_PEER_UNHEARD: Cannot hear the adverts of "lb2" for public, though the peer link works: none arrives at all: IP protocol 112 is filtered on the way',
  ],
  [
    'adverts that are dropped here',
    { own: { state: 'backup', advertAgeMs: -1, drops: { 'bad-checksum': 12 } }, theirs: { state: 'master' } },
    'LB_VRRP_PEER_UNHEARD: Cannot hear the adverts of "lb2" for public, though the peer link works: packets were dropped here: 12 bad-checksum',
  ],
  [
    'adverts that do not arrive there',
    { theirs: { heardAgeMs: 900 } },
    'LB_VRRP_PEER_DEAF: Cannot reach "lb2" with the adverts for public, though the peer link works: they do not arrive there',
  ],
  [
    'gratuitous ARP that does not arrive there',
    { arp: {} },
    'LB_VRRP_PEER_ARP: Cannot announce public to the segment: "lb2" sees adverts but none of the gratuitous ARP of "lb1"',
  ],
];

test.each(alarms)('%s is named', (_, shape, sentence) => expect(sentences(shape)).toEqual([sentence]));

describe('PeerAlarms', () => {
  const clock = findPeerProblems(facts({ link: { clockAheadMs: 9000 } }));

  test('tells a start once it has stood, and an end once it is gone', () => {
    const log = new PeerAlarms();
    expect(log.note(clock, 1000).started).toEqual([]);
    expect(log.standing).toEqual([]);
    expect(log.note(clock, 3000).started).toEqual(clock);
    expect(log.note(clock, 4000).started).toEqual([]);
    expect(log.standing).toEqual(clock);
    expect(log.note([], 5000).ended).toEqual([]);
    expect(log.note([], 6500).ended).toEqual([{ finding: clock[0], stoodMs: 3000 }]);
    expect(log.standing).toEqual([]);
    expect(log.note([], 9000)).toEqual({ started: [], ended: [] });
  });

  test('what comes and goes is one alarm, and what does not stand is none', () => {
    const log = new PeerAlarms();
    let started = 0;
    let ended = 0;
    for (let at = 0; at < 60_000; at += 500) {
      const result = log.note(Math.floor(at / 500) % 2 === 0 ? clock : [], at);
      started += result.started.length;
      ended += result.ended.length;
    }
    // It never stood for two seconds.
    expect([started, ended]).toEqual([0, 0]);
    for (let at = 60_000; at <= 64_000; at += 500) started += log.note(clock, at).started.length;
    for (let at = 64_000; at < 90_000; at += 500) {
      const result = log.note(Math.floor(at / 500) % 2 === 0 ? clock : [], at);
      started += result.started.length;
      ended += result.ended.length;
    }
    expect([started, ended]).toEqual([1, 0]);
  });
});

test.each([
  [['routerId 52 (IPv4)', 'version 3', 'transport unicast'], 'it has routerId 52 (IPv4), "lb1" has routerId 51 (IPv4)'],
  [['routerId 51 (IPv4)', 'version 2', 'transport unicast'], 'it has version 2, "lb1" has version 3'],
  [
    ['routerId 51 (IPv4)', 'version 3', 'transport multicast'],
    'it has transport multicast, "lb1" has transport unicast',
  ],
  [
    ['routerId 51 (IPv4)', 'routerId 51 (IPv6)', 'version 3', 'transport unicast'],
    'it has routerId 51 (IPv6), "lb1" has nothing else',
  ],
])('nodes that speak differently are told so, not that a firewall filters them: %j', (speaks, said) => {
  for (const state of ['master', 'backup'] as const) {
    const [sentence, ...more] = sentences({ own: { state }, theirs: { state: 'master', heardAgeMs: -1, speaks } });
    expect([sentence, more]).toEqual([expect.stringContaining(`LB_VRRP_PEER_SPEAKS: `), []]);
    expect(sentence).toContain(said);
  }
});

test('a peer of an older version says nothing of how it speaks: the path is suspected as before', () => {
  const { speaks: _, ...older } = theirs;
  const of = facts({ theirs: { state: 'master' } });
  const old =
    of.word === undefined ? undefined : { ...of.word, elections: { public: { ...older, state: 'master' as const } } };
  expect(findPeerProblems({ ...of, word: old }).map(({ code }) => code)).toContain('LB_VRRP_PEER_UNHEARD');
});
