// Codes about system calls: the kernel refused something, with its errno and what was tried.
import type { ErrorEntry } from '../catalogue.ts';

export const kernelErrors = {
  LB_KERNEL_CALL: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot {tried}: {errno} from {call}',
    hint: 'Look up {errno} in the manual page of {call}(2).',
  },
  LB_KERNEL_NO_IO_URING: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot use io_uring: {detail}',
    hint: 'Set kernel.io_uring_disabled to 0 and allow io_uring_setup in the seccomp profile, or set proxy.engine to auto.',
  },
  LB_KERNEL_PORT_IN_USE: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot listen on "{address}" port {port}: another process holds it',
    hint: 'Stop the process that "ss -ltnp sport = :{port}" names, or bind another port.',
  },
  LB_KERNEL_ADDRESS_NOT_LOCAL: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot bind "{address}": this machine does not have that address',
    hint: 'Bind an address that "ip address" lists, or "*" for all of them.',
  },
  LB_KERNEL_BAD_ADDRESS: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot use "{address}" as an IP address: it is none',
    hint: 'Give an IPv4 or IPv6 literal; names are not looked up here.',
  },
  LB_KERNEL_BAD_MESSAGE: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot read the netlink message: {detail}',
    hint: 'Report this with the kernel version.',
  },
  LB_KERNEL_NO_INTERFACE: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot use interface "{interface}": this machine does not have it',
    hint: 'Set the interface of this node to one that "ip link" lists.',
  },
  LB_KERNEL_NO_CAPABILITY: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot {tried}: the process has no {capability}',
    hint: 'Start it as root, or give it {capability} (AmbientCapabilities= in the systemd unit).',
  },
  LB_KERNEL_NO_USER: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot run as user "{user}": this machine does not know it',
    hint: 'Create it with "useradd --system {user}", or set proxy.user to a user that exists.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
