// The pair's network, as the founding article has it: two load balancers with a public and an inner interface, a
// floating address 192.168.1.200 on the public side, the web servers 10.10.10.1 and .2 on the inner one, a client.
import type { LabSpec } from './spec.ts';

/** The floating address of the article. */
export const VIP = '192.168.1.200';

/** The nodes' own addresses: adverts, peer link and console. */
export const NODE_ADDRESSES = { lb1: '10.10.0.11', lb2: '10.10.0.12' } as const;

/** Addresses of the load balancers on the inner network: the origin sees who asked by them. */
export const INNER_ADDRESSES: Readonly<Record<string, string>> = { '10.10.10.11': 'lb1', '10.10.10.12': 'lb2' };

/** The two nodes of the pair. */
export type PairNodeName = keyof typeof NODE_ADDRESSES;

/** Client, lb1, lb2, web1, web2 on two bridges. The node network 10.10.0.0/24 shares the public bridge. */
export const PAIR_TOPOLOGY: LabSpec = {
  nodes: [
    { name: 'client', links: [{ bridge: 'public', addresses: ['192.168.1.9/24', '10.10.0.9/24'] }] },
    loadBalancer('lb1', 11),
    loadBalancer('lb2', 12),
    { name: 'web1', links: [{ bridge: 'inner', addresses: ['10.10.10.1/24'] }] },
    { name: 'web2', links: [{ bridge: 'inner', addresses: ['10.10.10.2/24'] }] },
  ],
};

function loadBalancer(name: string, host: number): LabSpec['nodes'][number] {
  return {
    name,
    links: [
      { bridge: 'public', addresses: [`10.10.0.${host}/24`, `192.168.1.${host}/24`] },
      { bridge: 'inner', addresses: [`10.10.10.${host}/24`] },
    ],
  };
}
