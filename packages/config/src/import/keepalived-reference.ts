// The tables of docs/from-keepalived.md, from the table of directives that the importer answers with. Pure.
import { DIRECTIVES, type Directive, type Place } from './keepalived-directives.ts';

const HEADINGS: readonly (readonly [Place, string])[] = [
  ['instance', 'In `vrrp_instance` and `vrrp_sync_group`'],
  ['script', 'In `vrrp_script`'],
  ['global', 'In `global_defs`'],
  ['top', 'Blocks and statements outside of them'],
];

const VERDICTS = { taken: 'taken', changed: 'changed', refused: 'left out', 'not-needed': 'not needed' } as const;

/** Markdown: one table for each place, one row for each directive. */
export function renderKeepalivedReference(): string {
  return HEADINGS.map(([place, heading]) => {
    const rows = DIRECTIVES[place].map(row).join('\n');
    return `## ${heading}\n\n| keepalived | verdict | becomes | why, and what to do instead |\n|---|---|---|---|\n${rows}\n`;
  }).join('\n');
}

function row({ names, verdict, becomes, why }: Directive): string {
  const shown = names.map((name) => `\`${name}\``).join(', ');
  return `| ${shown} | ${VERDICTS[verdict]} | ${becomes === '' ? '' : `\`${becomes}\``} | ${why.replaceAll('|', String.raw`\|`)} |`;
}
