// A backend from the file's shape to the model: checks and agents get their time-outs, flags that are off fall away.
import type { AgentConfig, BackendConfig, CheckConfig, CookieConfig, HashConfig, ServerConfig } from '../model.ts';
import type { ConfigFile } from '../schema.ts';
import { buildAcl } from './frontend.ts';
import { buildRule } from './rule.ts';
import { entries, onlyTrue, present } from './shape.ts';

type BackendInput = ConfigFile['backends'][string];

/** Balancing that hashes something; these always have a `hash` in the model. */
const HASHING: ReadonlySet<string> = new Set(['source', 'uri', 'header', 'cookie']);

/** Makes the model of one backend; `checkTimeoutMs` is timeouts.check. */
export function buildBackend(name: string, backend: BackendInput, checkTimeoutMs: number): BackendConfig {
  return present({
    name,
    mode: backend.mode === 'tcp' ? ('tcp' as const) : undefined,
    balance: backend.balance,
    hash: HASHING.has(backend.balance) ? buildHash(backend.hash) : undefined,
    cookie: backend.cookie === undefined ? undefined : buildCookie(backend.cookie),
    check: backend.check === undefined ? undefined : buildCheck(backend.check, checkTimeoutMs),
    observe: backend.observe,
    agent: backend.agent === undefined ? undefined : buildAgent(backend.agent, checkTimeoutMs),
    slowStartMs: backend.slowStart,
    panicPercent: backend.panic,
    maxConnections: backend.maxConnections,
    maxQueue: backend.maxQueue,
    abortOnClose: onlyTrue(backend.abortOnClose),
    closeSessionsWhenDown: onlyTrue(backend.closeSessionsWhenDown),
    acls: backend.acls === undefined ? undefined : entries(backend.acls, buildAcl),
    rules: backend.rules?.flatMap(buildRule),
    servers: entries(backend.servers, buildServer),
  });
}

function buildServer(name: string, server: BackendInput['servers'][string]): ServerConfig {
  return present({
    name,
    address: server.address.address,
    isName: server.address.isName,
    port: server.address.port,
    cookie: server.cookie,
    weight: server.weight,
    maxConnections: server.maxConnections,
    backup: onlyTrue(server.backup),
    check: server.check ? undefined : false,
    sendProxy: server.sendProxy,
  });
}

function buildHash(hash: BackendInput['hash']): HashConfig {
  return present({ name: hash?.name, wholeUri: hash?.wholeUri ?? false, boundPercent: hash?.bound ?? 0 });
}

function buildCookie(cookie: NonNullable<BackendInput['cookie']>): CookieConfig {
  return present({
    name: cookie.name,
    mode: cookie.mode,
    insert: cookie.mode === undefined ? cookie.insert : cookie.mode === 'insert',
    indirect: cookie.indirect,
    nocache: cookie.nocache,
    preserve: onlyTrue(cookie.preserve),
    httponly: onlyTrue(cookie.httponly),
    secure: onlyTrue(cookie.secure),
    sameSite: cookie.sameSite,
    domain: cookie.domain?.toLowerCase(),
    maxIdleMs: cookie.maxIdle,
    maxLifeMs: cookie.maxLife,
  });
}

function buildCheck(check: NonNullable<BackendInput['check']>, checkTimeoutMs: number): CheckConfig {
  return present({
    type: check.type,
    method: check.method,
    path: check.path,
    host: check.host,
    intervalMs: check.interval,
    fastIntervalMs: check.fastInterval ?? check.interval,
    downIntervalMs: check.downInterval,
    timeoutMs: check.timeout ?? checkTimeoutMs,
    rise: check.rise,
    fall: check.fall,
    port: check.port,
    headers: check.headers,
    jitterPercent: check.jitter,
    expect: check.expect === undefined ? undefined : present(check.expect),
    dialogue: check.dialogue,
  });
}

function buildAgent(agent: NonNullable<BackendInput['agent']>, checkTimeoutMs: number): AgentConfig {
  return present({
    port: agent.port,
    intervalMs: agent.interval,
    timeoutMs: agent.timeout ?? checkTimeoutMs,
    send: agent.send,
  });
}
