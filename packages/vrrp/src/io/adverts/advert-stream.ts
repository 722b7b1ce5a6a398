// The adverts that leave: one stream for each router of an election, to every peer or to the group, each with the
// checksum that its listeners understand. Not the sockets (advert-ports.ts), not the codec (core/advert/advert.ts).
import { parseIp } from '@tospann/linux';
import { encodeAdvert, type ChecksumDialect } from '../../core/advert/advert.ts';
import type { AgentPlan, PlannedElection, PlannedRouter } from '../../core/plan.ts';
import { vrrpGroups, type AdvertPorts } from './advert-ports.ts';
import type { AdvertProofs } from './advert-proof.ts';

/** One router of the plan: `election` is its election's index, `router` the index in that. */
export interface StreamKey {
  readonly election: number;
  readonly router: number;
}

export class AdvertStreams {
  readonly #plan: AgentPlan;
  readonly #ports: AdvertPorts;
  /** By election and router. */
  readonly #dialects: ChecksumDialect[][];
  readonly #proofs: AdvertProofs;

  constructor(plan: AgentPlan, ports: AdvertPorts, proofs: AdvertProofs) {
    this.#plan = plan;
    this.#ports = ports;
    this.#proofs = proofs;
    // Pseudo-header until the peer is heard: keepalived and FRR by default.
    this.#dialects = plan.elections.map(({ routers, checksum }) =>
      routers.map(() => (checksum === 'message-only' ? 'message-only' : 'pseudo-header')),
    );
  }

  dialect({ election, router }: StreamKey): ChecksumDialect {
    return this.#dialects[election]?.[router] ?? 'pseudo-header';
  }

  /** The peer speaks so: from now on we do, unless the configuration says how. @returns Whether that is news. */
  follow(key: StreamKey, dialect: ChecksumDialect | undefined): boolean {
    const dialects = this.#dialects[key.election];
    const automatic = this.#plan.elections[key.election]?.checksum === 'auto';
    if (dialect === undefined || dialects === undefined || !automatic || dialects[key.router] === dialect) return false;
    dialects[key.router] = dialect;
    return true;
  }

  /**
   * Sends one advert of each router of an election.
   *
   * @returns Empty when one of them left: then the election can be heard. Else the errno's name.
   */
  send(index: number, priority: number): string {
    const election = this.#plan.elections[index];
    if (election === undefined) return 'no election';
    let failure = 'no socket';
    let left = false;
    for (const [at, router] of election.routers.entries()) {
      const result = this.#sendRouter(election, router, {
        priority,
        dialect: this.dialect({ election: index, router: at }),
      });
      if (result === '') left = true;
      else failure = result;
    }
    return left ? '' : failure;
  }

  #sendRouter(
    election: PlannedElection,
    router: PlannedRouter,
    advert: { readonly priority: number; readonly dialect: ChecksumDialect },
  ): string {
    const { intervalUs, transport } = election.machine;
    const { family, routerId } = router;
    const source = this.#ports.source(family, transport);
    if (source === undefined) return 'no socket';
    const message = {
      version: election.version,
      routerId,
      priority: advert.priority,
      intervalMs: intervalUs / 1000,
      addresses: router.addresses.map(parseIp),
    };
    const binding = { version: election.version, routerId, source: parseIp(source) };
    let failure = '';
    const destinations = transport === 'multicast' ? [vrrpGroups[family]] : this.#peersOf(family);
    let left = destinations.length === 0;
    for (const to of destinations) {
      const route = { source: binding.source, destination: parseIp(to), dialect: advert.dialect };
      const payload = encodeAdvert(message, route, this.#proofs.sign(election, binding));
      const result = this.#ports.send({ family, transport }, payload, to);
      if (result === '') left = true;
      else failure = result;
    }
    return left ? '' : failure;
  }

  #peersOf(family: 4 | 6): readonly string[] {
    return this.#plan.peers.flatMap(({ address, address6 }) => (family === 4 ? address : (address6 ?? [])));
  }
}
