// loadConfig reads from disk, so its tests stand here, with a directory of their own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXAMPLE_CONFIG, loadConfig } from '../src/index.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tospann-config-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function load(content: string | Uint8Array): Promise<Awaited<ReturnType<typeof loadConfig>>> {
  const file = join(directory, 'tospann.yaml');
  await writeFile(file, content);
  return loadConfig(file);
}

test('loadConfig() reads a valid file', async () => {
  expect(await load(EXAMPLE_CONFIG)).toMatchObject({ ok: true, config: { cluster: { name: 'shop' } } });
});

test('loadConfig() reads a file that begins with a byte order mark', async () => {
  expect(await load(`\uFEFF${EXAMPLE_CONFIG}`)).toMatchObject({ ok: true });
});

test('loadConfig() warns of maps and error pages that this machine does not have, each at its place', async () => {
  const page = join(directory, 'large.html');
  await writeFile(page, Buffer.alloc(64 * 1024 + 1, 'a'));
  const small = join(directory, 'small.html');
  await writeFile(small, 'busy');
  const text = EXAMPLE_CONFIG.replace(
    '    defaultBackend: app',
    `    errorPages: { 502: ${page}, 503: ${small}, 504: ${directory} }\n    defaultBackend: app`,
  );
  expect(text).not.toBe(EXAMPLE_CONFIG);
  const result = await load(text);
  expect(result.ok).toBe(true);
  expect(result.warnings).toHaveLength(3);
  expect(result.warnings).toMatchObject([
    { code: 'LB_CONFIG_FILE', path: 'frontends.main.errorPages.502', line: 24, column: 24 },
    { path: 'frontends.main.errorPages.504', message: expect.stringMatching(/not a regular file$/) as string },
    { path: 'maps.sites.file', message: expect.stringMatching(/there is no such file$/) as string },
  ]);
});

test('loadConfig() places the first byte that is not UTF-8', async () => {
  const latin1 = Buffer.from('version: 1\n# gr\u00f8nn \u00f8\n', 'latin1');
  expect(await load(latin1)).toMatchObject({
    ok: false,
    problems: [
      {
        code: 'LB_CONFIG_ENCODING',
        line: 2,
        column: 5,
        message: 'Cannot read the configuration: byte 0xf8 is not UTF-8',
      },
    ],
  });
});

test('loadConfig() places a sequence that is cut at the end of the file', async () => {
  const cut = Buffer.from('version: 1\n# \u00e5', 'utf8').subarray(0, -1);
  expect(await load(cut)).toMatchObject({ ok: false, problems: [{ code: 'LB_CONFIG_ENCODING', line: 2, column: 3 }] });
});

test('loadConfig() refuses a file over 1 MiB', async () => {
  expect(await load(Buffer.alloc(3 * 1024 * 1024, 'a'))).toMatchObject({
    ok: false,
    problems: [{ code: 'LB_CONFIG_TOO_LARGE' }],
  });
});

test('loadConfig() throws LB_CONFIG_UNREADABLE when there is no such file', async () => {
  await expect(loadConfig(join(directory, 'missing.yaml'))).rejects.toMatchObject({
    code: 'LB_CONFIG_UNREADABLE',
    message: expect.stringMatching(/missing\.yaml": there is no such file$/) as string,
  });
});

test.each(['/dev/zero', '/'])(
  'loadConfig() throws LB_CONFIG_UNREADABLE for %s, which is no regular file',
  async (file) => {
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'LB_CONFIG_UNREADABLE' });
  },
);
