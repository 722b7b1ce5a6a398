// Which requests show that this node serves: one for each frontend, through its own listener, to a live server.
import { SELF_PROBE_ADDRESS, type BindConfig, type FrontendConfig, type PairConfig } from '@tospann/config';
import type { ProbeTarget } from '@tospann/vrrp';

/** The header by which the probe says that it speaks for itself; what a listener behind a proxy wants to hear first. */
const PROXY_OPENING = 'PROXY UNKNOWN\r\n';

/**
 * Takes the first bind of each frontend; a wildcard one is asked on loopback. The path is the one that the
 * backend's own health check uses, because the server is known to answer it.
 */
export function probesOf(config: PairConfig): readonly ProbeTarget[] {
  return config.frontends.flatMap((frontend) => {
    const bind = frontend.binds[0];
    return bind === undefined ? [] : probeOf(config, frontend, bind);
  });
}

function probeOf(config: PairConfig, frontend: FrontendConfig, bind: BindConfig): ProbeTarget[] {
  return probeAt(config, { frontend, bind, host: loopbackFor(bind.address) });
}

/**
 * The request that shows that a floating address is answered on this node; undefined: no frontend listens on it, or it
 * speaks no HTTP.
 */
export function probeOfAddress(config: PairConfig, address: string): ProbeTarget | undefined {
  const wildcard = address.includes(':') ? '::' : '0.0.0.0';
  for (const frontend of config.frontends.filter(({ mode }) => mode !== 'tcp')) {
    const bind = frontend.binds.find((one) => one.address === address || one.address === wildcard);
    if (bind !== undefined) return probeAt(config, { frontend, bind, host: address })[0];
  }
  return undefined;
}

interface ProbePlace {
  readonly frontend: FrontendConfig;
  readonly bind: BindConfig;
  readonly host: string;
}

function probeAt(config: PairConfig, { frontend, bind, host }: ProbePlace): ProbeTarget[] {
  const isStream = frontend.mode === 'tcp';
  // The address by which the proxy knows a probe of a stream is an IPv4 one.
  if (isStream && host.includes(':')) return [];
  const backend = config.backends.find(({ name }) => name === frontend.defaultBackend);
  // A probe asks for a page, and "*" is none.
  const path = backend?.check?.type === 'http' && backend.check.path !== '*' ? backend.check.path : '/';
  const source = isStream ? SELF_PROBE_ADDRESS : host;
  const opening = contains(bind.acceptProxyFrom ?? [], source) ? { opening: PROXY_OPENING } : {};
  return [{ frontend: frontend.name, host, port: bind.port, path, ...(isStream ? { isStream } : {}), ...opening }];
}

function loopbackFor(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

/** Whether an address is in one of the networks. Of IPv6 only the whole of it and the same text are known. */
function contains(networks: readonly string[], address: string): boolean {
  return networks.some((network) => {
    const [base = '', bits = '32'] = network.split('/');
    if (address.includes(':')) return base === address || network === '::/0';
    if (base.includes(':')) return false;
    const shift = 2 ** (32 - Number(bits));
    return Math.floor(ipv4Number(base) / shift) === Math.floor(ipv4Number(address) / shift);
  });
}

function ipv4Number(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
