// Writes the documents that follow from code: docs/errors.md from the catalogue, docs/configuration.md from the
// schema, the tables of docs/tuning.md from the catalogue of the tuner and of
// docs/from-keepalived.md from that of the importer. With --check it writes nothing and fails when a document is not what the code says.
import { readFileSync, writeFileSync } from 'node:fs';
import { renderConfigReference, renderKeepalivedReference } from '@tospann/config';
import { catalogue, type ErrorEntry } from '@tospann/errors';
import { renderTunerReference } from '@tospann/tuner';

const documents: Readonly<Record<string, string>> = {
  'docs/errors.md': renderErrors(),
  'docs/configuration.md': renderConfigReference(),
  'docs/tuning.md': withTables('docs/tuning.md', 'packages/tuner', renderTunerReference()),
  'docs/from-keepalived.md': withTables(
    'docs/from-keepalived.md',
    'packages/config/src/import',
    renderKeepalivedReference(),
  ),
};

let stale = 0;
for (const [file, text] of Object.entries(documents)) {
  if (process.argv.includes('--check')) {
    if (read(file) === text) continue;
    stale += 1;
    process.stdout.write(
      `${file} is not what the code says: run node --conditions=@tospann/source scripts/lib/generate-docs.ts\n`,
    );
  } else writeFileSync(file, text);
}
process.exit(stale === 0 ? 0 : 1);

function renderErrors(): string {
  const entries = Object.entries(catalogue as Readonly<Record<string, ErrorEntry>>).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const sections = entries.map(([code, entry]) => {
    const facts = `Source: ${entry.source}. Retry: ${entry.retry}. HTTP status: ${entry.status}.`;
    return `## ${code}\n\n${entry.message}\n\n${facts}\n\nHint: ${entry.hint}\n`;
  });
  return `# Error codes\n\nGenerated from \`packages/errors\`. A code has one meaning and is never renamed.\n\n${sections.join('\n')}`;
}

/** The document with everything after its marker replaced. */
function withTables(file: string, from: string, tables: string): string {
  const text = read(file);
  const marker = `<!-- Everything from here on is generated from ${from}. -->\n`;
  const at = text.indexOf(marker);
  return at < 0 ? text : `${text.slice(0, at + marker.length)}\n${tables}`;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
