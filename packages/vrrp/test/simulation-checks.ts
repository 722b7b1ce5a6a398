// What must hold in every history, watched event by event: how long two nodes may own, how long nobody may, what a
// planned move costs, whose lease may stand, who may never own. The bounds are written out from RFC 9568 and the
// documentation, not taken from the code that they judge. Not the simulation itself (simulation.ts).
//
// Where nothing is demanded, and why:
// - Two owners: while adverts are lost at random or the keys differ (neither can be told from a dead node), while neither
//   adverts nor words flow (each must own: the other may be dead), and, where adverts flow in one direction or not at
//   all, while the two are of unequal ability or one is the address owner (nobody yields to a worse one, 255 to nobody).
// - No owner: demanded wherever one node has a link, its kernel's consent and an agent that is awake and not in maintenance, be
//   its proxy or its servers dead and its adverts lost on the way out. After two gaps among the last 32 adverts of the
//   owner a backup may wait four times as long. The time counts anew when a node advertises, is refused the address by its kernel and says so into a
//   network that loses packets: its backup has heard an owner.
// - A planned move costs nothing only if nothing was done to the network or to a node in the last two delays. If the other
//   node's own last advert is still on its way, the move may leave a gap of one delay: no owner can tell it from an answer.
// - A backup may take over from an owner that it could hear if that one hands over, is not yet owner for two intervals,
//   or was away; and if itself was away in a way that nobody could know: its clock stood still with it, or one of
//   only two adverts that it may miss fell into a pause.
import type { MachineState } from '../src/core/state.ts';
import type { SimulatedNode } from './simulation-node.ts';
import type { Simulation } from './simulation.ts';

const second = 1_000_000;
/** The kernel's lease timer was measured up to 0.35 s late. */
export const leaseLateUs = 350_000;
/** Lateness of wake-ups and rounding, in all. */
const slackUs = 2_000;

export class Checks {
  readonly #world: Simulation;
  #doubleSinceUs = Infinity;
  #noneSinceUs = Infinity;
  /** Somebody moves the address by plan, on a network that is whole: nobody may be without it until then. */
  #seamlessUntilUs = -Infinity;
  /** How long nobody may be it meanwhile. */
  #gapUs = 0;
  #version = 0;

  constructor(world: Simulation) {
    this.#world = world;
  }

  /** Something changed that decides who answers or how long it may stay so. */
  refresh(): void {
    const world = this.#world;
    const answering = world.nodes.filter((node) => world.answers(node));
    const alive = answering.filter((node) => node.awake);
    this.#doubleSinceUs = alive.length > 1 ? Math.min(this.#doubleSinceUs, world.nowUs) : Infinity;
    this.#noneSinceUs = answering.length === 0 ? Math.min(this.#noneSinceUs, world.nowUs) : Infinity;
    const version = ++this.#version;
    if (this.#doubleSinceUs !== Infinity) this.#watch(version, () => this.#judgeDouble(), this.#doubleLimitUs());
    if (this.#noneSinceUs === Infinity) return;
    const planned = world.nowUs < this.#seamlessUntilUs;
    if (planned)
      this.#watch(version, () => world.violate('a planned move left nobody'), this.#noneSinceUs + this.#gapUs);
    this.#watch(version, () => this.#judgeNone(), this.#noneLimitUs());
  }

  /**
   * A planned move begins. If the other node was owner a moment ago, its last advert is still on its way and passes for
   * the answer: then nobody may be without an owner for longer than the priority 0 takes to get there.
   */
  planned(node: SimulatedNode, forUs: number): void {
    const world = this.#world;
    const underWay = world.nowUs - world.other(node).lastSentUs <= world.maxDelayUs + slackUs;
    this.#seamlessUntilUs = world.nowUs + forUs;
    this.#gapUs = underWay ? world.maxDelayUs + slackUs : 0;
  }

  /** What is planned from here on may cost something: the network is not whole any more, or a node is not well. */
  disturbed(): void {
    this.#seamlessUntilUs = -Infinity;
  }

  #watch(version: number, judge: () => void, atUs: number): void {
    if (!Number.isFinite(atUs)) return;
    if (atUs <= this.#world.nowUs) return judge();
    this.#world.at(atUs + 1, () => {
      if (version === this.#version) judge();
    });
  }

  #judgeDouble(): void {
    const world = this.#world;
    if (world.nowUs <= this.#doubleLimitUs()) return;
    world.violate(`two owners for ${Math.round((world.nowUs - this.#doubleSinceUs) / 1000)} ms`);
  }

  #judgeNone(): void {
    const world = this.#world;
    if (world.nowUs <= this.#noneLimitUs()) return;
    world.violate(`no owner for ${Math.round((world.nowUs - this.#noneSinceUs) / 1000)} ms though one node could`);
  }

  #doubleLimitUs(): number {
    return Math.max(this.#doubleSinceUs, this.#world.changedUs) + this.#doubleBoundUs();
  }

  /** By what the two can tell each other now. */
  #doubleBoundUs(): number {
    const world = this.#world;
    if (world.lossRatio > 0 || world.keysDiffer()) return Infinity;
    const [a, b] = world.nodes;
    const ab = world.reaches(a);
    const ba = world.reaches(b);
    const intervalUs = Math.max(a.config.intervalUs, b.config.intervalUs);
    const travelUs = 3 * world.maxDelayUs + slackUs;
    // A killed owner keeps what it had, silently, until another takes over; two of them until the first does.
    const deferred = world.strangersSeen ? longestDownUs(world) : 0;
    if (this.#keeps()) return longestDownUs(world) + deferred + 2.5 * intervalUs + travelUs;
    // The first advert of the higher one ends it; an advert of a node that resigned does not count for an interval.
    if (ab && ba) return 2.5 * intervalUs + this.#bothLeaveUs(intervalUs) + travelUs;
    if (ab !== ba) return this.#oneWayBoundUs(ab ? [a, b] : [b, a], intervalUs) + travelUs;
    if (!world.wordsFlow()) return Infinity;
    // Neither hears the other, but they talk: one is master for a down interval and an advert, then a word ends it.
    if (this.#unequal()) return Infinity;
    return longestDownUs(world) + 3 * intervalUs + travelUs;
  }

  /** Two that both hand over wait for each other, until the first gives up. */
  #bothLeaveUs(intervalUs: number): number {
    const both = this.#world.nodes.every(({ state }) => state?.handover !== undefined);
    return both ? handoverUs(intervalUs) : 0;
  }

  /** One has the address of an earlier life of its agent, without being owner. */
  #keeps(): boolean {
    return this.#world.nodes.some(({ state }) => state !== undefined && state.inheritedUs !== -Infinity);
  }

