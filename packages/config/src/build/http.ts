// HTTP behaviour of the pair, from the file's shape to the model.
import type { HttpConfig } from '../model.ts';
import type { ConfigFile } from '../schema.ts';
import { onlyTrue, present } from './shape.ts';

const REQUEST_ID = { header: 'X-Request-Id', respond: false } as const;

/** Makes the model of `http`; error pages go to the frontends. */
export function buildHttp(http: ConfigFile['http']): HttpConfig {
  const { requestId } = http;
  return present({
    forwardedFor: http.forwardedFor,
    serverClose: http.serverClose,
    retries: http.retries,
    redispatch: http.redispatch,
    retryOn: http.retryOn,
    retryBudgetPercent: http.retryBudget,
    trustedProxies: http.trustedProxies,
    forwardedProto: onlyTrue(http.forwardedProto),
    forwardedHost: onlyTrue(http.forwardedHost),
    forwardedPort: onlyTrue(http.forwardedPort),
    forwarded: onlyTrue(http.forwarded),
    requestId: typeof requestId === 'boolean' ? (requestId ? REQUEST_ID : undefined) : requestId,
    normalize: http.normalize ? undefined : false,
    similarHeaders: http.similarHeaders === 'keep' ? http.similarHeaders : undefined,
  });
}
