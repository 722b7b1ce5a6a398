// The mark of a node's own probe. The failover agent sends it, the data plane knows it by it: such a request is served
// like any other, but nobody wants it in the access log and the counters twice a second.

/** User-Agent of the requests that a node makes to its own listeners; believed only from loopback. */
export const SELF_PROBE_AGENT = 'tospann-self-probe';

/**
 * Address from which a node asks its own listeners in mode tcp, which have no User-Agent. The proxy answers such a
 * connection by itself, `ok` or `no server`: a probe must not open a session at a server twice a second.
 */
export const SELF_PROBE_ADDRESS = '127.84.79.83';