  /** The unheard one must notice: by the other's rank, or by adverts that come though it has sent its own. */
  #oneWayBoundUs([heard, unheard]: readonly [SimulatedNode, SimulatedNode], intervalUs: number): number {
    if (priorityOf(unheard) === 255 || this.#unequal()) return Infinity;
    const { missedAdverts } = unheard.config;
    // A hand-over that nobody is heard to take goes on for its limit first.
    const noticedUs = (Math.max(3, missedAdverts) + 4) * Math.max(intervalUs, heard.config.intervalUs);
    return noticedUs + handoverUs(intervalUs);
  }

  /** A node that is worse off is no reason to yield. */
  #unequal(): boolean {
    const ranks = this.#world.nodes.map(priorityOf);
    return ranks.some((rank) => rank <= 2 || rank === 255);
  }

  #noneLimitUs(): number {
    const world = this.#world;
    const ableSinceUs = Math.min(world.nodes[0].ableSinceUs, world.nodes[1].ableSinceUs);
    return (
      Math.max(this.#noneSinceUs, ableSinceUs, ...world.nodes.map(({ refusedUs }) => refusedUs)) + this.#noneBoundUs()
    );
  }

  /**
   * The down interval and the skew of the one that can, and an interval for a node whose link flaps. A stranger may
   * defer it once in multicast mode; a peer under another key counts as an owner for a down interval after its last.
   */
  #noneBoundUs(): number {
    const world = this.#world;
    const downUs = longestDownUs(world);
    const intervalUs = Math.max(...world.nodes.map(({ config }) => config.intervalUs));
    const extra = (world.strangersSeen ? downUs : 0) + (world.keysDiffered ? downUs : 0);
    return this.#patience() * downUs + 1.5 * intervalUs + extra + 2 * world.maxDelayUs + slackUs;
  }

  /** Where a backup has missed adverts twice of late, it may wait up to four times as long for the next ones. */
  #patience(): number {
    const world = this.#world;
    const lately = (node: SimulatedNode): boolean =>
      node.lossySinceUs > world.nowUs - 150 * Math.max(...world.nodes.map(({ config }) => config.intervalUs));
    return world.nodes.some(lately) ? 4 : 1;
  }

  /** After each event: what no single event may leave behind. */
  afterEvent(node: SimulatedNode): void {
    const world = this.#world;
    for (const each of world.nodes) this.lease(each);
    const { state } = node;
    if (state === undefined || !node.awake || node.waking) return;
    if (state.vrrp === 'master') return this.#asMaster(node, state);
    if (node.kernelUntilUs > world.nowUs && state.inheritedUs === -Infinity)
      world.violate(`n${node.index} has the address in state ${state.vrrp}`);
  }

  #asMaster(node: SimulatedNode, state: MachineState): void {
    const world = this.#world;
    const up = node.interfaceUp && state.linkUp;
    const has = node.kernelUntilUs > world.nowUs && node.missing === 0;
    if (up && !node.addressNews && !has) world.violate(`n${node.index} is master without the address`);
    if (node.maintenance && state.handover === undefined) world.violate(`n${node.index} is master in maintenance`);
  }

  /** Nobody has the address longer than the lease after its loop has last renewed it. */
  lease(node: SimulatedNode): void {
    const world = this.#world;
    const limitUs = Math.ceil(downOf(node) / second) * second + leaseLateUs + 1;
    if (node.kernelUntilUs <= world.nowUs || node.frozen === 'paused' || node.dead) return;
    const agoUs = world.nowUs - Math.max(node.renewedUs, node.ownedUs);
    if (agoUs > limitUs) world.violate(`n${node.index} answers ${Math.round(agoUs / 1000)} ms after its last renewal`);
  }

  /** A backup took over: was there an owner that it could hear all the time? */
  tookOver(node: SimulatedNode, reason: string): void {
    const world = this.#world;
    const other = world.other(node);
    if (this.#wasAway(node)) return;
    const calmUs = world.nowUs - world.networkChangedUs;
    const intervalUs = Math.max(node.config.intervalUs, other.config.intervalUs);
    if (!silence.has(reason) || world.lossRatio > 0 || world.keysDiffer() || !world.reaches(other)) return;
    const longUs = 2 * intervalUs + skewOf(node) + 2 * world.maxDelayUs + slackUs;
    if (
      !other.awake ||
      other.state?.handover !== undefined ||
      world.nowUs - other.keptUs < 2 * world.maxDelayUs + slackUs ||
      world.nowUs - Math.max(other.masterSinceUs, other.thawedUs) < longUs
    )
      return;
    if (calmUs < longUs || world.nowUs - other.lastSentUs > 1.3 * intervalUs) return;
    world.violate(`n${node.index} took over (${reason}) from an owner that it could hear`);
  }

  /** It was frozen of late, in a way that it cannot know or that costs an advert too many: nothing to hold against it. */
  #wasAway(node: SimulatedNode): boolean {
    const world = this.#world;
    const longUs = 2 * longestDownUs(world);
    // Of two adverts that may be missed one was, or the skew is shorter than the network's own delay.
    const tight = node.config.missedAdverts === 2 || skewOf(node) < world.maxDelayUs + slackUs;
    if (tight && world.nowUs - node.thawedUs < longUs) return true;
    // Its clock stood still with it.
    return world.nowUs - node.timelessUs < longUs;
  }

  /** On a whole network a term is higher than all before. */
  term(node: SimulatedNode): void {
    const world = this.#world;
    const other = world.other(node);
    if (node.state === undefined || other.state === undefined || !world.wordsFlowed()) return;
    if (node.state.term <= other.term) world.violate(`n${node.index} took over with a term that is not new`);
  }
}

