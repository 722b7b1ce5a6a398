// Walks the zod schema by a path of the file: which keys are known there, and what the documentation of a field
// says. Reading only; the schema stays the single description of the file.
import { z } from 'zod';
import type { Path } from '../problem.ts';
import { alternativesOf, fieldDocOf, type FieldDoc } from './fields.ts';

/** What the schema has at a path. */
export interface SchemaPlace {
  /** Keys that a mapping may have; empty for names and values. */
  readonly keys: readonly string[];
  /** Examples of the keys that a mapping must have: `address: 10.10.10.1:80`. */
  readonly required: readonly string[];
  readonly doc?: FieldDoc;
}

/** Looks up a path; undefined when the schema knows nothing there. */
export function schemaPlace(root: z.ZodType, path: Path): SchemaPlace | undefined {
  let schema: z.ZodType | undefined = root;
  let doc: FieldDoc | undefined;
  for (const part of path) {
    const parent = unwrap(schema);
    schema = step(parent, part);
    if (schema === undefined) return undefined;
    // The elements of a list and the values of names are documented by what holds them.
    doc = docOf(schema) ?? (typeof part === 'number' || parent instanceof z.ZodRecord ? doc : undefined);
  }
  const inner = unwrap(schema);
  const shape = inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : {};
  const docs = Object.values(shape).flatMap((value) => docOf(value) ?? []);
  const required = docs.filter((known) => known.default === 'required').map((known) => known.example);
  const place = { keys: Object.keys(shape), required: required.length > 0 ? required : ['...'] };
  return doc === undefined ? place : { ...place, doc };
}

/** Removes what wraps a schema: defaults, optional, transforms (their input side). */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault) {
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodPipe) {
      inner = structured(inner) ?? (inner.def.in as z.ZodType);
    } else {
      return inner;
    }
  }
}

// Of the ways to write a value, the one with keys in it is the one that can be walked.
function structured(schema: z.ZodType): z.ZodType | undefined {
  const alternatives = alternativesOf(schema)?.map(unwrap) ?? [];
  return (
    alternatives.find((known) => known instanceof z.ZodObject || known instanceof z.ZodRecord) ??
    alternatives.find((known) => known instanceof z.ZodArray)
  );
}

/** The documentation on a schema or on what it wraps. */
export function docOf(schema: z.ZodType): FieldDoc | undefined {
  let inner = schema;
  for (;;) {
    const doc = fieldDocOf(inner);
    if (doc !== undefined) return doc;
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault) {
      inner = inner.def.innerType as z.ZodType;
    } else {
      return undefined;
    }
  }
}

function step(schema: z.ZodType, part: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, z.ZodType>)[String(part)];
  if (schema instanceof z.ZodRecord) return schema.def.valueType as z.ZodType;
  if (schema instanceof z.ZodArray) return schema.def.element as z.ZodType;
  return undefined;
}

/** Every key of the schema with the mappings in which it may stand, for "it belongs under ...". */
export function placesOfKey(root: z.ZodType, key: string): string[] {
  const found: string[] = [];
  const visit = (schema: z.ZodType, path: string): void => {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodRecord) visit(inner.def.valueType as z.ZodType, `${path}.*`);
    if (inner instanceof z.ZodArray) visit(inner.def.element as z.ZodType, `${path}[]`);
    if (!(inner instanceof z.ZodObject)) return;
    for (const [name, value] of Object.entries(inner.shape)) {
      const childPath = path === '' ? name : `${path}.${name}`;
      if (name === key) found.push(childPath);
      visit(value, childPath);
    }
  };
  visit(root, '');
  return found;
}
