// Pairs that cannot fail over, or would do it to the broken node: settings that are each right, and wrong together. Found
// on the built model, once everything else is right. Errors for "nobody" and "the broken one"; warnings for what is
// only unwise. Pure.
import { failoverOf, groupsOf } from './elections.ts';
import { errorAt, warningAt } from './lint/finding.ts';
import type { GroupConfig, TrackScriptConfig, VipConfig } from './model-failover.ts';
import type { BindConfig, PairConfig } from './model.ts';
import type { Finding, Path } from './problem.ts';
import { downUs } from './timing.ts';
import { formatDuration, inNetwork, isIpv4 } from './units.ts';

/** A take-over that lasts longer is an outage by any measure, ms. */
const slowMs = 60_000;

/** What is wrong with a pair as a whole. */
export function refusedFaults(config: PairConfig): Finding[] {
  if (config.vips.length === 0) return [];
  return [
    ...groupsOf(config).flatMap((group) => electionFindings(config, group)),
    ...config.vips.flatMap((vip) => [...apart(config, vip), ...unserved(config, vip), ...adminOnVip(config, vip)]),
    ...prefixes(config.vips),
    ...failoverOf(config).scripts.flatMap((script) => sharedScript(config, script)),
    ...gatewayFindings(config),
    ...linkPort(config),
    ...adminMissing(config),
  ];
}

function electionFindings(config: PairConfig, group: GroupConfig): Finding[] {
  const path: Path = ['vips', group.vips[0] ?? ''];
  const findings: Finding[] = [];
  const { hooks = [], fifo } = config.events ?? {};
  if (group.announce.type === 'none' && hooks.length === 0 && fifo === undefined) {
    findings.push(errorAt([...path, 'announce'], 'LB_CONFIG_NOBODY_TOLD', { group: group.name }));
  }
  if (group.owner !== undefined && group.preferred !== undefined && group.owner !== group.preferred) {
    const params = { owner: group.owner, preferred: group.preferred };
    findings.push(errorAt([...path, 'preferred'], 'LB_CONFIG_OWNER_NOT_PREFERRED', params));
  }
  if (group.preemptDelayMs !== undefined && group.preferred === undefined && group.owner === undefined) {
    findings.push(warningAt([...path, 'preemptDelay'], 'LB_CONFIG_PREEMPT_UNUSED', {}));
  }
  return [...findings, ...keyTwice(group, path), ...slow(group, path)];
}

function keyTwice({ auth }: GroupConfig, path: Path): Finding[] {
  if (auth.type !== 'hmac') return [];
  const ids = auth.keys.map(({ id }) => id);
  const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index);
  return twice === -1
    ? []
    : [errorAt([...path, 'auth', 'keys', twice], 'LB_CONFIG_KEY_TWICE', { id: ids[twice] ?? 0 })];
}

function slow(group: GroupConfig, path: Path): Finding[] {
  const { missedAdverts, version } = group;
  const priority = Math.min(...Object.values(group.priorities));
  const downMs = Math.ceil(
    downUs({ priority, intervalUs: group.advertIntervalMs * 1000, missedAdverts, version }) / 1000,
  );
  if (downMs <= slowMs) return [];
  const params = { group: group.name, time: formatDuration(downMs), missedAdverts };
  return [warningAt(path, 'LB_CONFIG_SLOW_TAKEOVER', params)];
}

/** One node in the network of the address and one outside: the second would announce it where nobody looks for it. */
function apart({ cluster, groups = [] }: PairConfig, vip: VipConfig): Finding[] {
  const announce = groups.find(({ vips }) => vips.includes(vip.name))?.announce.type;
  if (vip.interfaces !== undefined || announce === 'none' || announce === 'hook') return [];
  const hostBits = vip.address.includes(':') ? 128 : 32;
  if (vip.prefixLength >= hostBits - 1) return [];
  const network = `${vip.address}/${vip.prefixLength}`;
  const own = cluster.nodes.flatMap((node) => {
    const address = vip.address.includes(':') ? node.address6 : node.address;
    return address === undefined ? [] : [{ name: node.name, address, inside: inNetwork(address, network) }];
  });
  const inside = own.find((node) => node.inside);
  const outside = own.find((node) => !node.inside);
  if (inside === undefined || outside === undefined) return [];
  const params = { vip: vip.name, network, node: outside.name, address: outside.address, other: inside.name };
  return [errorAt(['vips', vip.name, 'address'], 'LB_CONFIG_NODES_APART', params)];
}

const wildcards = { v4: '0.0.0.0', v6: '::' } as const;

function unserved({ frontends }: PairConfig, vip: VipConfig): Finding[] {
  const wildcard = vip.address.includes(':') ? wildcards.v6 : wildcards.v4;
  const binds = frontends.flatMap((frontend) => frontend.binds);
  if (binds.some(({ address }) => address === vip.address || address === wildcard)) return [];
  const params = { vip: vip.name, address: vip.address, bind: wildcard === '::' ? '[::]:80' : '*:80' };
  return [warningAt(['vips', vip.name, 'address'], 'LB_CONFIG_VIP_UNSERVED', params)];
}

function adminOnVip({ admin }: PairConfig, vip: VipConfig): Finding[] {
  return admin.binds.flatMap((bind, index) =>
    bind.address === vip.address
      ? [warningAt(['admin', 'bind', index], 'LB_CONFIG_ADMIN_ON_VIP', { vip: vip.name, port: bind.port })]
      : [],
  );
}

