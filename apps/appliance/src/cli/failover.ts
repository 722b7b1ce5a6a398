// `tospann failover`: the planned move of the virtual addresses to the other node.
import { failoverReport } from '@tospann/api';
import { renderMove } from '../core/render-move.ts';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson } from './exit.ts';

export interface FailoverOptions {
  readonly to?: string;
  readonly force?: boolean;
  readonly runDir: string;
  readonly json?: boolean;
}

export async function failoverCommand(options: FailoverOptions): Promise<ExitCode> {
  const { to: wanted, force } = options;
  const body = { ...(wanted === undefined ? {} : { to: wanted }), ...(force === undefined ? {} : { force }) };
  const answer = await ask(options.runDir, { method: 'POST', path: '/api/v1/failover', body });
  const report = failoverReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return answer.status === 409 ? Exit.refused : Exit.failed;
  }
  if (options.json === true) outJson(report.data);
  else out(renderMove(report.data));
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
