import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DRAIN_LIMIT_MS } from '../src/supervisor/stop.ts';
import { Scratch, tospann } from './binary.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'docs/adr'].flatMap((dir) =>
    readdirSync(join(root, dir)).flatMap((name) => (name.endsWith('.md') ? [join(dir, name)] : [])),
  ),
];

test.each(['README.md', 'docs/from-haproxy.md', 'docs/from-keepalived.md'])(
  'the configuration in %s is valid',
  (document) => {
    using scratch = new Scratch();
    const sample = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(root, document), 'utf8'))?.[1] ?? '';
    const ran = tospann('validate', '-c', scratch.file('tospann.yaml', sample));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  },
);

test("every command that README's blocks name is one of the program", () => {
  const help = tospann('--help').stdout;
  const named = new Set([...readme.matchAll(/^tospann (\w+)/gm)].map((match) => match[1] ?? ''));
  expect(named.size).toBeGreaterThan(4);
  for (const command of named) expect(help).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
});

test.each(documents)('%s links only to files that are there', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
    expect(existsSync(join(root, dirname(document), target)), target).toBe(true);
  }
});

test.each(['docs/architecture.md', 'docs/configuration.md'])(
  '%s says how long a node that is ended waits',
  (document) => {
    expect(readFileSync(join(root, document), 'utf8')).toContain(`${DRAIN_LIMIT_MS / 1000} s`);
  },
);
