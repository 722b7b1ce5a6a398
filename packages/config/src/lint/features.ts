// Checks of backends whose settings do not fit each other: what needs HTTP, a check, a hash or a limit beside it.
import type { RawMap } from '../document.ts';
import type { Draft, DraftBackend } from '../draft.ts';
import { isRawMap } from '../document.ts';
import { showValue, type Finding } from '../problem.ts';
import { errorAt, warningAt } from './finding.ts';

/** Problems of the features of backends. */
export function lintFeatures(draft: Draft): Finding[] {
  return draft.backends.flatMap((backend) => [
    ...(backend.mode === 'tcp' ? needHttp(backend) : []),
    ...hashing(backend),
    ...cookieAttributes(backend),
    ...needCheck(backend),
    ...checkKind(backend),
    ...queue(backend),
    ...onlyBackups(backend),
  ]);
}

const HTTP_BALANCE: readonly string[] = ['uri', 'header', 'cookie'];
const HASHING: readonly string[] = ['source', ...HTTP_BALANCE];

function needHttp({ path, raw }: DraftBackend): Finding[] {
  const findings: Finding[] = [];
  const balance = raw['balance'];
  const refuse = (keys: readonly string[], reason: string): void => {
    findings.push(errorAt([...path, ...keys], 'LB_CONFIG_NEEDS_HTTP', { key: keys.at(-1) ?? '', reason }));
  };
  if ('cookie' in raw) refuse(['cookie'], 'cookies are in HTTP messages');
  if (typeof balance === 'string' && HTTP_BALANCE.includes(balance)) {
    refuse(['balance'], `${balance} is a part of HTTP requests`);
  }
  const observe = raw['observe'];
  if (isRawMap(observe) && (observe['layer'] ?? 'http') === 'http') {
    refuse('layer' in observe ? ['observe', 'layer'] : ['observe'], 'layer: connection is what can be observed');
  }
  return findings;
}

function hashing({ path, raw }: DraftBackend): Finding[] {
  const balance = raw['balance'];
  const hash = raw['hash'];
  if (typeof balance !== 'string' || !HASHING.includes(balance)) {
    return isRawMap(hash) ? [warningAt([...path, 'hash'], 'LB_CONFIG_HASH_UNUSED', {})] : [];
  }
  const findings: Finding[] = [];
  const wantsName = balance === 'header' || balance === 'cookie';
  if (wantsName && !(isRawMap(hash) && 'name' in hash)) {
    findings.push(errorAt([...path, 'balance'], 'LB_CONFIG_HASH_NAME', { balance }));
  }
  if (isRawMap(raw['cookie'])) {
    findings.push(warningAt([...path, 'balance'], 'LB_CONFIG_COOKIE_AND_HASH', { balance }));
  }
  return findings;
}

function cookieAttributes({ path, raw }: DraftBackend): Finding[] {
  const cookie = raw['cookie'];
  if (!isRawMap(cookie)) return [];
  const at = [...path, 'cookie'];
  const { mode, insert } = cookie;
  const findings: Finding[] = [];
  const contradicts = (mode === 'insert' && insert === false) || (isOther(mode) && insert === true);
  if (contradicts) {
    findings.push(
      errorAt([...at, 'insert'], 'LB_CONFIG_COOKIE_MODE', { mode: showValue(mode), insert: showValue(insert) }),
    );
  }
  if (cookie['sameSite'] === 'None' && cookie['secure'] !== true) {
    findings.push(warningAt([...at, 'sameSite'], 'LB_CONFIG_SAME_SITE_NONE', {}));
  }
  const inserts = isOther(mode) ? false : mode === 'insert' || insert !== false;
  const idle = ['maxIdle', 'maxLife', 'sameSite', 'domain', 'httponly', 'secure', 'preserve'].filter(
    (key) => key in cookie,
  );
  if (!inserts && mode !== 'rewrite' && mode !== 'prefix') {
    findings.push(...idle.map((key) => warningAt([...at, key], 'LB_CONFIG_COOKIE_NOT_SET', { key })));
  }
  return findings;
}

function isOther(mode: unknown): boolean {
  return mode === 'rewrite' || mode === 'prefix' || mode === 'passive';
}

function needCheck({ path, raw }: DraftBackend): Finding[] {
  if ('check' in raw) return [];
  const hasAgent = 'agent' in raw;
  const keys = ['panic', 'slowStart', 'closeSessionsWhenDown', 'observe'].filter((key) => key in raw);
  return keys
    .filter((key) => key === 'observe' || !hasAgent)
    .map((key) => warningAt([...path, key], 'LB_CONFIG_NEEDS_CHECK', { key }));
}

const HTTP_CHECK_KEYS: readonly string[] = ['expect', 'headers', 'host', 'method', 'path'];

function checkKind({ path, raw }: DraftBackend): Finding[] {
  const check = raw['check'];
  if (!isRawMap(check)) return [];
  const type = check['type'] === 'tcp' ? 'tcp' : 'http';
  const foreign = type === 'tcp' ? HTTP_CHECK_KEYS : ['dialogue'];
  return foreign
    .filter((key) => key in check)
    .map((key) => errorAt([...path, 'check', key], 'LB_CONFIG_CHECK_KIND', { key, type }));
}

// Only a full server or backend makes requests wait.
function queue({ path, raw }: DraftBackend): Finding[] {
  if (!('maxQueue' in raw) || 'maxConnections' in raw) return [];
  const servers = raw['servers'];
  const limited = isRawMap(servers) && Object.values(servers).some((server) => hasLimit(server));
  return limited ? [] : [warningAt([...path, 'maxQueue'], 'LB_CONFIG_QUEUE_UNUSED', {})];
}

function hasLimit(server: RawMap[string]): boolean {
  return isRawMap(server) && 'maxConnections' in server;
}

function onlyBackups(backend: DraftBackend): Finding[] {
  const { servers } = backend;
  if (servers.length === 0 || servers.some((server) => !server.backup)) return [];
  return [warningAt(backend.path, 'LB_CONFIG_ONLY_BACKUPS', { name: backend.name })];
}
