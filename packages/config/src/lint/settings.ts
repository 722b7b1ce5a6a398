// Checks of settings of the whole pair and of frontends whose values are each right, but not wise: retries, trust,
// the statistics page, compression.
import type { Raw } from '../document.ts';
import type { Draft, DraftFrontend } from '../draft.ts';
import { isRawMap } from '../document.ts';
import type { Finding, Path } from '../problem.ts';
import { warningAt } from './finding.ts';

/** Warnings about settings. */
export function lintSettings(draft: Draft): Finding[] {
  return [
    ...retries(draft),
    ...trust(draft.http['trustedProxies'], ['http', 'trustedProxies']),
    ...draft.frontends.flatMap((frontend) => [...accepted(frontend), ...compressed(frontend)]),
    ...statsPage(draft),
  ];
}

function retries({ http }: Draft): Finding[] {
  const { retryOn, retryBudget } = http;
  if (!Array.isArray(retryOn)) return [];
  const path = ['http', 'retryOn'];
  if (http['retries'] === 0 || retryBudget === '0%') {
    const key = http['retries'] === 0 ? 'retries' : 'retryBudget';
    return [warningAt(path, 'LB_CONFIG_RETRY_UNUSED', { key })];
  }
  const hasStatus = (retryOn as readonly Raw[]).some((reason) => typeof reason === 'number');
  // Servers that answer 503 because they have too much to do get twice as much then.
  return hasStatus && retryBudget === '100%' ? [warningAt(path, 'LB_CONFIG_RETRY_STORM', {})] : [];
}

function trust(networks: Raw | undefined, path: Path): Finding[] {
  if (!Array.isArray(networks)) return [];
  return (networks as readonly Raw[]).flatMap((network, index) => {
    const all = typeof network === 'string' && /\/0+$/.test(network);
    return all ? [warningAt([...path, index], 'LB_CONFIG_TRUSTS_ALL', { network })] : [];
  });
}

function accepted(frontend: DraftFrontend): Finding[] {
  const binds = frontend.raw['bind'];
  if (!Array.isArray(binds)) return [];
  return (binds as readonly Raw[]).flatMap((bind, index) => {
    const path = [...frontend.path, 'bind', index, 'acceptProxyFrom'];
    return isRawMap(bind) ? trust(bind['acceptProxyFrom'], path) : [];
  });
}

/** Media types whose content is compressed by its own format. */
const COMPRESSED =
  /^(?:(?:video|audio)\/|image\/(?!svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font\/woff2?$|application\/(?:zip|gzip|x-gzip|x-bzip2?|x-xz|x-7z-compressed|x-rar-compressed|vnd\.rar|zstd|pdf|java-archive|font-woff2?)$)/;

function compressed(frontend: DraftFrontend): Finding[] {
  const compression = frontend.raw['compression'];
  const types = isRawMap(compression) ? compression['types'] : undefined;
  if (!Array.isArray(types)) return [];
  return (types as readonly Raw[]).flatMap((type, index) => {
    if (typeof type !== 'string' || !COMPRESSED.test(type.toLowerCase())) return [];
    return [warningAt([...frontend.path, 'compression', 'types', index], 'LB_CONFIG_COMPRESSED_TYPE', { type })];
  });
}

function statsPage(draft: Draft): Finding[] {
  if (draft.stats === undefined || 'auth' in draft.stats) return [];
  const shared = new Set(['0.0.0.0', '::', ...draft.vips.map((vip) => vip.address?.value)]);
  return draft.statsBinds
    .filter((bind) => shared.has(bind.value.address))
    .map((bind) => warningAt(bind.path, 'LB_CONFIG_STATS_PUBLIC', { port: bind.value.port }));
}
