// The configurations of the importer's differential: texts in infra/conformance/imports, with macros for addresses, and
// requests made of the words that they have in them. Seeded: the same ones each time.
import { readdirSync, readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seededRandom, type Random } from './import-random.ts';

/** A difference that the report of the import announces. */
export interface Allowance {
  /** `backend`, `server`, `status`, `target`, `request NAME` or `response NAME`. */
  readonly kind: string;
  readonly why: string;
}

export interface ImportCase {
  readonly name: string;
  readonly text: string;
  readonly allowed: readonly Allowance[];
  /** Files of maps by their names in the text. */
  readonly maps: Readonly<Record<string, string>>;
}

export interface ImportRequest {
  readonly listener: 'a' | 'b';
  readonly method: string;
  readonly target: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  readonly source: string;
}

const FOLDER = new URL('../imports/', import.meta.url);
const DEFAULTS = 'defaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s';

/** All configurations, in the order of the files. */
export function readImportCases(): ImportCase[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .flatMap((file) => readFileSync(new URL(file, FOLDER), 'utf8').split(/^=== /m).slice(1))
    .map(readCase);
}

function readCase(block: string): ImportCase {
  const [name = '', ...lines] = block.split('\n');
  const allowed: Allowance[] = [];
  const maps: Record<string, string> = {};
  const text: string[] = [];
  let map: string | undefined;
  for (const line of lines) {
    const [, kind, why] = /^# differs (\S+(?: \S+)?): (.*)$/.exec(line) ?? [];
    if (map !== undefined) {
      if (line === '@end') map = undefined;
      else maps[map] += `${line}\n`;
    } else if (line.startsWith('@map ')) {
      map = line.slice(5);
      maps[map] = '';
    } else if (kind === undefined) text.push(line);
    else allowed.push({ kind, why: why ?? '' });
  }
  return { name, text: text.join('\n').trimEnd(), allowed, maps };
}

/** Where a configuration is put. */
export interface CasePlace {
  readonly address: string;
  readonly ports: Readonly<Record<'a' | 'b', number>>;
  readonly originPort: number;
  /** For maps. */
  readonly folder: string;
}

/** The text for one proxy; its maps are written. */
export function textOf({ text, maps }: ImportCase, place: CasePlace): string {
  for (const [name, content] of Object.entries(maps)) {
    mkdirSync(dirname(join(place.folder, name)), { recursive: true });
    writeFileSync(join(place.folder, name), content);
  }
  return text
    .replaceAll('@defaults', DEFAULTS)
    .replaceAll('@map', place.folder)
    .replaceAll(/@([ab])port/g, (_, name: 'a' | 'b') => String(place.ports[name]))
    .replaceAll(/@(\d)(\d)/g, (_, backend: string, server: string) => `127.3.${backend}.${server}:${place.originPort}`)
    .replaceAll(/@([ab])\b/g, (_, name: 'a' | 'b') => `${place.address}:${place.ports[name]}`);
}

const METHODS = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'];
const SOURCES = ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.7.0.1', '127.7.1.2', '127.9.0.1', '127.9.9.9'];
const PATHS = ['/', '/index.html', '/x', '/a/b/c', '/2024/05/post', '/Item/12', '/v1/users/5', '/v2/things'];
const VALUES = ['1', '2', 'yes', 'on', 'b', 'home', 'de', 'inner', 'outer', 'one', 'two', 'secret', 'a'];

/** So many requests that the words of a configuration suggest. */
export function requestsFor(entry: ImportCase, count: number): ImportRequest[] {
  const random = seededRandom(entry.name);
  const words = wordsOf(entry);
  const hasSecond = entry.text.includes('@b');
  return Array.from({ length: count }, () => ({
    listener: hasSecond && random.chance(0.3) ? 'b' : 'a',
    method: random.pick(METHODS),
    target: targetFor(random, words),
    fields: fieldsFor(random, words),
    source: random.pick(SOURCES),
  }));
}

