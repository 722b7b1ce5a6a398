// Building blocks of the schema: one function for each kind of value. The message of every zod issue made here
// completes "must be ..."; issues.ts turns it into a problem. Every field carries its documentation.
import { z } from 'zod';
import {
  DURATION_MUST,
  formatDuration,
  formatSize,
  readDuration,
  readNetwork,
  readPercent,
  readRate,
  readSize,
  SIZE_MUST,
  type Reading,
} from '../units.ts';
import type { RateConfig } from '../model.ts';

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

/** A mapping from keys of a form (header names, statuses) to values of one kind; `must` completes "must be ...". */
export function keyed<S extends z.ZodType>(
  key: { readonly must: string; readonly form: RegExp },
  value: S,
): z.ZodRecord<z.ZodString, S> {
  return z.record(z.string().regex(key.form, { error: key.must }), value, {
    error: `a mapping with ${key.must} as key`,
  });
}

/** Schemas for one value that may be written in several ways, by the kind of YAML value. */
export interface Alternatives {
  readonly flag?: z.ZodType;
  readonly number?: z.ZodType;
  readonly text?: z.ZodType;
  readonly list?: z.ZodType;
  readonly mapping?: z.ZodType;
}

/** A value of one of several kinds; the kind chooses the schema, so that problems are those of what was meant. */
export function either<A extends Alternatives>(
  must: string,
  alternatives: A,
): z.ZodType<z.output<NonNullable<A[keyof A] & z.ZodType>>> {
  const schema = z.unknown().transform((value, context) => {
    const wanted = alternatives[kindOf(value)];
    if (wanted === undefined) {
      context.issues.push({ code: 'invalid_type', message: must, input: value } as z.core.$ZodRawIssue);
      return z.NEVER;
    }
    return passOn(wanted.safeParse(value), context);
  });
  const known = Object.values(alternatives) as z.ZodType[];
  return schema.meta({ alternatives: known }) as unknown as ReturnType<typeof either<A>>; // by `alternatives`
}

/** The schemas of a value made by `either`, or undefined. */
export function alternativesOf(schema: z.ZodType): readonly z.ZodType[] | undefined {
  return schema.meta()?.['alternatives'] as readonly z.ZodType[] | undefined;
}

function kindOf(value: unknown): keyof Alternatives {
  if (typeof value === 'boolean') return 'flag';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'string') return 'text';
  return Array.isArray(value) ? 'list' : 'mapping';
}

interface Issues {
  readonly issues: z.core.$ZodRawIssue[];
}

function passOn<T>(result: z.ZodSafeParseResult<T>, context: Issues): T {
  if (result.success) return result.data;
  // Each has its message and its path below this value.
  for (const issue of result.error.issues) context.issues.push({ ...issue } as z.core.$ZodRawIssue);
  return z.NEVER;
}

/** A value that a function of our own reads, whatever its kind; `problems` have paths below the value. */
export function readingAny<T>(
  read: (value: unknown) => { readonly value: T; readonly problems: readonly ShapeProblem[] },
): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const result = read(value);
    if (result.problems.length === 0) return result.value;
    for (const { path, must } of result.problems) {
      context.issues.push({ code: 'custom', message: must, path: [...path], input: value });
    }
    return z.NEVER;
  });
}

/** What is wrong inside a value; `must` completes "must be ...". */
export interface ShapeProblem {
  readonly path: readonly (string | number)[];
  readonly must: string;
}

/** A mapping that must have exactly one of some keys. */
export function exactlyOneOf<S extends z.ZodType>(schema: S, keys: readonly string[]): S {
  const must = `a mapping with exactly one of ${keys.join(', ')}`;
  return schema.refine((value) => keys.filter((key) => key in (value as object)).length === 1, { error: must });
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

/** A list of networks, IPv4 and IPv6. */
export function networks(max: number): z.ZodArray<z.ZodType<string, string>> {
  return list(reading('a network or address, such as 10.0.0.0/8 or 2001:db8::/32', readNetwork), { min: 0, max });
}

/** A size within a range, as bytes. */
export function size(range: { readonly min: number; readonly max: number }): z.ZodType<number, string> {
  const must = `a size from ${range.min === 0 ? '0' : formatSize(range.min)} to ${formatSize(range.max)}`;
  return reading(SIZE_MUST, (text) => within(readSize(text), range, must));
}

/** A percentage within a range, as a whole number. */
export function percent(range: { readonly min: number; readonly max: number }): z.ZodType<number, string> {
  const must = `a percentage from ${range.min}% to ${range.max}%`;
  return reading(must, (text) => within(readPercent(text), range, must));
}

function within(
  result: Reading<number>,
  range: { readonly min: number; readonly max: number },
  must: string,
): Reading<number> {
  if (!result.ok) return result;
  return result.value >= range.min && result.value <= range.max ? result : { ok: false, reason: 'range', must };
}

/** So many in a period: `100/10s`. */
export function rate(): z.ZodType<RateConfig, string> {
  return reading('a rate, such as 100/10s', readRate);
}

/** The name of a header field (RFC 9110 section 5.1). */
export const FIELD_NAME = {
  must: "a header name (letters, digits and !#$%&'*+-.^_`|~)",
  form: /^[!#$%&'*+\-.^_`|~\w]{1,128}$/,
};

/** An absolute path of a file. */
export function absoluteFile(): z.ZodString {
  return text('an absolute path of a file', /^\/[^\p{Cc}]{0,4095}$/u);
}

/** The name of a thing that is defined elsewhere in the file. */
export function reference(of: string): z.ZodString {
  return text(`the name of ${of}`, /^.{1,64}$/);
}
