// Taking the load balancer's own connections out of connection tracking: text for nft, and the look at the rules that are
// there, which must not depend on tracking these connections. Pure; running nft is io/nft.ts.

/** The table that is ours alone: removing it is the way back. */
export const NOTRACK_TABLE = 'tospann_notrack';

/** Connections that need no tracking. Addresses are literals of either family. */
export interface NotrackFlows {
  /** Own addresses and VIPs that clients connect to. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  readonly servers: readonly { readonly address: string; readonly port: number }[];
  /** VRRP packets too. */
  readonly vrrp: boolean;
}

/** Rules as `nft -f -` takes them; loading them again replaces them. */
export function notrackRules(flows: NotrackFlows): string {
  const families = [
    { word: 'ip', of: (address: string): boolean => !address.includes(':') },
    { word: 'ip6', of: (address: string): boolean => address.includes(':') },
  ];
  const ports = [...new Set(flows.ports)].sort((a, b) => a - b).join(', ');
  const lines = (side: 'in' | 'out'): readonly string[] =>
    families.flatMap(({ word, of }) => {
      const own = [...new Set(flows.addresses.filter(of))].join(', ');
      const servers = [
        ...new Set(flows.servers.filter(({ address }) => of(address)).map((s) => `${s.address} . ${s.port}`)),
      ];
      const [mine, theirs] = side === 'in' ? ['daddr', 'saddr'] : ['saddr', 'daddr'];
      const [minePort, theirPort] = side === 'in' ? ['dport', 'sport'] : ['sport', 'dport'];
      return [
        ...(own === '' || ports === '' ? [] : [`${word} ${mine} { ${own} } tcp ${minePort} { ${ports} } notrack`]),
        // Clients on this machine, the node's own probe above all: their packets begin here.
        ...(own === '' || ports === '' || side === 'in'
          ? []
          : [`${word} daddr { ${own} } tcp dport { ${ports} } notrack`]),
        ...(servers.length === 0 ? [] : [`${word} ${theirs} . tcp ${theirPort} { ${servers.join(', ')} } notrack`]),
      ];
    });
  const vrrp = flows.vrrp ? ['meta l4proto 112 notrack'] : [];
  const chain = (name: string, hook: string, rules: readonly string[]): readonly string[] => [
    `  chain ${name} {`,
    `    type filter hook ${hook} priority raw; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ];
  return [
    `table inet ${NOTRACK_TABLE}`,
    `delete table inet ${NOTRACK_TABLE}`,
    `table inet ${NOTRACK_TABLE} {`,
    ...chain('prerouting', 'prerouting', [...lines('in'), ...vrrp]),
    ...chain('output', 'output', [...lines('out'), ...vrrp]),
    '}',
    '',
  ].join('\n');
}

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}

/**
 * Why these connections must stay tracked with the rules that are there; none when they need not.
 *
 * @param ruleset What `nft -j list ruleset` printed.
 * @param legacyTables Names in /proc/net/ip_tables_names: rules that nft does not show.
 */
export function notrackObstacles(ruleset: unknown, legacyTables: readonly string[]): readonly string[] {
  const { chains, rules } = readRuleset(ruleset);
  const ofChain = (chain: NftChain): readonly string[] =>
    rules
      .filter((rule) => rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name)
      .map(({ text }) => text);
  const obstacles: string[] = [];
  for (const chain of chains) {
    if (chain.table === NOTRACK_TABLE) continue;
    const texts = ofChain(chain);
    const where = `chain "${chain.family} ${chain.table} ${chain.name}"`;
    if (chain.type === 'nat' && texts.length > 0) {
      obstacles.push(`${where} translates addresses (NAT, for instance of Docker or Kubernetes), which needs tracking`);
    }
    const filters = chain.type === 'filter' && (chain.hook === 'input' || chain.hook === 'output');
    const drops = chain.policy === 'drop' || texts.some((text) => /"(?:drop|reject)"/.test(text));
    const untracked = texts.some((text) => text.includes('untracked') && text.includes('"accept"'));
    if (filters && drops && !untracked) {
      obstacles.push(`${where} drops what is not accepted: add "ct state untracked accept" before its drop`);
    }
  }
  if (legacyTables.includes('nat')) {
    obstacles.push('the table nat of iptables-legacy is loaded, whose rules nft does not show');
  }
  return obstacles;
}

interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly text: string;
}

function readRuleset(ruleset: unknown): { readonly chains: readonly NftChain[]; readonly rules: readonly NftRule[] } {
  const list =
    isRecord(ruleset) && Array.isArray(ruleset['nftables']) ? (ruleset['nftables'] as readonly unknown[]) : [];
  const chains: NftChain[] = [];
  const rules: NftRule[] = [];
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  for (const item of list) {
    if (!isRecord(item)) continue;
    const { chain, rule } = item;
    if (isRecord(chain)) {
      const base = { family: text(chain['family']), table: text(chain['table']), name: text(chain['name']) };
      chains.push({ ...base, type: text(chain['type']), hook: text(chain['hook']), policy: text(chain['policy']) });
    }
    if (isRecord(rule)) {
      const base = { family: text(rule['family']), table: text(rule['table']), chain: text(rule['chain']) };
      rules.push({ ...base, text: JSON.stringify(rule['expr'] ?? []) });
    }
  }
  return { chains, rules };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
