// Text of the files that make the settings last: one for sysctl.d, and one for the module whose keys are in it. Pure.
import type { Profile } from './model.ts';

/** One key as it stands in the file. */
export interface PersistedKey {
  readonly key: string;
  readonly value: string;
  readonly before: string;
  readonly why: string;
}

export const SYSCTL_FILE = '/etc/sysctl.d/60-tospann.conf';
export const MODULES_FILE = '/etc/modules-load.d/60-tospann.conf';

/** The whole file. `key = value` with `-`: a key that is missing at boot must not keep the others from being set. */
export function sysctlFileText(
  keys: readonly PersistedKey[],
  written: { readonly profile: Profile; readonly at: string; readonly version: string },
): string {
  const head = [
    `# Written by "tospann tune apply" (tospann ${written.version}, profile ${written.profile}) at ${written.at}.`,
    '# Do not edit: the next apply writes it anew. Other values belong under tuner.overrides of tospann.yaml.',
    '# "tospann tune revert" removes this file and puts back what was there before.',
  ];
  const body = keys.flatMap(({ key, value, before, why }) => [
    '',
    `# ${why}`,
    `# Before: ${before === '' ? '(empty)' : before}`,
    `-${key} = ${value}`,
  ]);
  return `${[...head, ...body].join('\n')}\n`;
}

/** The module whose keys the file has, for modules-load.d; undefined when none is needed. */
export function modulesFileText(keys: readonly PersistedKey[], conntrackIsModule: boolean): string | undefined {
  if (!conntrackIsModule || !keys.some(({ key }) => key.startsWith('net.netfilter.nf_conntrack_'))) return undefined;
  return [
    '# Written by "tospann tune apply": the settings of 60-tospann.conf in sysctl.d need this module first.',
    'nf_conntrack',
    '',
  ].join('\n');
}