interface Words {
  readonly paths: readonly string[];
  readonly endings: readonly string[];
  readonly hosts: readonly string[];
  readonly headers: readonly string[];
  readonly cookies: readonly string[];
  readonly parameters: readonly string[];
  readonly values: readonly string[];
}

function wordsOf({ text, maps }: ImportCase): Words {
  const all = `${text}\n${Object.values(maps).join('\n')}`;
  const words = all.split(/[\s"'%[\](){},^$|\\]+/).filter((word) => !word.includes('@'));
  const named = (form: RegExp): string[] => [...all.matchAll(form)].map(([, name = '']) => name);
  return {
    paths: unique([...PATHS, ...words.filter((word) => /^\/[\w./:-]*$/.test(word))]),
    endings: unique(words.filter((word) => /^\.\w+$/.test(word))),
    hosts: unique([
      ...words.filter((word) => /^\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?(?:example|org|sites)(?::\d+)?$/.test(word)),
      'other.test',
    ]),
    headers: unique([
      ...named(/f?hdr(?:_\w+)?\((X-[\w-]+|User-Agent|Origin|Upgrade|Connection|Accept-Language)/gi),
      ...named(/header (X-[\w-]+)/gi),
      'X-Plain',
    ]),
    cookies: unique([...named(/cook\((\w+)/g), ...named(/^ +cookie (\w+)/gm), 'other']),
    parameters: unique([...named(/(?:url_param|urlp)\((\w+)/g), 'q']),
    values: unique([...VALUES, ...words.filter((word) => /^[\w./-]{1,12}$/.test(word) && !/^\d{5}/.test(word))]),
  };
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}

function targetFor(random: Random, words: Words): string {
  const base = random.pick(words.paths);
  const ending = words.endings.length > 0 && random.chance(0.3) ? random.pick(words.endings) : '';
  const path = random.pick([
    base,
    base,
    `${base}/x`,
    `${base}x`,
    base.toUpperCase(),
    `/pre${base}`,
    `${base}/old/y.html`,
  ]);
  const parameter = `${random.pick(words.parameters)}=${random.pick(words.values)}`;
  const second = parameter.replace(/=.*/, `=${random.pick(words.values)}`);
  const query = random.pick([
    '',
    '',
    '',
    '?a=1',
    `?${parameter}`,
    `?${parameter}&z`,
    `?${parameter}&${second}`,
    `?k=%20&${parameter}`,
  ]);
  return `${path.replace('//', '/')}${ending}${query}`;
}

function hostFor(random: Random, words: Words): string {
  const host = random.pick(words.hosts).replace(/^\./, 'sub.');
  return random.pick([
    host,
    host,
    host,
    host.toUpperCase(),
    `${host.replace(/:\d+$/, '')}:8080`,
    `www.${host}`,
    `static.${host}`,
  ]);
}

function fieldsFor(random: Random, words: Words): string[] {
  const fields = ['Host', hostFor(random, words)];
  const some = random.pick([0, 0, 1, 1, 2, 3]);
  for (let i = 0; i < some; i += 1) {
    const name = random.pick(words.headers);
    // These say how the connection goes on, which is not what is compared.
    if (/^(?:Connection|Upgrade)$/i.test(name)) continue;
    fields.push(name, valueFor(random, words));
    if (random.chance(0.2)) fields.push(name, valueFor(random, words));
  }
  if (random.chance(0.3)) {
    const cookies = Array.from(
      { length: random.pick([1, 2]) },
      () => `${random.pick(words.cookies)}=${random.pick(words.values)}`,
    );
    fields.push('Cookie', cookies.join('; '));
  }
  return fields;
}

function valueFor(random: Random, words: Words): string {
  const value = random.pick(words.values);
  return random.pick([value, value, value, `x, ${value}`, `${value}, y`, `${value} and more`, value.toUpperCase()]);
}
