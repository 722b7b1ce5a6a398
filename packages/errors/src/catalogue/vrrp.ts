// Codes about the failover agent: adverts, addresses, interfaces.
import type { ErrorEntry } from '../catalogue.ts';

export const vrrpErrors = {
  LB_VRRP_ADVERT_INVALID: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot encode the advert as {field} must be {constraint}: current value is {value}',
    hint: 'Correct the value of {field} where the advert is made.',
  },
  LB_VRRP_NODE_UNKNOWN: {
    source: 'config',
    retry: 'never',
    status: 422,
    message: 'Cannot start the failover agent of node "{node}": the configuration has no node of this name',
    hint: 'Name one of {nodes} with --node.',
  },
  LB_VRRP_INTERFACE_DOWN: {
    source: 'kernel',
    retry: 'always',
    status: 503,
    message: 'Cannot use interface "{interface}": it is down or has no carrier',
    hint: 'Bring the link up; the agent goes on as soon as it is.',
  },
  LB_VRRP_ADDRESS_MISSING: {
    source: 'kernel',
    retry: 'always',
    status: 503,
    message: 'Cannot send adverts from {address}: interface "{interface}" does not have this address',
    hint: 'Add the address to the interface, or correct cluster.nodes.{node}.address; the agent goes on as soon as it is there.',
  },
  LB_VRRP_NO_IPV6: {
    source: 'kernel',
    retry: 'always',
    status: 503,
    message: 'Cannot send IPv6 adverts from node "{node}" on interface "{interface}": {detail}',
    hint: 'Give the interface the address, or set cluster.nodes.{node}.address6; the agent goes on as soon as it is there.',
  },
  LB_VRRP_ADDRESS_REFUSED: {
    source: 'kernel',
    retry: 'always',
    status: 503,
    message: 'Cannot own {address} on interface "{interface}": {detail}',
    hint: 'Give the node CAP_NET_ADMIN and look into the kernel log.',
  },
  LB_VRRP_NOT_OWNER: {
    source: 'client',
    retry: 'never',
    status: 409,
    message: 'Cannot hand over from node "{node}": it owns no address; the owner is "{owner}"',
    hint: 'Send the command to node "{owner}".',
  },
  LB_VRRP_HANDOVER_NOT_TAKEN: {
    source: 'peer',
    retry: 'always',
    status: 409,
    message: 'Cannot hand over {vip}: {detail}',
    hint: 'Look at the state of the other node; this node goes on serving.',
  },
  LB_VRRP_BUSY: {
    source: 'client',
    retry: 'always',
    status: 409,
    message: 'Cannot start a hand-over: {detail}',
    hint: 'Wait until the one under way has ended.',
  },
  LB_VRRP_AGENT_ENDED: {
    source: 'internal',
    retry: 'always',
    status: 503,
    message: 'Cannot reach the loop of the failover agent: {detail}',
    hint: 'Look at the log lines before this one; the supervisor starts the agent again.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
