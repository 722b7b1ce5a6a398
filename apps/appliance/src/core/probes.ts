// Which requests show that this node serves: one for each frontend, through its own listener, to a live server.
import type { PairConfig } from '@tospann/config';
import type { ProbeTarget } from '@tospann/vrrp';

/**
 * Takes the first bind of each frontend; a wildcard one is asked on loopback. The path is the one that the
 * backend's own health check uses, because the server is known to answer it.
 */
export function probesOf(config: PairConfig): readonly ProbeTarget[] {
  return config.frontends.flatMap((frontend) => {
    const bind = frontend.binds[0];
    if (bind === undefined) return [];
    const backend = config.backends.find(({ name }) => name === frontend.defaultBackend);
    const path = backend?.check?.type === 'http' ? backend.check.path : '/';
    return [{ host: loopbackFor(bind.address), port: bind.port, path }];
  });
}

function loopbackFor(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
