// Schema of what is called when something happens: a program without a shell, or a web address; and the time it has.
import type { z } from 'zod';
import { duration, field, list, text } from './fields.ts';

const word = text('a program or argument of 1 to 1024 characters', /^[^\0]{1,1024}$/);

/** What can be called; see `callFields`. */
export interface CallShape {
  readonly run: z.ZodOptional<z.ZodArray<z.ZodString>>;
  readonly url: z.ZodOptional<z.ZodString>;
  readonly timeout: z.ZodPrefault<z.ZodType<number, string>>;
}

/** The fields run, url and timeout; `is` describes the program. Exactly one of the first two: lint/failover.ts. */
export function callFields(is: string): CallShape {
  return {
    run: field(list(word, { min: 1, max: 64 }).optional(), {
      is,
      range: 'list: an absolute path, then arguments',
      default: 'none; either run or url',
      change: 'Set it to your program; no shell reads it',
      example: 'run: [/usr/local/bin/move-address, --zone, a]',
    }),
    url: field(text('a web address (https://host/path or http://...)', /^https?:\/\/[^\s/]+(?:\/\S*)?$/).optional(), {
      is: 'Web address that gets the event as JSON by POST',
      range: 'http or https address',
      default: 'none; either run or url',
      change: 'Set it to your web hook',
      example: 'url: https://hooks.example/tospann',
    }),
    timeout: field(duration({ minMs: 100, maxMs: 600_000 }).prefault('10s'), {
      is: 'After this a call counts as failed; a program and all that it started is ended',
      range: 'duration, 100ms to 10m',
      default: '10s',
      change: 'Raise it for a slow API',
      example: 'timeout: 10s',
    }),
  };
}
