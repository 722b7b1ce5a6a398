// `tospann failover`: the planned move of the virtual addresses to another node, which it names before it moves anything.
import { failoverReport, type FailoverRequest } from '@tospann/api';
import { renderMove } from '../core/render-move.ts';
import { ask, type ControlAnswer } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson, say } from './exit.ts';

export interface FailoverOptions {
  readonly to?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly runDir: string;
  readonly json?: boolean;
}

/** Exit 6: it is refused, and nothing has changed. A node that owns all of it already is no failure. */
export async function failoverCommand(options: FailoverOptions): Promise<ExitCode> {
  const { to, force, dryRun = false } = options;
  const wish = { ...(to === undefined ? {} : { to }), ...(force === undefined ? {} : { force }) };
  const preview = await failover(options, { ...wish, dryRun: true });
  // A node of an older version knows no preview.
  if (dryRun || preview.status !== 400) {
    const plan = failoverReport.safeParse(preview.body);
    if (dryRun || !plan.success || plan.data.from === plan.data.to) return show(preview, options);
    // What is moved, and whose turn it is, does not depend on which node was asked a second time.
    say(`Moving ${plan.data.vips.join(', ')} from ${plan.data.from} to ${plan.data.to}`);
    return show(await failover(options, { ...wish, to: plan.data.to }), options);
  }
  return show(await failover(options, wish), options);
}

async function failover({ runDir }: FailoverOptions, body: FailoverRequest): Promise<ControlAnswer> {
  return await ask(runDir, { method: 'POST', path: '/api/v1/failover', body });
}

function show(answer: ControlAnswer, options: FailoverOptions): ExitCode {
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
