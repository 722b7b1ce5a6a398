// Checks the direction of imports: each package only imports packages of a lower level, L2 packages never each
// other, nobody reaches into another package's files, and core/ is pure (no node: modules, no I/O libraries).
// The levels are those of docs/architecture.md. Also: every source file opens with a comment that says what it is.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A room may import from rooms of a lower level; `also` are exceptions that docs/architecture.md names. */
const rooms: Readonly<Record<string, { readonly level: number; readonly also?: readonly string[] }>> = {
  'packages/errors': { level: 0 },
  'packages/regex': { level: 0 },
  'packages/config': { level: 1 },
  'packages/linux': { level: 1 },
  'packages/http': { level: 1 },
  'packages/proxy': { level: 2 },
  'packages/vrrp': { level: 2 },
  'packages/tuner': { level: 2 },
  'packages/api': { level: 2 },
  'packages/testing': { level: 3 },
  'apps/appliance': { level: 4, also: ['@tospann/console'] },
  'apps/console': { level: 4 },
  'infra/lab': { level: 5 },
  'infra/bench': { level: 5, also: ['@tospann/lab'] },
  'infra/conformance': { level: 5, also: ['@tospann/lab'] },
};

/** Libraries that a pure core may use: parsing and types, no I/O. */
const pureLibraries = new Set(['zod', 'yaml']);

const problems: string[] = [];
for (const [room, { level, also = [] }] of Object.entries(rooms)) {
  for (const file of sourcesOf(room)) checkFile(file, room, { level, also });
}
if (problems.length > 0) {
  process.stdout.write(`${problems.join('\n')}\n`);
  process.exit(1);
}

function sourcesOf(room: string): readonly string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(node_modules|dist)\//.test(file));
}

function checkFile(
  file: string,
  room: string,
  { level, also }: { readonly level: number; readonly also: readonly string[] },
): void {
  const text = readFileSync(file, 'utf8');
  const name = relative(root, file);
  const isTest = /\.test\.tsx?$|\.test-d\.ts$|\.bench\.ts$|\/test\//.test(file);
  if (!isTest && !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text))
    problems.push(`${name}: opens without a comment that says what it is`);
  for (const specifier of importsOf(text)) {
    if (specifier.startsWith('@tospann/')) checkOwn({ name, room, level, also, isTest }, specifier);
    else if (!isTest && name.includes('/src/core/')) checkCore(name, specifier);
  }
}

interface Importer {
  readonly name: string;
  readonly room: string;
  readonly level: number;
  readonly also: readonly string[];
  readonly isTest: boolean;
}

function checkOwn(importer: Importer, specifier: string): void {
  const { name, level, also, isTest } = importer;
  const [, short = '', ...rest] = specifier.split('/');
  const target = Object.keys(rooms).find((room) => room.endsWith(`/${short}`)) ?? '';
  const targetLevel = rooms[target]?.level ?? Infinity;
  if (rest.includes('src')) problems.push(`${name}: reaches into ${specifier}; import the package itself`);
  const allowed =
    targetLevel < level || also.includes(specifier) || (isTest && (short === 'testing' || target === importer.room));
  if (!allowed) problems.push(`${name}: imports ${specifier}, which is not on a lower level`);
  if (name.includes('/src/core/') && !isTest && ['linux', 'lab', 'bench'].includes(short))
    problems.push(`${name}: core/ imports ${specifier}`);
}

function checkCore(name: string, specifier: string): void {
  if (specifier.startsWith('./') || specifier.startsWith('../')) {
    if (/\/io\//.test(specifier)) problems.push(`${name}: core/ imports ${specifier} of io/`);
    return;
  }
  if (!pureLibraries.has(specifier)) problems.push(`${name}: core/ imports ${specifier}`);
}

function importsOf(text: string): readonly string[] {
  const matches = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...matches].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
