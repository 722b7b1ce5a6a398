// `tospann failover`: the planned move of the virtual addresses to the other node.
import { failoverReport } from '@tospann/api';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out } from './exit.ts';

export interface FailoverOptions {
  readonly to?: string;
  readonly runDir: string;
  readonly json?: boolean;
}

export async function failoverCommand(options: FailoverOptions): Promise<ExitCode> {
  const body = options.to === undefined ? {} : { to: options.to };
  const answer = await ask(options.runDir, { method: 'POST', path: '/api/v1/failover', body });
  const report = failoverReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return answer.status === 409 ? Exit.refused : Exit.failed;
  }
  const { from, to, vips, durationMs, detail } = report.data;
  if (options.json === true) out(JSON.stringify(report.data));
  else out(`${vips.join(', ')} moved from ${from} to ${to} in ${Math.round(durationMs)} ms. ${detail}`);
  return Exit.ok;
}

/** The parts of a problem+json answer that a person needs (RFC 9457). */
export function problemOf(body: unknown): { readonly code: string; readonly message: string; readonly hint: string } {
  const text = (key: string): string => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return {
    code: text('code') || 'LB_INTERNAL',
    message: text('detail') || text('title') || 'the node gave an answer that is not known here',
    hint: text('hint'),
  };
}
