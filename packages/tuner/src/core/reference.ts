// The tables of docs/tuning.md, written from the catalogue: what each profile sets on an example machine, and why.
import { catalogue } from './catalogue.ts';
import type { CatalogueEntry } from './model.ts';
import { oldAdvice } from './advice.ts';

const THEMES: Readonly<Record<CatalogueEntry['theme'], string>> = {
  accept: 'How connections get in',
  ports: 'Ports and TIME_WAIT',
  tcp: 'TCP',
  softirq: 'Packets',
  addresses: 'Addresses and neighbours',
  conntrack: 'Connection tracking',
  machine: 'The machine',
};

const POLICIES: Readonly<Record<CatalogueEntry['policy'], string>> = {
  set: 'sets',
  raise: 'raises',
  advise: 'advises',
  watch: 'shows',
  never: 'never',
};

/** Markdown between the markers of docs/tuning.md: one table for each theme, then the old advice. */
export function renderTunerReference(): string {
  const themes = Object.entries(THEMES).map(([theme, title]) => {
    const rows = catalogue.filter((entry) => entry.theme === theme).map(row);
    return [`### ${title}`, '', '| Key | The tuner | Why | Risk |', '|---|---|---|---|', ...rows].join('\n');
  });
  const advice = oldAdvice.map(({ key, verdict, why }) => `| \`${plainKey(key)}\` | ${verdict} | ${sentence(why)} |`);
  const old = ['### Old advice that the audit refuses', '', '| Key | Verdict | Why |', '|---|---|---|', ...advice];
  return `${[...themes, old.join('\n')].join('\n\n')}\n`;
}

function row({ key, policy, why, risk, scope, since, conflicts, mayLower }: CatalogueEntry): string {
  const notes = [
    scope === 'host' ? 'host-wide' : '',
    since === undefined ? '' : `from Linux ${since.join('.')}`,
  ].filter(Boolean);
  const name = notes.length === 0 ? `\`${key}\`` : `\`${key}\` (${notes.join(', ')})`;
  const more = [
    conflicts === undefined ? '' : ` ${sentence(conflicts)}`,
    mayLower === undefined ? '' : ` May be lower: ${mayLower}.`,
  ];
  return `| ${name} | ${POLICIES[policy]} | ${cell(why)}${cell(more.join(''))} | ${risk === 'none known' ? '' : cell(risk)} |`;
}

function plainKey(key: RegExp): string {
  return key.source
    .replace(/\\\./g, '.')
    .replace(/^\^|\$$/g, '')
    .replaceAll('[^.]+', 'NAME')
    .replaceAll('(?:', '(')
    .replaceAll('|', ', ');
}

// Names of keys stay as they are.
function sentence(text: string): string {
  if (/^\w+[._]/.test(text)) return `${text}.`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
