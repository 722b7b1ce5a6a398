import { expect, test } from 'vitest';
import type { AdminState, ServerState } from '../snapshot.ts';
import { membersOf } from './members.ts';
import { takingOf, type Candidate } from './taking.ts';

const server = (
  state: ServerState,
  { admin = 'ready', weight = 100, backup = false }: { admin?: AdminState; weight?: number; backup?: boolean } = {},
): Candidate => ({ backup, health: { state, admin, effectiveWeight: admin === 'ready' ? weight : 0 } });

const words = (servers: readonly Candidate[], panic = 0): readonly string[] =>
  takingOf(servers, panic).map(({ live, takesTraffic, idleBecause }) =>
    takesTraffic ? (live ? 'takes' : 'takes though not live') : `${live ? 'live, ' : ''}${idleBecause}`,
  );

test('takingOf() says of each server whether it takes new requests, and else why not', () => {
  expect(
    words([
      server('up'),
      server('unchecked'),
      server('starting'),
      server('down'),
      server('up', { admin: 'drain' }),
      server('down', { admin: 'drain' }),
      server('up', { admin: 'maint' }),
      server('up', { weight: 0 }),
      server('up', { backup: true }),
    ]),
  ).toEqual([
    'takes',
    'takes',
    'takes',
    'down',
    'draining',
    'down',
    'in maintenance',
    'weight 0',
    'live, backup: others serve',
  ]);
});

test('takingOf() says that backups take over, and that nobody takes anything', () => {
  const backup = server('up', { backup: true });
  expect(words([server('up', { admin: 'drain' }), backup])).toEqual(['draining', 'takes']);
  expect(words([server('up', { admin: 'drain' }), server('up', { weight: 0 })])).toEqual(['draining', 'weight 0']);
});

test('takingOf() follows the panic threshold as the workers do', () => {
  expect(words([server('up'), server('down'), server('down')], 50)).toEqual([
    'takes',
    'takes though not live',
    'takes though not live',
  ]);
});

test('takingOf() and the workers choose the same servers, whatever their states', () => {
  const states = ['up', 'down'] as const;
  const admins = ['ready', 'drain', 'maint'] as const;
  const all = states.flatMap((state) =>
    admins.flatMap((admin) =>
      [0, 3].flatMap((weight) => [true, false].map((backup) => server(state, { admin, weight, backup }))),
    ),
  );
  for (const panic of [0, 30, 100])
    for (const one of all)
      for (const two of all)
        for (const three of [server('up'), server('down'), server('up', { backup: true })]) {
          const servers = [one, two, three];
          const { weights } = membersOf(
            servers.map(({ backup, health }) => ({
              backup,
              usable: health.state !== 'down' && health.admin !== 'maint',
              ready: health.admin === 'ready',
              weight: health.effectiveWeight,
              ramp: 1,
            })),
            panic,
          );
          expect(takingOf(servers, panic).map(({ takesTraffic }) => takesTraffic)).toEqual(weights.map((w) => w > 0));
        }
});
