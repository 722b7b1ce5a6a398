// `tospann maintenance on|off`: takes this node out of the election, kept over restarts, and lets it in again.
import { maintenanceReport } from '@tospann/api';
import { renderMaintenance } from '../core/render-move.ts';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { problemOf } from './failover.ts';

export interface MaintenanceOptions {
  readonly runDir: string;
  readonly reason?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Exit 6: the other node cannot serve, and nothing has changed. */
export async function maintenanceCommand(wish: string, options: MaintenanceOptions): Promise<ExitCode> {
  if (wish !== 'on' && wish !== 'off') {
    say(`Cannot set maintenance to "${wish}": say "on" or "off"`);
    return Exit.usage;
  }
  const { reason, force } = options;
  const body = {
    on: wish === 'on',
    ...(reason === undefined ? {} : { reason }),
    ...(force === undefined ? {} : { force }),
  };
  const answer = await ask(options.runDir, { method: 'PUT', path: '/api/v1/maintenance', body });
  const report = maintenanceReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return answer.status === 409 ? Exit.refused : Exit.failed;
  }
  if (options.json === true) outJson(report.data);
  else out(renderMaintenance(report.data));
  return Exit.ok;
}
