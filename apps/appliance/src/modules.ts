// Every module of the program by name: what each child process of the supervisor runs. Nothing registers itself.
import { runAdminChild } from './children/admin.ts';
import { runProxyChild } from './children/proxy.ts';
import { runVrrpChild } from './children/vrrp.ts';
import type { Role } from './ipc.ts';

const children: Readonly<Record<Role, () => void>> = {
  proxy: runProxyChild,
  vrrp: runVrrpChild,
  admin: runAdminChild,
};

/** The main function of a role, or undefined for the command line. */
export function childOf(role: string | undefined): (() => void) | undefined {
  return Object.entries(children).find(([name]) => name === role)?.[1];
}