/** As long as a planned move waits for the other node. */
function handoverUs(intervalUs: number): number {
  return 3 * intervalUs + 50_000;
}

const silence: ReadonlySet<string> = new Set(['the owner fell silent', 'no advert heard']);

/** The priority that a node stands with, from the documentation. */
function priorityOf(node: SimulatedNode): number {
  const ability = node.state?.ability ?? node.ability;
  if (ability === 'no-live-server' || ability === 'cannot-serve') return 1;
  const lacks = node.state?.lacks ?? node.lacks;
  return ability === 'impaired' || lacks !== '' ? 2 : node.config.priority;
}

function skewOf(node: SimulatedNode): number {
  const baseUs = node.config.version === 2 ? second : node.config.intervalUs;
  return ((256 - priorityOf(node)) * baseUs) / 256;
}

/** Written out once more, so that a wrong timer shows. */
function downOf(node: SimulatedNode): number {
  const { missedAdverts, intervalUs, version, priority } = node.config;
  return missedAdverts * intervalUs + ((256 - priority) * (version === 2 ? second : intervalUs)) / 256;
}

/** The longest down interval of both, with the longest interval of both: a backup adopts that of the owner. */
function longestDownUs(world: Simulation): number {
  const intervalUs = Math.max(...world.nodes.map(({ config }) => config.intervalUs));
  const down = (node: SimulatedNode): number => {
    const { missedAdverts, version } = node.config;
    return missedAdverts * intervalUs + ((256 - priorityOf(node)) * (version === 2 ? second : intervalUs)) / 256;
  };
  return Math.max(...world.nodes.map(down));
}
