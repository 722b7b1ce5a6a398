// Building blocks of the schema: one function for each kind of value. The message of every zod issue made here
// completes "must be ..."; issues.ts turns it into a problem. Every field carries its documentation.
import { z } from 'zod';
import { DURATION_MUST, formatDuration, readDuration, type Reading } from '../units.ts';

/** What the reference says about a field; all of it goes into the field's description. */
export interface FieldDoc {
  /** What it is, one sentence without its period. */
  readonly is: string;
  /** Unit and range, for instance `duration, 1ms to 24h`. */
  readonly range: string;
  /** What holds when the key is absent; `required` when it may not be. */
  readonly default: string;
  /** When to change it, one sentence without its period. */
  readonly change: string;
  /** Other keys that belong to it. */
  readonly see?: string;
  /** The key as it stands in the file, for instance `client: 1m`. */
  readonly example: string;
}

/** Attaches the documentation; the result has the same type. */
export function field<S extends z.ZodType>(schema: S, doc: FieldDoc): S {
  const see = doc.see === undefined ? '' : ` See also: ${doc.see}.`;
  const description = `${doc.is}. Value: ${doc.range}. Default: ${doc.default}. ${doc.change}.${see}`;
  return schema.meta({ description, examples: [doc.example], fieldDoc: doc });
}

/** The documentation of a field made by `field`, or undefined for others. */
export function fieldDocOf(schema: z.ZodType): FieldDoc | undefined {
  return schema.meta()?.['fieldDoc'] as FieldDoc | undefined;
}

/** A mapping with exactly these keys. */
export function mapping<S extends z.ZodRawShape>(shape: S, description: string): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, { error: notUnknownKey('a mapping (key: value)') }).meta({ description });
}

// An unrecognized key has a message of its own; everything else about a mapping is its type.
function notUnknownKey(must: string): (issue: { readonly code?: string }) => string | undefined {
  return (issue) => (issue.code === 'unrecognized_keys' ? undefined : must);
}

/** Names of nodes, VIPs, frontends, ACLs, backends and servers: HAProxy's letters. */
const NAME = /^\w[\w.:-]{0,63}$/;

/** A mapping from names to values of one kind. */
export function named<S extends z.ZodType>(value: S, description: string): z.ZodRecord<z.ZodString, S> {
  const name = z.string().regex(NAME, { error: 'a name' });
  return z.record(name, value, { error: 'a mapping (name: value)' }).meta({ description });
}

/** A list of values of one kind. */
export function list<S extends z.ZodType>(
  value: S,
  limits: { readonly min: number; readonly max: number },
): z.ZodArray<S> {
  const must = `a list of ${limits.min} to ${limits.max} values`;
  return z.array(value, { error: 'a list ([first, second])' }).min(limits.min, { error: must }).max(limits.max, {
    error: must,
  });
}

/** Text that `read` turns into a value. */
export function reading<T>(must: string, read: (text: string) => Reading<T>): z.ZodType<T, string> {
  return z.string({ error: must }).transform((text, context) => {
    const result = read(text);
    if (result.ok) return result.value;
    context.issues.push({
      code: 'custom',
      message: result.must,
      input: text,
      params: { reason: result.reason },
    });
    return z.NEVER;
  });
}

/** A duration within a range, as milliseconds; `stepMs` is the smallest difference that has a meaning. */
export function duration(range: {
  readonly minMs: number;
  readonly maxMs: number;
  readonly stepMs?: number;
}): z.ZodType<number, string> {
  const stepMs = range.stepMs ?? 1;
  const step = stepMs === 1 ? '' : ` in steps of ${formatDuration(stepMs)}`;
  const must = `a duration from ${formatDuration(range.minMs)} to ${formatDuration(range.maxMs)}${step}`;
  return reading(DURATION_MUST, (text) => {
    const result = readDuration(text);
    if (!result.ok) return result;
    const fits = result.value >= range.minMs && result.value <= range.maxMs && result.value % stepMs === 0;
    return fits ? result : { ok: false, reason: 'range', must };
  });
}

/** A whole number within a range. */
export function wholeNumber(min: number, max: number): z.ZodNumber {
  const error = `a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** One of some words. */
export function choice<const T extends readonly [string, ...string[]]>(
  words: T,
): z.ZodEnum<z.core.util.ToEnum<T[number]>> {
  return z.enum(words as readonly T[number][], { error: `one of ${words.join(', ')}` });
}

/** Text of a form. */
export function text(must: string, form: RegExp): z.ZodString {
  return z.string({ error: must }).regex(form, { error: must });
}

/** true or false. */
export function flag(): z.ZodBoolean {
  return z.boolean({ error: 'true or false' });
}
