// Which servers take new requests, for everybody who shows or counts it: the same decision by which workers choose
// (members.ts), with the reason of each server that takes none. Pure.
import type { ServerHealthSnapshot, ServerTaking } from '../snapshot.ts';
import { membersOf } from './members.ts';

/** A server with its place in the plan. */
export interface Candidate {
  readonly backup: boolean;
  readonly health: Pick<ServerHealthSnapshot, 'state' | 'admin' | 'effectiveWeight'>;
}

/** How each server of a backend stands towards new requests. */
export function takingOf(servers: readonly Candidate[], panicPercent: number): readonly ServerTaking[] {
  const { weights } = membersOf(
    servers.map(({ backup, health: { state, admin, effectiveWeight } }) => ({
      usable: state !== 'down' && admin !== 'maint',
      ready: admin === 'ready',
      weight: effectiveWeight,
      backup,
      ramp: 1,
    })),
    panicPercent,
  );
  return servers.map((server, i) => {
    const lacks = lackOf(server);
    const takesTraffic = weights[i]! > 0;
    const idleBecause = takesTraffic ? '' : lacks || 'backup: others serve';
    return { live: lacks === '', takesTraffic, idleBecause };
  });
}

/** What keeps a server from new requests by itself, in words. */
function lackOf({ health: { state, admin, effectiveWeight } }: Candidate): string {
  if (admin === 'maint') return 'in maintenance';
  if (state === 'down') return 'down';
  if (admin === 'drain') return 'draining';
  return effectiveWeight > 0 ? '' : 'weight 0';
}
