// Files of sysctl.d(5): their lines, and which file wins. Pure; reading directories is io/sysctl-files.ts.
import { canonicalKey } from './catalogue.ts';
import type { SettingLine } from './model.ts';

/** One line that says something. */
export interface SysctlLine {
  readonly line: number;
  readonly text: string;
  /** Absent: the line is not "key = value". */
  readonly key?: string;
  readonly value?: string;
}

/** Every line that is neither blank nor a comment. */
export function parseSysctl(text: string): readonly SysctlLine[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || /^[#;]/.test(line)) return [];
    const [, key, value] = /^-?\s*([\w.\-/*]+)\s*=\s*(.*)$/.exec(line) ?? [];
    const base = { line: index + 1, text: line };
    return [key === undefined ? base : { ...base, key: canonicalKey(key), value: (value ?? '').trim() }];
  });
}

/** Directories of sysctl.d in the order of their rank: a file name in an earlier one masks the same name in later ones. */
export const SYSCTL_DIRECTORIES = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
] as const;

/**
 * The files in the order in which they are applied: by name over all directories; /etc/sysctl.conf comes last (procps
 * reads it after all others, systemd reads it as 99-sysctl.conf where the distribution links it).
 *
 * @param listed Names of the `*.conf` files of each directory that there is.
 */
export function applyOrder(listed: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const chosen = new Map<string, string>();
  for (const directory of SYSCTL_DIRECTORIES) {
    for (const name of listed[directory] ?? []) {
      if (name.endsWith('.conf') && !chosen.has(name)) chosen.set(name, `${directory}/${name}`);
    }
  }
  return [...chosen.keys()].sort().map((name) => chosen.get(name) ?? name);
}

/** Who sets each key: all lines in the order in which they are applied. */
export function settingsOf(
  files: readonly { readonly file: string; readonly text: string }[],
): Readonly<Record<string, readonly SettingLine[]>> {
  const settings = new Map<string, SettingLine[]>();
  for (const { file, text } of files) {
    for (const { key, value, line } of parseSysctl(text)) {
      if (key === undefined || value === undefined) continue;
      const lines = settings.get(key) ?? [];
      lines.push({ file, line, value });
      settings.set(key, lines);
    }
  }
  return Object.fromEntries(settings);
}
