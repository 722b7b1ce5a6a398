// Every module of the program by name: what each process runs. Nothing registers itself. A module is loaded only in
// the process that runs it: a proxy that starts again must not wait for the code of the console.
import type { Role } from './ipc.ts';

const children: Readonly<Record<Role | 'shield' | 'reader', () => Promise<void>>> = {
  proxy: async () => (await import('./children/proxy.ts')).runProxyChild(),
  vrrp: async () => (await import('./children/vrrp.ts')).runVrrpChild(),
  admin: async () => (await import('./children/admin.ts')).runAdminChild(),
  reader: async () => await (await import('./supervisor/config-loader.ts')).runReader(),
  shield: async () => (await import('./supervisor/shield.ts')).runShield(),
};

/** Runs what the role says: one of the supervisor's children, or without a role the command line. */
export async function runModule(role: string | undefined, argv: readonly string[]): Promise<void> {
  const child = Object.entries(children).find(([name]) => name === role)?.[1];
  if (child !== undefined) return await child();
  const { runCommandLine } = await import('./cli/program.ts');
  return await runCommandLine(argv);
}
