// What a lab looks like, as data: nodes, their links to bridges, their addresses.

/** An interface of a node: `eth0` is its first link, `eth1` its second. Addresses are CIDR: `10.10.0.11/24`. */
export interface LinkSpec {
  readonly bridge: string;
  readonly addresses: readonly string[];
}

export interface NodeSpec {
  readonly name: string;
  readonly links: readonly LinkSpec[];
}

export interface LabSpec {
  readonly nodes: readonly NodeSpec[];
}

/** Name of the hub's end of a link: `lb1` for the first link of lb1, `lb1.1` for the second. */
export function portName(node: string, linkIndex: number): string {
  return linkIndex === 0 ? node : `${node}.${linkIndex}`;
}
