// Faults of the network between the lab's nodes: cuts, one-way cuts, random loss and links without carrier. They are
// nftables rules and link states on the hub, so a node cannot see or heal them by itself.
import { portName, type LabSpec } from './spec.ts';
import { run } from './system.ts';

/** Undoes one fault. */
export type Heal = () => void;

export class Faults {
  readonly #hub: string;
  readonly #spec: LabSpec;
  readonly #rules = new Map<number, readonly string[]>();
  #next = 0;

  constructor(hub: string, spec: LabSpec) {
    this.#hub = hub;
    this.#spec = spec;
  }

  /** Drops everything between two nodes, both ways. */
  cut(one: string, other: string): Heal {
    return this.#add([...this.#between(one, other), ...this.#between(other, one)].map((match) => `${match} drop`));
  }

  /** Drops what goes from one node to another; the way back stays open. */
  cutOneWay(from: string, to: string): Heal {
    return this.#add(this.#between(from, to).map((match) => `${match} drop`));
  }

  /** Drops VRRP (IP protocol 112) between two nodes, both ways; all other traffic passes. */
  cutVrrp(one: string, other: string): Heal {
    const matches = [...this.#between(one, other), ...this.#between(other, one)];
    return this.#add(matches.map((match) => `${match} ip protocol 112 drop`));
  }

  /** Drops TCP of one port between two nodes, both ways, of connections that stand too; all other traffic passes. */
  cutTcp(one: string, other: string, port: number): Heal {
    const matches = [...this.#between(one, other), ...this.#between(other, one)];
    return this.#add(
      matches.flatMap((match) => [`${match} tcp dport ${port} drop`, `${match} tcp sport ${port} drop`]),
    );
  }

  /** Drops `percent` (0..100) of the packets between two nodes, each way by its own dice. */
  loss(one: string, other: string, percent: number): Heal {
    const matches = [...this.#between(one, other), ...this.#between(other, one)];
    return this.#add(matches.map((match) => `${match} ${dice(percent)} drop`));
  }

  /** Drops `percent` (0..100) of all packets that cross the hub. */
  lossEverywhere(percent: number): Heal {
    return this.#add([`${dice(percent)} drop`]);
  }

  /** Cuts a node off from everything: its links stay up, nothing passes. A crash or a dead switch port looks so. */
  isolate(node: string): Heal {
    const ports = this.#ports(node);
    return this.#add(ports.flatMap((port) => [`iifname "${port}" drop`, `oifname "${port}" drop`]));
  }

  /** Takes the carrier from one of a node's links, as a pulled cable does. */
  linkDown(node: string, linkIndex = 0): Heal {
    const port = portName(node, linkIndex);
    run('ip', ['-n', this.#hub, 'link', 'set', port, 'down']);
    return () => {
      run('ip', ['-n', this.#hub, 'link', 'set', port, 'up']);
    };
  }

  /** Undoes every rule; links that are down stay down. */
  healAll(): void {
    this.#rules.clear();
    this.#apply();
  }

  #add(rules: readonly string[]): Heal {
    const id = this.#next++;
    this.#rules.set(id, rules);
    this.#apply();
    return () => {
      if (this.#rules.delete(id)) this.#apply();
    };
  }

  #apply(): void {
    const rules = [...this.#rules.values()].flat();
    const chain = ['type filter hook forward priority 0; policy accept;', ...rules].join('\n    ');
    // One transaction: the table is replaced as a whole, there is no moment without rules.
    const ruleset = `table bridge faults\ndelete table bridge faults\ntable bridge faults {\n  chain forward {\n    ${chain}\n  }\n}\n`;
    run('ip', ['netns', 'exec', this.#hub, 'nft', '-f', '-'], ruleset);
  }

  #ports(node: string): string[] {
    const spec = this.#spec.nodes.find((candidate) => candidate.name === node);
    return (spec?.links ?? []).map((_, index) => portName(node, index));
  }

  #between(from: string, to: string): string[] {
    return this.#ports(from).flatMap((source) =>
      this.#ports(to).map((target) => `iifname "${source}" oifname "${target}"`),
    );
  }
}

/** Matches `percent` of the packets; thousandths, so that 100 % stays within what nft takes. */
function dice(percent: number): string {
  return percent >= 100 ? '' : `numgen random mod 1000 < ${Math.round(percent * 10)}`;
}