/** Without an address of the console on each node neither can be asked before its addresses are moved. */
function adminMissing({ admin, cluster, vips }: PairConfig): Finding[] {
  // A console on a VIP has a finding of its own.
  const onVip = admin.binds.some(({ address }) => vips.some((vip) => vip.address === address));
  if (cluster.nodes.length < 2 || onVip) return [];
  const known = admin.binds.map(({ address }) => address);
  if (known.includes(wildcards.v4) || known.includes(wildcards.v6)) return [];
  const node = cluster.nodes.find(({ address }) => !known.includes(address));
  if (node === undefined) return [];
  const addresses = cluster.nodes.map(({ address }) => `"${address}:9443"`).join(', ');
  const binds = `{ bind: [${addresses}] }`;
  return [warningAt(['vips'], 'LB_CONFIG_ADMIN_MISSING', { node: node.name, binds })];
}

/** Two addresses of one network whose prefix lengths differ: one of them is a mistake. /32 says nothing of a network. */
function prefixes(vips: readonly VipConfig[]): Finding[] {
  return vips.flatMap((vip, index) => {
    const other = vips.slice(0, index).find((earlier) => {
      const [wide, narrow] = earlier.prefixLength < vip.prefixLength ? [earlier, vip] : [vip, earlier];
      const hostBits = vip.address.includes(':') ? 128 : 32;
      const differ = wide.prefixLength !== narrow.prefixLength && narrow.prefixLength < hostBits;
      return differ && inNetwork(narrow.address, `${wide.address}/${wide.prefixLength}`);
    });
    if (other === undefined) return [];
    const params = { vip: vip.name, prefix: vip.prefixLength, other: other.name, otherPrefix: other.prefixLength };
    return [warningAt(['vips', vip.name, 'address'], 'LB_CONFIG_PREFIX_DIFFERS', params)];
  });
}

/** What a script may not look at: what both nodes lose together, or what only one can have. */
function sharedScript(config: PairConfig, script: TrackScriptConfig): Finding[] {
  const shared: readonly { readonly address: string; readonly what: string; readonly effect: string }[] = [
    ...config.vips.map(({ name, address }) => ({
      address,
      what: `the VIP "${name}", which answers on one node only`,
      effect: 'the other node fails it for ever and can never take over',
    })),
    ...config.cluster.nodes.map(({ name, address }) => ({
      address,
      what: `node "${name}"`,
      effect: 'when that node dies the other one gives way too, and nobody owns the address',
    })),
    ...config.backends.flatMap((backend) =>
      backend.servers.map(({ name, address }) => ({
        address,
        what: `server "${backend.name}/${name}", which both nodes share`,
        effect: 'when it dies both nodes give way, and nobody owns the address',
      })),
    ),
  ];
  return script.run.flatMap((word, index) => {
    const found = shared.find(({ address }) => mentions(word, address));
    if (found === undefined) return [];
    const path = ['failover', 'scripts', script.name, 'run', index];
    return [errorAt(path, 'LB_CONFIG_SCRIPT_SHARED', { script: script.name, what: found.what, effect: found.effect })];
  });
}

function mentions(word: string, address: string): boolean {
  const at = word.indexOf(address);
  if (at === -1) return false;
  const neighbours = `${word[at - 1] ?? ' '}${word[at + address.length] ?? ' '}`;
  return !/[\w.]/.test(neighbours.replaceAll(':', ' '));
}

function gatewayFindings(config: PairConfig): Finding[] {
  const address = failoverOf(config).gateway?.address ?? 'auto';
  const path = ['failover', 'gateway'];
  const { nodes } = config.cluster;
  const node = nodes.find((own) => own.address === address || own.address6 === address);
  if (node !== undefined) return [errorAt(path, 'LB_CONFIG_GATEWAY_IS_NODE', { address, node: node.name })];
  if (!isIpv4(address)) return [];
  // A node says which networks it is in only by addresses that are written with a prefix length.
  const networks = config.vips.filter((vip) => isIpv4(vip.address) && vip.prefixLength < 31);
  const known = networks.map((vip) => `${vip.address}/${vip.prefixLength}`);
  const isKnown = nodes.every((own) => known.some((network) => inNetwork(own.address, network)));
  if (!isKnown || known.length === 0 || known.some((network) => inNetwork(address, network))) return [];
  return [warningAt(path, 'LB_CONFIG_GATEWAY_NETWORK', { address, networks: known.join(', ') })];
}

function linkPort(config: PairConfig): Finding[] {
  const { peerPort } = failoverOf(config);
  if (peerPort === 0 || config.cluster.nodes.length < 2) return [];
  const own = new Set(['0.0.0.0', ...config.cluster.nodes.map(({ address }) => address)]);
  const binds: readonly { readonly bind: BindConfig; readonly where: string }[] = [
    ...config.frontends.flatMap(({ name, binds: list }) =>
      list.map((bind, index) => ({ bind, where: `frontends.${name}.bind[${index}]` })),
    ),
    ...config.admin.binds.map((bind, index) => ({ bind, where: `admin.bind[${index}]` })),
    ...(config.admin.stats?.binds ?? []).map((bind) => ({ bind, where: 'admin.stats.bind' })),
  ];
  const taken = binds.find(({ bind }) => bind.port === peerPort && own.has(bind.address));
  if (taken === undefined) return [];
  return [errorAt(['failover', 'peerPort'], 'LB_CONFIG_LINK_PORT', { port: peerPort, other: taken.where })];
}
