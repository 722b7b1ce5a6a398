import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, EXAMPLE_CONFIG, parseConfig, renderConfigReference } from './index.ts';
import { configSchema } from './schema.ts';
import type { FieldDoc } from './schema/fields.ts';
import { docOf, unwrap } from './schema/walk.ts';

interface Leaf {
  readonly path: string;
  readonly key: string;
  readonly schema: z.ZodType;
  readonly doc: FieldDoc | undefined;
}

/** Every key of the schema that is not a mapping or a list of mappings. */
function leaves(schema: z.ZodType, path: string): Leaf[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodRecord) return leaves(inner.def.valueType as z.ZodType, `${path}.*`);
  if (inner instanceof z.ZodArray) return leaves(inner.def.element as z.ZodType, `${path}[]`);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) => {
    const below = leaves(value, `${path}.${key}`);
    return below.length > 0 ? below : [{ path: `${path}.${key}`, key, schema: value, doc: docOf(value) }];
  });
}

const all = leaves(configSchema, '');

test('configSchema has its fields', () => {
  expect(all.map(({ path }) => path)).toContain('.backends.*.servers.*.maxConnections');
});

test.each(all)('configSchema documents $path with an example that it accepts', ({ key, schema, doc }) => {
  expect(doc).toBeDefined();
  for (const text of [doc?.is, doc?.range, doc?.default, doc?.change]) expect(text).toMatch(/[^.\s]$/);
  const example = parse(doc?.example ?? '') as Record<string, unknown>;
  expect(Object.keys(example)).toEqual([key]);
  expect(schema.safeParse(example[key]).success).toBe(true);
});

test.each(all)('configSchema has the default of $path that its documentation says', ({ schema, doc }) => {
  const absent = schema.safeParse(undefined);
  if (doc?.default === 'required') {
    expect(absent.success).toBe(false);
    return;
  }
  expect(absent.success).toBe(true);
  if (absent.data === undefined || (Array.isArray(absent.data) && absent.data.length === 0)) {
    expect(doc?.default).toMatch(/^(?:none|no limit|the |standard output)/);
    return;
  }
  const written = parse((doc?.default ?? '').split(':')[0] ?? '') as unknown;
  expect(schema.safeParse(written).data).toEqual(absent.data);
});

test('EXAMPLE_CONFIG is valid, without a warning, and uses every section', () => {
  const result = parseConfig(EXAMPLE_CONFIG, { file: 'docs/configuration.md' });
  expect(result).toMatchObject({ ok: true, warnings: [] });
  expect(Object.keys(parse(EXAMPLE_CONFIG) as object)).toEqual(Object.keys(configSchema.shape));
});

test('renderConfigReference() has a row for every field', () => {
  const text = renderConfigReference();
  for (const { key, doc } of all) expect(text).toContain(`| \`${key}\` | ${doc?.is}. |`);
  expect(text).toContain('## `backends.*.servers.*`');
});

test('configJsonSchema() forbids unknown keys and describes every field', () => {
  const schema = JSON.stringify(configJsonSchema());
  expect(configJsonSchema()).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['version', 'cluster', 'frontends', 'backends'],
  });
  for (const { doc } of all) expect(schema).toContain(JSON.stringify(doc?.is).slice(1, -1));
  expect(schema).not.toContain('fieldDoc');
});
