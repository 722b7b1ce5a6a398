// sd_notify(3): tells systemd READY=1, STATUS=..., WATCHDOG=1, STOPPING=1. Does nothing outside systemd.
import { libc } from './libc.ts';
import { closeFd, openSocket } from './sockets.ts';

const { sendto } = libc({
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends one notification.
 *
 * @param state Lines such as `READY=1\nSTATUS=Serving`.
 * @param socketPath `$NOTIFY_SOCKET`: a path, or `@name` in the abstract namespace; missing or empty does nothing.
 * @returns Whether it was delivered.
 */
export function notifySystemd(state: string, socketPath: string | undefined): boolean {
  if (socketPath === undefined || !/^[/@]/.test(socketPath)) return false;
  const path = new TextEncoder().encode(socketPath);
  if (path.length > 107) return false;
  const sockaddr = new Uint8Array(2 + path.length);
  sockaddr[0] = AF_UNIX;
  sockaddr.set(path, 2);
  if (socketPath.startsWith('@')) sockaddr[2] = 0;
  const fd = openSocket({ family: AF_UNIX, type: SOCK_DGRAM, protocol: 0 });
  const message = new TextEncoder().encode(state);
  const sent = sendto(fd, message, BigInt(message.length), MSG_NOSIGNAL, sockaddr, sockaddr.length);
  closeFd(fd);
  return sent >= 0n;
}
