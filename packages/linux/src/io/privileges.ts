// Giving up root: change of user, for the whole process. Main thread only (Node forbids it in workers); the
// C library changes all threads. Bind ports and open raw sockets before.
import { TospannError } from '@tospann/errors';
import { libc, viewMemory } from './libc.ts';

const { getpwnam } = libc({ getpwnam: { arguments: ['pointer'], return: 'pointer' } });

/** A user of the machine. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Looks a user up (NSS, so also LDAP); null when there is none. */
export function findUser(name: string): SystemUser | null {
  const record = getpwnam(new TextEncoder().encode(`${name}\0`));
  if (record === 0n) return null;
  const view = new DataView(viewMemory(record, 24)); // struct passwd: name, password, uid, gid
  return { name, uid: view.getUint32(16, true), gid: view.getUint32(20, true) };
}

/**
 * Becomes the first of these users that exists, with its primary group only; capabilities are lost with it.
 *
 * @param names In order of preference: `['tospann', 'nobody']`.
 * @returns The user that the process now is; the present one, unchanged, when it is not root.
 * @throws {TospannError} LB_KERNEL_NO_USER when none exists.
 */
export function dropPrivileges(names: readonly string[]): SystemUser {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { name: String(uid), uid, gid: process.getgid?.() ?? 0 };
  const user = names.map(findUser).find((found) => found !== null);
  if (user === undefined || user === null) throw new TospannError('LB_KERNEL_NO_USER', { user: names.join('" or "') });
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
  return user;
}
