// An error on the HTTP surface, as the contract has it.
import { z } from 'zod';

/** An error on the HTTP surface (RFC 9457). */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  hint: z.string(),
  requestId: z.string(),
});
export type Problem = Readonly<z.infer<typeof problem>>;
